import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "./cli-process.ts";

const SESSION = "0b0e5c2a-1111-4222-8333-444455556666";
const OTHER = "0b0e5c2a-1111-4222-8333-444455557777";
/** Longest a condition is waited for, in milliseconds. */
const WAIT_MS = 20_000;

let place: Workplace;
let project = "";
beforeEach(async () => {
  place = await openWorkplace();
  project = place.path("claude/projects/-work");
  await mkdir(project, { recursive: true });
});
afterEach(() => place.close());

interface Line {
  readonly uuid: string;
  readonly parentUuid?: string | null;
  readonly agentId?: string;
  readonly requestId?: string;
  readonly model?: string;
}
function line(content: unknown, { uuid, model, ...more }: Line, type = "user"): string {
  const message = { role: type, content, ...(model !== undefined && { model, usage: { input_tokens: 10, output_tokens: 20 } }) };
  const timestamp = "2026-02-10T10:00:00Z";
  const isSidechain = more.agentId !== undefined;
  return `${JSON.stringify({ type, uuid, parentUuid: null, sessionId: SESSION, timestamp, isSidechain, message, ...more })}\n`;
}
const call = (id: string, more: object = {}): string =>
  line([{ type: "tool_use", id, name: "Bash", input: { command: "ls" } }], { uuid: `u-${id}`, ...more }, "assistant");
const result = (id: string, more: object = {}): string =>
  line([{ type: "tool_result", tool_use_id: id, content: "größer" }], { uuid: `r-${id}`, ...more });

interface Told {
  readonly action: string;
  readonly phase?: string;
  readonly outcome: { readonly status: string; readonly code?: string };
  readonly context?: { readonly callId?: string };
  readonly details?: { readonly uuid?: string };
}
/** What the server has from imports, in words. */
async function recorded({ url }: Served): Promise<string[]> {
  const answer = await fetch(`${url}/api/v1/events?format=ndjson&limit=1000&via=import&wait=searchable`);
  const lines = (await answer.text()).split("\n").filter(Boolean);
  return lines
    .map((text) => JSON.parse(text) as { event?: Told })
    .flatMap(({ event }) => (event === undefined ? [] : [event]))
    .map(({ action, phase, outcome, context, details }) =>
      [action, phase, outcome.code ?? outcome.status, context?.callId ?? details?.uuid].filter((part) => part !== undefined).join(" "),
    )
    .sort();
}
async function eventuallyRecorded(server: Served, expected: readonly string[]): Promise<void> {
  await expect.poll(() => recorded(server), { timeout: WAIT_MS, interval: 50 }).toEqual([...expected].sort());
}

test("MAPPING-44: a watch records what is written in any pieces, with new subagents and sessions, as one import does", async () => {
  const server = await place.serve();
  const file = join(project, `${SESSION}.jsonl`);
  await writeFile(file, line("go", { uuid: "u-1" }));
  const watch = place.start(["import", "--watch", "--interval", "0.1", "--url", server.url], {
    environment: { CLAUDE_CONFIG_DIR: place.path("claude") },
  });
  const expected = ["ai.chat_message success u-1"];
  await eventuallyRecorded(server, expected);

  // A call, and its result in two pieces, cut within a character.
  const ending = Buffer.from(result("t-1"));
  const middle = ending.indexOf("ö") + 1;
  await appendFile(file, Buffer.concat([Buffer.from(call("t-1") + line("more", { uuid: "u-2" })), ending.subarray(0, middle)]));
  expected.push("ai.chat_message success u-2");
  await eventuallyRecorded(server, expected);
  await appendFile(file, ending.subarray(middle));
  expected.push("ai.tool_call success t-1");
  await eventuallyRecorded(server, expected);

  const subagents = join(project, SESSION, "subagents");
  await mkdir(subagents, { recursive: true });
  await writeFile(join(subagents, "agent-a1.jsonl"), call("t-sub", { agentId: "a1" }) + result("t-sub", { agentId: "a1" }));
  await writeFile(join(project, "agent-b2.jsonl"), call("t-old", { agentId: "b2" }) + result("t-old", { agentId: "b2" }));
  await writeFile(join(project, "notes.jsonl"), "no transcript\n{}\n");
  expected.push("ai.tool_call success t-sub", "ai.tool_call success t-old");
  await eventuallyRecorded(server, expected);

  // Replaced by a shorter one, which then grows; and an open call at the end.
  await writeFile(file, line("again", { uuid: "u-3" }));
  expected.push("ai.chat_message success u-3");
  await eventuallyRecorded(server, expected);
  await appendFile(file, call("t-open"));
  await writeFile(join(project, `${OTHER}.jsonl`), line("hello", { uuid: "u-4" }));
  expected.push("ai.chat_message success u-4");
  await eventuallyRecorded(server, expected);
  watch.child.kill("SIGTERM");
  const { code, out, err } = await watch.ended;
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain(`session ${SESSION}, subagent a1: 1 event\n`);
  expect(out).toMatch(/^subagent b2: 1 event$/m);
  expect(out).toMatch(/Total: 4 files, 8 stored, 0 there already, 0 refused\.\n$/);
  expected.push("ai.tool_call intent pending t-open");
  await eventuallyRecorded(server, expected);

  const once = await place.run(["import", "--url", server.url, "--json", place.path("claude")]);
  expect(once.code).toBe(0);
  expect(JSON.parse(once.out)).toMatchObject({
    stored: 0,
    duplicates: 5,
    refused: 0,
    folders: [{ sessions: 2, subagents: 2, others: 0, passedOver: [join(project, "notes.jsonl")] }],
  });
  expect((await server.stop()).code).toBe(0);
});

