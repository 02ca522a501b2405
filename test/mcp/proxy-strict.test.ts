import { PassThrough } from "node:stream";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAnswerPort } from "../../packages/mcp/src/proxy/answer-port.ts";
import { answering, callLine, openProxyPlace, type ProxyPlace, requestLine } from "./proxy-place.ts";

/** Gives back every byte: what the client gets beside refusals is what the server saw. */
const ECHO = "process.stdin.pipe(process.stdout)";

let place: ProxyPlace;
beforeEach(async () => {
  place = await openProxyPlace();
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
});

interface Refusal {
  readonly id: unknown;
  readonly error: { readonly code: number; readonly message: string; readonly data?: { readonly code: string } };
}
const linesOf = (bytes: Buffer): unknown[] =>
  bytes
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);

test("PROXY-13: with the trail away a strict proxy refuses the call, the server sees nothing of it, and everything else passes", async () => {
  await place.trail.stop();
  place.strictTimeoutMs = 200;
  place.isPatient = false;
  const proxy = place.start(ECHO, { isStrict: true });
  const list = requestLine(2, "tools/list");
  proxy.input.write(callLine(1, "danger") + list);
  await proxy.until("tools/list");
  proxy.input.end();
  await proxy.ended;
  const lines = linesOf(proxy.bytes());
  const refusal = lines.find((line) => (line as Refusal).error !== undefined) as Refusal;
  expect(refusal).toMatchObject({ id: 1, error: { code: -32_010, data: { code: "TRAIL_UNREACHABLE" } } });
  expect(refusal.error.message).toContain("Start the trail");
  expect(lines.filter((line) => line !== refusal)).toEqual([JSON.parse(list)]);

  await place.trail.start();
  place.isPatient = true;
  const later = place.start(ECHO);
  later.input.end();
  await later.ended;
  expect(place.events("ai.tool_call").map(({ phase, outcome }) => [phase, outcome.status, outcome.code])).toEqual([
    ["outcome", "denied", "TRAIL_UNREACHABLE"],
  ]);
});

test("PROXY-13: a strict call reaches the server only when its intent is in the trail", async () => {
  const serves: (() => void)[] = [];
  place.trail.behaviour = ({ events }, serve) => {
    if (events.some(({ phase }) => phase === "intent")) serves.push(serve);
    else serve();
  };
  const proxy = place.start(ECHO, { isStrict: true });
  const before = requestLine(1, "ping");
  const call = callLine(2, "held");
  const behind = requestLine(3, "ping");
  proxy.input.write(before + call + behind);
  await proxy.until(before);
  await expect.poll(() => serves.length).toBe(1);
  expect(proxy.bytes().toString()).toBe(before);
  serves[0]?.();
  await proxy.until(behind);
  proxy.input.end();
  place.trail.behaviour = undefined;
  await proxy.ended;
  expect(proxy.bytes().toString()).toBe(before + call + behind);
});

test("PROXY-13: strict calls that are recorded pass unchanged, with every answer", async () => {
  const proxy = place.start(answering("({ result: { saw: message.params.arguments } })"), { isStrict: true });
  for (let i = 0; i < 300; i++) proxy.input.write(callLine(i, "tool", { i }));
  await proxy.until('"id":299');
  proxy.input.end();
  await proxy.ended;
  expect(linesOf(proxy.bytes())).toHaveLength(300);
  expect(place.events("ai.tool_call").filter(({ outcome }) => outcome.status === "success")).toHaveLength(300);
});

test("PROXY-14: a strict proxy passes nothing that it cannot read: a call could hide in it", async () => {
  const proxy = place.start(ECHO, { isStrict: true });
  const hidden = [
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"n":NaN}}}\n',
    'noise\r{"jsonrpc":"2.0","id":2,"method":"tools/call"}\n',
    '{"method":"ping","x":\r{"jsonrpc":"2.0","id":3,"method":"tools/call"}\r}\n',
    `{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"${"x".repeat(17 * 1_048_576)}"}}\n`,
  ];
  for (const line of hidden) proxy.input.write(line);
  const ping = `{"jsonrpc":"2.0","id":5,"method":"ping"}\r\n`;
  proxy.input.write(ping);
  await proxy.until(ping);
  proxy.input.end();
  await proxy.ended;
  const lines = linesOf(proxy.bytes()) as Refusal[];
  expect(lines.map(({ id, error }) => [id, error?.code])).toEqual([...hidden.map(() => [null, -32_011]), [5, undefined]]);
  expect(
    place
      .events("mcp.message.unread")
      .filter(({ details }) => /not passed/.test(String(details.reason)) || details.reason === "It is too long.").length,
  ).toBeGreaterThanOrEqual(3);
});

test("PROXY-14: a call with an escaped method, or in a batch, is held like any other", async () => {
  await place.trail.stop();
  place.strictTimeoutMs = 200;
  place.isPatient = false;
  const proxy = place.start(ECHO, { isStrict: true });
  proxy.input.write('{"jsonrpc":"2.0","id":1,"method":"tools\\u002fcall","params":{"name":"a"}}\n');
  proxy.input.write('[{"jsonrpc":"2.0","id":2,"method":"ping"},{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"b"}}]');
  proxy.input.end();
  await proxy.ended;
  expect((linesOf(proxy.bytes()) as Refusal[]).map(({ id, error }) => [id, error.code])).toEqual([1, 2, 3].map((id) => [id, -32_010]));
});

test("PROXY-13: refusals stand between the lines of the server, never within one", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant("say" as const), fc.stringMatching(/^[a-c\n]{0,8}$/)), { maxLength: 30 }), (steps) => {
      const output = new PassThrough({ highWaterMark: 1_000_000 });
      const port = createAnswerPort(output);
      for (const step of steps) {
        if (step === "say") port.say("REFUSED");
        else port.write(Buffer.from(step));
      }
      port.end();
      const text = (output.read() as Buffer | null)?.toString() ?? "";
      const server = steps.filter((step) => step !== "say").join("");
      const said = steps.filter((step) => step === "say").length;
      const lines = text.split("\n");
      expect(lines.filter((line) => line === "REFUSED")).toHaveLength(said);
      expect(text.match(/REFUSED/g) ?? []).toHaveLength(said);
      // At the very end a line of the server that was cut off gets its newline before the refusal.
      expect([server, `${server}\n`]).toContain(text.replaceAll("REFUSED\n", ""));
    }),
  );
});

test("PROXY-13, PROXY-6: a server that dies while an intent is on its way leaves no call without an ending", async () => {
  const serves: (() => void)[] = [];
  place.trail.behaviour = ({ events }, serve) => {
    if (events.some(({ phase }) => phase === "intent")) serves.push(serve);
    else serve();
  };
  const proxy = place.start("process.stdin.once('data', () => process.exit(1))", { isStrict: true });
  proxy.input.write(requestLine(1, "ping") + callLine(2, "late"));
  await expect.poll(() => serves.length).toBe(1);
  place.trail.behaviour = undefined;
  serves[0]?.();
  await proxy.ended;
  expect(place.events("ai.tool_call").map(({ phase, outcome }) => [phase, outcome.code])).toEqual([
    ["intent", undefined],
    ["outcome", "NO_ANSWER"],
  ]);
});
