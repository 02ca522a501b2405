import { quietly } from "../../quietly.ts";
import { type Members, membersOf } from "./langchain-value.ts";

/** Whether LangGraph only leaves the current run with it: it is thrown, but nothing has failed. */
export function isControlFlow(error: unknown): boolean {
  return quietly(() => membersOf(error)?.is_bubble_up === true) ?? false;
}

/** The questions of an interrupt that was thrown; undefined when it is none. */
export function interruptsIn(error: unknown): unknown {
  return quietly(() => (isControlFlow(error) ? membersOf(error)?.interrupts : undefined));
}

/**
 * The agents to which a run hands over with `Command({ graph: Command.PARENT, goto })`, which LangGraph throws up to the graph that it is for, and changes on the way.
 * Empty when it is something else.
 */
export function handoffsIn(error: unknown): string[] {
  const told = quietly(() => {
    const goto = isControlFlow(error) ? membersOf(membersOf(error)?.command)?.goto : undefined;
    const targets: unknown[] = Array.isArray(goto) ? goto : [goto];
    return targets.map((target) => membersOf(target)?.node ?? target);
  });
  const names = (told ?? []).filter((name) => typeof name === "string");
  return [...new Set(names)].filter((name) => name !== "" && name !== "__end__");
}

/** What was thrown, in a form that an event can always tell: an error with a name and a message that are text, or text. */
export function readableError(error: unknown): Error | string {
  const read = quietly(() => {
    if (!(error instanceof Error) && !isErrorLike(error))
      return typeof error === "string" ? error : (JSON.stringify(error) ?? String(error));
    const { name, message } = error as Members;
    return errorOf(typeof name === "string" ? name : "Error", typeof message === "string" ? message : "");
  });
  return read ?? errorOf("Error", "What was thrown cannot be read.");
}

/** Errors of another realm are no instances of ours. */
function isErrorLike(error: unknown): boolean {
  const members = membersOf(error);
  return typeof members?.name === "string" && typeof members.message === "string";
}

/** An error whose name becomes the code of an outcome. */
export function errorOf(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
