import { auditCallbacks } from "@vouchtrail/sdk/langchain";
import { type MockAudit, mockAudit } from "@vouchtrail/sdk/testing";
import { beforeAll, beforeEach } from "vitest";
import { hasFrameworks } from "../../scripts/frameworks.mjs";
import { type Answer, brief, type LangChain, loadLangChain, scriptedModel } from "./langchain-model.ts";

export const isInstalled: boolean = hasFrameworks();
if (!isInstalled) console.info("The agent frameworks are not installed: LangChain and LangGraph are not tested.");

/** The framework, from the first test on. */
export let lang: LangChain;
/** What the test has recorded. */
export let audit: MockAudit;

/** To be called once by each file: loads the framework, and records each test anew. */
export function useLangChain(): void {
  beforeAll(async () => {
    if (isInstalled) lang = await loadLangChain();
  });
  beforeEach(() => {
    audit = mockAudit();
  });
}

/** Tools of the tests: one that adds, one that throws, one that asks, one that says that it failed. */
export function makeTools(ran: string[] = []) {
  const { tools, zod, graph, messages } = lang;
  const { z } = zod;
  const add = tools.tool(
    ({ a, b }) => {
      ran.push(`add after ${audit.events.filter(({ phase }) => phase === "intent").length} intents`);
      return String(a + b);
    },
    { name: "add", schema: z.object({ a: z.number(), b: z.number() }) },
  );
  const fail = tools.tool(
    () => {
      throw new TypeError("no such thing");
    },
    { name: "fail", schema: z.object({}) },
  );
  const ask = tools.tool(
    (_input, config) => {
      const answer: unknown = graph.interrupt({ question: "May I?" });
      ran.push(`asked: ${JSON.stringify(answer)}`);
      return `${config.toolCall?.name} got ${JSON.stringify(answer)}`;
    },
    { name: "ask", schema: z.object({ why: z.string().optional() }) },
  );
  const sorry = tools.tool(
    (_input, config) => new messages.ToolMessage({ content: "It is sold out.", status: "error", tool_call_id: config.toolCall.id }),
    {
      name: "sorry",
      schema: z.object({}),
    },
  );
  return { add, fail, ask, sorry };
}

/** An agent of LangGraph with these tools, whose model gives the answers. */
export function makeAgent(answers: readonly Answer[], ran?: string[]) {
  return lang.prebuilt.createReactAgent({
    llm: scriptedModel(lang, answers),
    tools: Object.values(makeTools(ran)),
    checkpointer: new lang.graph.MemorySaver(),
    name: "helper",
  });
}

/** The configuration of a run in a thread, audited. */
export const inThread = (thread: string, options: Parameters<typeof auditCallbacks>[0] = {}) => ({
  configurable: { thread_id: thread },
  callbacks: [auditCallbacks({ emitter: audit.emitter, userId: "ann", ...options })],
});
export const briefs = (): string[] => audit.events.map(brief);
export const told = (action: string) => audit.events.filter((event) => event.action === action);