test("MAPPING-47: nothing is lost when the server is away for a while, and a watch that cannot send ends with 1", async () => {
  const server = await place.serve();
  const file = join(project, `${SESSION}.jsonl`);
  await writeFile(file, line("go", { uuid: "u-1" }));
  const watch = place.start(["import", "--watch", "--interval", "0.1", "--url", server.url, project]);
  await eventuallyRecorded(server, ["ai.chat_message success u-1"]);
  await server.stop();
  await appendFile(file, call("t-1") + result("t-1"));
  await watch.errMatches(/No server answers at .* Trying again in/);
  const again = await place.serve(["--data", "data", "--port", server.port]);
  await eventuallyRecorded(again, ["ai.chat_message success u-1", "ai.tool_call success t-1"]);

  await again.stop();
  await appendFile(file, line("unheard", { uuid: "u-2" }));
  const told = watch.err().length;
  await expect.poll(() => watch.err().slice(told), { timeout: WAIT_MS, interval: 50 }).toContain("Trying again in");
  watch.child.kill("SIGINT");
  const { code, err } = await watch.ended;
  expect(code).toBe(1);
  expect(err).toMatch(/Not everything was sent: 1 file/);
});

test("MAPPING-43: a folder is imported whole although some of its files are odd, with the costs of the configuration", async () => {
  const server = await place.serve();
  const junk = "no line of a transcript\n";
  const priced = { requestId: "r-1", model: "claude-opus-4-6" };
  const unpriced = { requestId: "r-2", model: "of-tomorrow" };
  await writeFile(
    join(project, `${SESSION}.jsonl`),
    call("t-1", priced) + junk + result("t-1", { parentUuid: "lost" }) + call("t-2", unpriced) + result("t-2"),
  );
  await writeFile(join(project, `${OTHER}.jsonl`), "");
  await writeFile(join(project, "odd.jsonl"), Buffer.from([0xff, 0x00, 0x0a]));
  await writeFile(
    place.path("prices.yaml"),
    "prices:\n  - { model: claude-opus-4-6, from: 2026-01-01, inputUsd: 1, outputUsd: 2, cacheReadUsd: 0, cacheWriteUsd: 0 }\n",
  );
  const { code, out } = await place.run(["import", "--url", server.url, "--config", "prices.yaml", project]);
  expect(out.replaceAll(project, "…")).toBe(
    [
      "…: 2 sessions, 0 files of subagents, 1 passed over: no transcript, or not readable.",
      `…/${SESSION}.jsonl (claude-code-transcript): 6 stored, 0 there already, 0 refused, 1 lines not understood, lines missing in 1 place.`,
      "No price for model of-tomorrow: 1 request.",
      "Total: 6 stored, 0 there already, 0 refused.",
      "",
    ].join("\n"),
  );
  expect(code).toBe(0);
  await eventuallyRecorded(server, [
    "ai.tool_call success t-1",
    "ai.tool_call success t-2",
    "agent.transcript.broken LINE_MALFORMED",
    "agent.transcript.broken PARENT_MISSING r-t-1",
    "ai.model_call success r-1",
    "ai.model_call success r-2",
  ]);
  // Requests of 10 tokens in and 20 out.
  const stats = await place.run(["stats", "--url", server.url, "--group", "model", "--json", "--wait"]);
  const { groups } = JSON.parse(stats.out) as { groups: { key: { model: string | null }; costUsd: number }[] };
  const costs = Object.fromEntries(groups.map(({ key, costUsd }) => [key.model, costUsd]));
  expect(costs).toMatchObject({ "claude-opus-4-6": 0.00005, "of-tomorrow": 0 });
  expect((await server.stop()).code).toBe(0);
});

test("MAPPING-44: what cannot be watched or imported is said in one line", async () => {
  for (const [args, message] of [
    [["import"], /name the files to import/],
    [["import", "--watch", "-"], /Standard input cannot be watched/],
    [["import", "--watch", "--format", "event", "."], /Only transcripts can be watched/],
    [["import", "--format", "event", "."], /only transcripts are read from folders/],
    [["import", "--watch", "--interval", "0"], /number of seconds from 0\.1 to 3600/],
  ] as const) {
    const { code, err } = await place.run(args);
    expect([code, err]).toEqual([1, expect.stringMatching(message)]);
  }
});
