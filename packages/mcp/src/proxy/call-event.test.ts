import { AuditEventInputSchema } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { agentToolName, endingEvent, intentOf, isRecorded, outcomeOf, type SeenRequest } from "./call-event.ts";
import { callIdOf, clientOf, traceOf } from "./caller.ts";
import { isObject, readMessages } from "./message.ts";

const identity = { serverName: "tested", sessionId: "s", instance: "run" };

test("PROXY-5: the name of a tool is that which agents use, and names that are too long stay apart", () => {
  expect(agentToolName("my server", "read.file")).toBe("mcp__my_server__read_file");
  const [left, right] = [agentToolName("s", `${"x".repeat(200)}1`), agentToolName("s", `${"x".repeat(200)}2`)];
  expect(left).toHaveLength(128);
  expect(left).not.toBe(right);
});

test("PROXY-5, PROXY-9: whatever a client sends, the events of it are events", () => {
  const params = fc.oneof(
    fc.dictionary(fc.constantFrom("name", "arguments", "uri", "_meta"), fc.jsonValue()),
    fc.record({
      name: fc.string({ unit: "binary", maxLength: 300 }),
      _meta: fc.dictionary(fc.constantFrom("traceparent", "claudecode/toolUseId", "io.modelcontextprotocol/clientInfo"), fc.jsonValue()),
    }),
  );
  const methods = fc.constantFrom("tools/call", "resources/read", "prompts/get", "sampling/createMessage", "elicitation/create");
  const answers = fc.oneof(
    fc.record({ result: fc.jsonValue() }),
    fc.record({ error: fc.dictionary(fc.constantFrom("code", "message", "data"), fc.jsonValue()) }),
  );
  fc.assert(
    fc.property(
      methods,
      params,
      fc.oneof(fc.integer(), fc.string({ unit: "binary", maxLength: 300 })),
      answers,
      (method, given, id, answer) => {
        const text = JSON.stringify({ jsonrpc: "2.0", id, method, params: given });
        const [message] = readMessages(text) ?? [];
        if (message?.kind !== "request") throw new Error("It is a request.");
        const request: SeenRequest = {
          id,
          method,
          params: message.params,
          callId: callIdOf(message.params) ?? `proxy-run-1-${id}`,
          client: clientOf(message.params),
          server: undefined,
          trace: traceOf(message.params),
          startedMs: 0,
        };
        const [response] = readMessages(JSON.stringify({ jsonrpc: "2.0", id, ...answer })) ?? [];
        if (response?.kind !== "response") throw new Error("It is a response.");
        const events = [endingEvent(identity, request, { outcome: outcomeOf(response, undefined), durationMs: 1.5 })];
        if (method === "tools/call") events.push(intentOf(identity, request));
        for (const event of events) expect(AuditEventInputSchema.safeParse(event).error?.issues).toBeUndefined();
      },
    ),
    { numRuns: 500 },
  );
});

test("PROXY-9: a request counts only on the side that may send it", () => {
  expect([isRecorded("tools/call", "client"), isRecorded("tools/call", "server")]).toEqual([true, false]);
  expect([isRecorded("sampling/createMessage", "client"), isRecorded("sampling/createMessage", "server")]).toEqual([false, true]);
  expect(isRecorded("constructor", "client")).toBe(false);
});

test("PROXY-3: whatever text comes, it is read as messages or not at all", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const messages = readMessages(text);
      const isMessage = (value: unknown): boolean => isObject(value) && ("method" in value || "result" in value || "error" in value);
      if (messages === undefined) return;
      const value = JSON.parse(text) as unknown;
      expect((Array.isArray(value) ? value : [value]).every(isMessage)).toBe(true);
    }),
  );
});
