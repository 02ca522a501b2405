import { CommandError } from "../command-error.ts";

const ACTION = /^[a-z0-9_]+(?:\.[a-z0-9_]+){1,2}$/;
/** The event's own limit. */
const ACTION_CHARS_MAX = 128;

/** Holds an action to the naming rule of catalogs, SDK-30: the SDK checks it again when the catalog is made. */
export function checkAction(action: string): void {
  if (ACTION.test(action) && action.length <= ACTION_CHARS_MAX) return;
  throw new CommandError(
    `"${action}" is no name of an action. Write resource.action or resource.subresource.action, in lower case (a-z, 0-9, _), such as agent.run.created.`,
  );
}

/**
 * The name of the function that records an action: `agent.run.created` is `agentRunCreated`.
 *
 * @throws {CommandError} The name would be none, or every function has one of that name.
 */
export function functionNameOf(action: string): string {
  const [first = "", ...rest] = action.split(/[._]/).filter((word) => word !== "");
  const name = first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  if (!/^[a-z]/.test(name)) throw new CommandError(`No function can be named after "${action}": begin it with a letter.`);
  if (name in Function.prototype) throw new CommandError(`Every function has "${name}" already: choose another name for "${action}".`);
  return name;
}
