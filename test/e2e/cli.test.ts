import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Ended, openWorkplace, type Workplace } from "./cli-process.ts";

// The transcripts are third-party material: read in place where they are, never copied.
const TRANSCRIPTS = fileURLToPath(new URL("../../../shared/data/claude-code/", import.meta.url));

interface View {
  readonly index: number;
  readonly event: {
    readonly id: string;
    readonly action: string;
    readonly phase?: string;
    readonly actor: { readonly id: string };
    readonly occurredAt: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly context?: { readonly callId?: string; readonly sessionId?: string };
  };
  readonly system?: { readonly forks?: { readonly origin: string; readonly reason: string } };
}

let place: Workplace;
beforeEach(async () => {
  place = await openWorkplace();
});
afterEach(() => place.close());

const EVENT = ["--action", "invoice.deleted", "--actor", "user:u-17", "--target", "invoice:4711"];
const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

function eventOf(number: number, more: object = {}): object {
  return {
    id: uuid(number),
    occurredAt: "2026-01-02T03:04:05.000Z",
    action: "door.opened",
    actor: { type: "system", id: "gate" },
    target: { type: "door", id: String(number) },
    outcome: { status: "success" },
    ...more,
  };
}

function logEntry(number: number, more: object = {}): object {
  return {
    id: `entry-${number}`,
    timestamp: "2026-01-02T03:04:05Z",
    agent: { id: "ops/release-manager", session_id: "s-1", conversation_id: "c-1" },
    action: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: `echo ${number}` } } },
    outcome: { status: "success", result: { exit_code: 0 } },
    ...more,
  };
}

/** Everything that is in a data directory, read offline. */
async function stored(data = "data"): Promise<readonly View[]> {
  const { code, out, err } = await place.run(["tail", "--data", data, "--json", "--url", "http://127.0.0.1:9"]);
  expect({ code, err }).toEqual({ code: 0, err: `No server answers at http://127.0.0.1:9; printing what is in ${data} instead.\n` });
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as View);
}

const ownEvents = (views: readonly View[]): readonly View[] => views.filter(({ system }) => system === undefined);
const lastLine = (ended: Ended): string => ended.out.trimEnd().split("\n").at(-1) ?? "";
/** What every refusal to start looks like: one plain line, no stack. */
const refusal = (ended: Ended): string => {
  expect(ended.code).toBe(1);
  expect(ended.err).not.toMatch(/\n\s+at /);
  return ended.err.trimEnd().split("\n").at(-1) ?? "";
};

// --- importing ---

/** Tool calls as the raw files have them: the session's own, and those inside progress lines, which are the subagents'. */
function countToolCalls(): { own: Set<string>; subagents: Set<string>; blocks: number } {
  const own = new Set<string>();
  const subagents = new Set<string>();
  let blocks = 0;
  for (const name of readdirSync(TRANSCRIPTS).filter((file) => file.endsWith(".jsonl"))) {
    for (const text of readFileSync(`${TRANSCRIPTS}${name}`, "utf8").split("\n")) {
      if (text.trim() === "") continue;
      const line = JSON.parse(text) as {
        type?: string;
        message?: { content?: unknown };
        data?: { message?: { message?: { content?: unknown } } };
      };
      const isProgress = line.type === "progress";
      const content = isProgress ? line.data?.message?.message?.content : line.message?.content;
      for (const block of Array.isArray(content) ? (content as { type?: string; id?: string }[]) : []) {
        if (block.type !== "tool_use" || block.id === undefined) continue;
        if (!isProgress) blocks += 1;
        (isProgress ? subagents : own).add(block.id);
      }
    }
  }
  return { own, subagents, blocks };
}

test("importing the six transcripts stores every tool call exactly once, and importing them again adds none", async () => {
  if (!existsSync(TRANSCRIPTS)) {
    console.warn("The shared transcripts are not here: nothing was imported.");
    return;
  }
  const raw = countToolCalls();
  expect(raw.blocks).toBe(433);
  expect(raw.own.size).toBe(433);
  const files = readdirSync(TRANSCRIPTS)
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => `${TRANSCRIPTS}${name}`);
  expect(files).toHaveLength(6);

  const server = await place.serve();
  const first = await place.run(["import", "--url", server.url, "--json", ...files]);
  expect(first).toMatchObject({ code: 0, err: "" });
  const summary = JSON.parse(first.out) as {
    stored: number;
    duplicates: number;
    refused: number;
    files: { format: string; notUnderstood: number }[];
  };
  expect(summary).toMatchObject({ duplicates: 0, refused: 0 });
  expect(summary.files.map(({ format }) => format)).toEqual(Array(6).fill("claude-code-transcript"));

  const second = await place.run(["import", "--url", server.url, "--json", ...files]);
  expect(second).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(second.out)).toMatchObject({ stored: 0, duplicates: summary.stored, refused: 0 });
  expect((await server.stop()).code).toBe(0);

  const events = ownEvents(await stored());
  expect(events).toHaveLength(summary.stored);
  const calls = events.filter(({ event }) => event.action === "ai.tool_call").map(({ event }) => event);
  const idsOf = (isSubagent: boolean): string[] =>
    calls
      .filter(({ labels }) => (labels?.subagent !== undefined) === isSubagent)
      .map(({ context }) => context?.callId ?? "")
      .sort();
  expect(idsOf(false)).toEqual([...raw.own].sort());
  expect(idsOf(true)).toEqual([...raw.subagents].sort());
  expect(raw.subagents.size).toBeGreaterThan(0);
});

test("agent log entries are imported from lines, from an array over many lines and from standard input, each once", async () => {
  const entries = [logEntry(1), logEntry(2), logEntry(3, { id: undefined })];
  await writeFile(place.path("lines.ndjson"), `\ufeff${entries.map((entry) => JSON.stringify(entry)).join("\r\n")}\r\n\r\n`);
  await writeFile(place.path("array.json"), JSON.stringify([...entries, logEntry(4)], undefined, 2));
  const server = await place.serve();
  const lines = await place.run(["import", "--url", server.url, "lines.ndjson"]);
  expect(lines).toMatchObject({ code: 0, err: "" });
  expect(lines.out).toMatch(/^lines\.ndjson \(agent-log-entry\): 3 stored, 0 there already, 0 refused/);
  // The one without an id is written over several lines in the array, so it is another text and another event.
  const array = await place.run(["import", "--url", server.url, "array.json"]);
  expect(array).toMatchObject({ code: 0, err: "" });
  expect(array.out).toMatch(/^array\.json \(agent-log-entry\): 2 stored, 2 there already, 0 refused/);
  const again = await place.run(["import", "--url", server.url, "lines.ndjson", "array.json"]);
  expect(again.out).toMatch(/\nTotal: 0 stored, 7 there already, 0 refused\.\n$/);
  const piped = await place.run(["import", "--url", server.url, "-"], { input: `${JSON.stringify(logEntry(9))}\n` });
  expect(piped.out).toMatch(/^standard input \(agent-log-entry\): 1 stored/);
});

test("events are imported line by line: a faulty one is named with line, code and path, and the others are stored", async () => {
  const lines = [
    JSON.stringify(eventOf(1)),
    '{"id": broken',
    JSON.stringify(eventOf(2, { actor: { type: "robot", id: "r" } })),
    JSON.stringify({ ...eventOf(3), id: undefined }),
    JSON.stringify({ ...eventOf(4), id: undefined, occurredAt: undefined }),
    `${JSON.stringify(eventOf(5)).slice(0, -1)},"details":{"a":1,"a":2}}`,
    JSON.stringify(eventOf(6, { surprise: 1 })),
  ];
  await writeFile(place.path("events.ndjson"), lines.join("\n"));
  const server = await place.serve();
  const first = await place.run(["import", "--url", server.url, "--json", "events.ndjson"]);
  expect(first).toMatchObject({ code: 2, err: "" });
  const summary = JSON.parse(first.out) as { files: { refusals: { line: number; code: string; path: string }[] }[] };
  expect(summary).toMatchObject({ stored: 3, duplicates: 0, refused: 4 });
  expect(summary.files[0]?.refusals.map(({ line, code, path }) => [line, code, path])).toEqual([
    [2, "BODY_INVALID", ""],
    [3, "EVENT_INVALID", "actor.type"],
    [6, "KEY_DUPLICATE", "details.a"],
    [7, "KEY_UNKNOWN", "surprise"],
  ]);
  // Also the event that says neither who it is nor when it happened is recognised.
  const second = await place.run(["import", "--url", server.url, "--json", "events.ndjson"]);
  expect(JSON.parse(second.out)).toMatchObject({ stored: 0, duplicates: 3, refused: 4 });
  const plain = await place.run(["import", "--url", server.url, "events.ndjson"]);
  expect(plain.out).toContain("  line 3: EVENT_INVALID at actor.type: ");
});

test("a thousand events and more cross several requests and keep their number", async () => {
  const count = 2_345;
  await writeFile(place.path("events.ndjson"), Array.from({ length: count }, (_, i) => JSON.stringify(eventOf(i))).join("\n"));
  const server = await place.serve();
  const { code, out } = await place.run(["import", "--url", server.url, "--json", "events.ndjson"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ events: count, stored: count });
  await server.stop();
  const ids = ownEvents(await stored()).map(({ event }) => event.id);
  expect(new Set(ids).size).toBe(count);
  expect(ids).toHaveLength(count);
});

test("a file that is no event is said to be none, a missing one and a folder stop the import before it begins", async () => {
  await writeFile(place.path("prose.txt"), "Dear diary,\nnothing happened.\n");
  await writeFile(place.path("good.ndjson"), JSON.stringify(eventOf(1)));
  await mkdir(place.path("folder"));
  const server = await place.serve();
  const prose = await place.run(["import", "--url", server.url, "prose.txt", "good.ndjson"]);
  expect(prose.code).toBe(2);
  expect(prose.out).toContain("prose.txt: Its format cannot be told from its first lines. Name it with --format.");
  expect(prose.out).toContain("good.ndjson (event): 1 stored");
  expect(refusal(await place.run(["import", "--url", server.url, "gone.ndjson", "good.ndjson"]))).toBe(
    "vouchtrail: gone.ndjson cannot be read. Nothing was imported.",
  );
  expect(refusal(await place.run(["import", "--url", server.url, "folder"]))).toContain("folder is a folder.");
  expect(refusal(await place.run(["import", "--url", "http://127.0.0.1:9", "good.ndjson"]))).toContain(
    "No server answers at http://127.0.0.1:9.",
  );
});

// --- one event ---

test("emit stores one event from options or standard input, once per id, and waits for a proof when asked", async () => {
  const { url, ...server } = await place.serve();
  const plain = await place.run([
    "emit",
    "--url",
    url,
    ...EVENT,
    "--details",
    '{"reason":"test"}',
    "--label",
    "environment=test",
    "--id",
    uuid(1),
  ]);
  expect(plain).toMatchObject({ code: 0, err: "" });
  expect(plain.out).toMatch(/^Stored as entry \d+\.\n {2}id {9}00000000-0000-4000-8000-000000000001\n/);
  const proven = await place.run(["emit", "--url", url, "--wait-checkpoint", "--json"], { input: JSON.stringify(eventOf(2)) });
  expect(JSON.parse(proven.out)).toMatchObject({
    id: uuid(2),
    inclusionProof: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\nindex \d+\n/),
  });
  const again = await place.run(["emit", "--url", url], { input: JSON.stringify(eventOf(2)) });
  expect(again.out).toMatch(/^Was there already, as entry \d+\.\n/);

  expect(refusal(await place.run(["emit", "--url", url, ...EVENT, "--id", uuid(2)]))).toMatch(/^vouchtrail: .*already in the trail/);
  expect(refusal(await place.run(["emit", "--url", url, "--action", "not an action", "--actor", "user:u", "--target", "a:b"]))).toMatch(
    /^vouchtrail: action: /,
  );
  expect(refusal(await place.run(["emit", "--url", url, "--action", "a.b"]))).toContain("--actor type:id and --target type:id");
  expect(refusal(await place.run(["emit", "--url", url], { input: "[]" }))).toContain("one JSON object");
  const asJson = await place.run(["emit", "--url", url, "--json"], { input: JSON.stringify(eventOf(3, { surprise: 1 })) });
  expect(JSON.parse(asJson.err)).toEqual({ error: { code: "KEY_UNKNOWN", path: "surprise", message: expect.any(String) } });
  await server.stop();
  expect(ownEvents(await stored()).map(({ event }) => event.id)).toEqual([uuid(1), uuid(2)]);
});

test("get, bundle and proof give the same from a server and, read-only, from the data directory without one", async () => {
  const server = await place.serve();
  await place.run(["emit", "--url", server.url, "--wait-checkpoint"], {
    input: JSON.stringify(eventOf(1, { details: { note: "\u001b[31mred\u001b[0m" } })),
  });
  const from = (name: string, ...more: string[]): Promise<Ended> =>
    place.run([name, uuid(1), "--url", server.url, "--data", "data", ...more]);
  const online = await Promise.all([from("get", "--json"), from("bundle"), from("proof"), from("get")]);
  for (const ended of online) expect(ended).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(online[0].out)).toMatchObject({ event: eventOf(1), sections: { content: { state: "present" } } });
  expect(online[2].out).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  expect(online[3].out).toContain("content: present and matching");
  expect(online[3].out).not.toContain("\u001b");

  await server.stop();
  const offline = await Promise.all([from("get", "--json"), from("bundle"), from("proof")]);
  for (const ended of offline) expect(ended).toMatchObject({ code: 0, err: `No server answers at ${server.url}; reading data instead.\n` });
  const fixed = (text: string): object => ({ ...(JSON.parse(text) as object), treeSize: 0, searchedTo: 0 });
  expect(fixed(offline[0].out)).toEqual(fixed(online[0].out));
  expect(JSON.parse(offline[1].out)).toMatchObject({ leaf: (JSON.parse(online[1].out) as { leaf: string }).leaf });

  expect(refusal(await place.run(["get", uuid(2), "--url", server.url, "--data", "data"]))).toBe(
    "vouchtrail: There is no event with this id.",
  );
  expect(refusal(await place.run(["get", "nonsense", "--url", server.url, "--data", "data"]))).toBe(
    "vouchtrail: The id of an event is a UUID.",
  );
  expect(refusal(await place.run(["get", uuid(1), "--url", server.url]))).toContain("No server answers at");
});

test("a bundle is verified anywhere with the key alone, and a changed one is damage", async () => {
  const server = await place.serve();
  const [, vkey = ""] = await server.outMatches(/Key +(\S+)/);
  await place.run(["emit", "--url", server.url, "--id", uuid(1), ...EVENT]);
  expect(await place.run(["bundle", uuid(1), "--url", server.url, "-o", "evidence.json"])).toMatchObject({ code: 0, out: "" });
  await server.stop();
  await rm(place.path("data"), { recursive: true });
  await rm(place.path("state"), { recursive: true });

  const good = await place.run(["verify", "evidence.json", "--vkey", vkey]);
  expect(good).toMatchObject({ code: 3, err: "" });
  expect(lastLine(good)).toMatch(/^Holds, local: 1 bundle checks/);
  const text = await readFile(place.path("evidence.json"), "utf8");
  await writeFile(place.path("evidence.json"), text.replace("invoice.deleted", "invoice.created"));
  const bad = await place.run(["verify", "evidence.json", "--vkey", vkey]);
  expect(bad.code).toBe(4);
  expect(lastLine(bad)).toMatch(/^Damaged: The bundle/);
});

// --- following ---

test("tail shows entries as they come, filters them, and goes on behind the last one when the server was restarted", async () => {
  const server = await place.serve();
  const tail = place.start(["tail", "--url", server.url, "--after", "-1", "--action", "door.*", "--json", "--count", "3"]);
  const plain = place.start(["tail", "--url", server.url, "--after", "-1"]);
  await plain.outMatches(/server\.started/);
  await place.run(["emit", "--url", server.url], { input: JSON.stringify(eventOf(1)) });
  await place.run(["emit", "--url", server.url, ...EVENT]);
  await place.run(["emit", "--url", server.url], { input: JSON.stringify(eventOf(2)) });
  await tail.outMatches(new RegExp(uuid(2)));
  await plain.outMatches(/#\d+ {2}\S+ {2}invoice\.deleted {2}user:u-17 → invoice:4711 {2}success/);
  await server.stop();
  await tail.errMatches(/The connection ended\. Connecting again in/);
  const second = await place.serve(["--data", "data", "--port", server.port]);
  await place.run(["emit", "--url", second.url], { input: JSON.stringify(eventOf(3)) });
  const { code, out } = await tail.ended;
  expect(code).toBe(0);
  expect(
    out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as View).event.id),
  ).toEqual([uuid(1), uuid(2), uuid(3)]);
  const wrong = await place.run(["tail", "--url", second.url, "--label", "nothing"]);
  expect(refusal(wrong)).toBe("vouchtrail: --label nothing: write it as name=value.");
});

// --- verifying ---

/** A stopped server's data directory with `count` events, verified once so that its checkpoint is remembered in `remembered.note`. */
async function trail(count: number): Promise<void> {
  const server = await place.serve();
  await place.run(["import", "--url", server.url, "-"], {
    input: Array.from({ length: count }, (_, i) => JSON.stringify(eventOf(i))).join("\n"),
  });
  expect((await server.stop()).code).toBe(0);
}
const verify = (...args: string[]): Promise<Ended> => place.run(["verify", ...args]);

test("verify ends with 3 when nothing was remembered, with 0 afterwards, and never keeps a smaller checkpoint", async () => {
  await trail(5);
  const first = await verify("data", "--state", "remembered.note");
  expect(first).toMatchObject({ code: 3, err: "" });
  expect(lastLine(first)).toMatch(/^Holds, local: .* could not be detected\. From now on one is, in remembered\.note\.$/);
  const note = await readFile(place.path("remembered.note"), "utf8");
  const second = await verify("data/ledger/main", "--state", "remembered.note");
  expect(second).toMatchObject({ code: 0, err: "" });
  expect(lastLine(second)).toMatch(/^Holds: .* Anchored, if that checkpoint was out of the operator's reach; else local\.$/);

  await cp(place.path("data"), place.path("older"), { recursive: true });
  await trail(9);
  expect((await verify("data", "--state", "remembered.note")).code).toBe(0);
  const newer = await readFile(place.path("remembered.note"), "utf8");
  expect(newer).not.toBe(note);
  const older = await verify("older", "--state", "remembered.note");
  expect(older.code).toBe(4);
  expect(lastLine(older)).toMatch(/^Damaged: .*gone/);
  expect(await readFile(place.path("remembered.note"), "utf8")).toBe(newer);
  const report = JSON.parse((await verify("data", "--state", "remembered.note", "--json")).out) as object;
  expect(report).toMatchObject({ verdict: "holds", exitCode: 0, remembered: { size: expect.any(Number) } });
});

test("verify ends with 4 and names the place after a changed byte, a cut tail and an older copy put back", async () => {
  await trail(5);
  expect((await verify("data", "--state", "remembered.note")).code).toBe(3);
  await cp(place.path("data"), place.path("older"), { recursive: true });
  await trail(9);
  expect((await verify("data", "--state", "remembered.note")).code).toBe(0);
  const segment = place.path(`data/ledger/main/segments/${"0".repeat(15)}.seg`);
  const bytes = await readFile(segment);

  const at = bytes.indexOf('"door.opened"');
  const changed = Buffer.from(bytes);
  changed[at + 1] = (changed[at + 1] ?? 0) ^ 1;
  await writeFile(segment, changed);
  const flipped = await verify("data", "--state", "remembered.note");
  expect(flipped.code).toBe(4);
  expect(flipped.out).toMatch(/ALARM .*entry \d+/);
  expect(lastLine(flipped)).toMatch(/^Damaged: .*entr(y|ies) \d+/i);

  await writeFile(segment, bytes.subarray(0, at));
  const cut = await verify("data", "--state", "remembered.note");
  expect(cut.code).toBe(4);
  expect(lastLine(cut)).toMatch(/^Damaged: /);

  await rm(place.path("data"), { recursive: true });
  await rename(place.path("older"), place.path("data"));
  const older = await verify("data", "--state", "remembered.note");
  expect(older.code).toBe(4);
  expect(lastLine(older)).toMatch(/^Damaged: Entries \d+ to \d+, which were signed before, are gone/);
  // The state folder of the user, where the server itself remembers, tells the same.
  expect((await verify("data")).code).toBe(4);
});

test("verify tells that another ledger stands where one was known, and that a known one is gone altogether", async () => {
  await trail(3);
  expect((await verify("data")).code).toBe(0);
  await rm(place.path("data"), { recursive: true });
  const gone = await verify("data");
  expect(gone.code).toBe(4);
  expect(lastLine(gone)).toMatch(/^Damaged: The ledger folder is not there/);

  const elsewhere = { environment: { XDG_STATE_HOME: place.path("other-state") } };
  await (await place.serve(["--data", "data"], elsewhere)).stop();
  const other = await verify("data");
  expect(other.code).toBe(4);
  expect(other.out).toContain("Another ledger was here before");
  expect(other.out).toContain("verify it with a --state file of its own");
});

test("verify ends with 2 when it could not check: no such place, no connection, no readable key", async () => {
  await trail(1);
  for (const args of [["nowhere"], ["http://127.0.0.1:9"], ["data", "--vkey", "nowhere.vkey"], ["data", "--vkey", "a+00000000+AAAA"]]) {
    const ended = await verify(...args);
    expect({ args, code: ended.code, out: ended.out }).toEqual({ args, code: 2, out: "" });
    expect(ended.err).toMatch(/^vouchtrail: .+\n$/);
  }
});

test("verify checks a running server by its URL against the key that was pinned", async () => {
  const server = await place.serve();
  const [, vkey = ""] = await server.outMatches(/Key +(\S+)/);
  await place.run(["emit", "--url", server.url, "--wait-checkpoint", ...EVENT]);
  await writeFile(place.path("pinned.vkey"), `${vkey}\n`);
  expect((await verify(server.url, "--vkey", "pinned.vkey", "--state", "server.note")).code).toBe(3);
  expect((await verify(server.url, "--vkey", vkey, "--state", "server.note")).code).toBe(0);
  const other = await openWorkplace();
  try {
    const stranger = await other.serve();
    const replaced = await verify(stranger.url, "--vkey", vkey, "--state", "server.note");
    expect(replaced.code).toBe(4);
    expect(lastLine(replaced)).toMatch(/^Damaged: /);
  } finally {
    await other.close();
  }
});

// --- keys ---

test("keys are made before the first start, shown once, listed without their secret and worthless once revoked", async () => {
  const made = await place.run([
    "keys",
    "create",
    "--data",
    "data",
    "--name",
    "billing",
    "--scope",
    "ingest",
    "--tenant",
    "acme",
    "--json",
  ]);
  expect(made).toMatchObject({ code: 0, err: "" });
  const { id, secret } = JSON.parse(made.out) as { id: string; secret: string };
  await writeFile(place.path("key"), `${secret}\n`, { mode: 0o600 });
  const list = await place.run(["keys", "list", "--data", "data"]);
  expect(list.out).toContain(`${id}  ingest  billing  tenant acme`);
  expect(list.out).not.toContain(secret);
  expect(list.out).not.toContain(createHash("sha256").update(secret).digest("hex"));

  const server = await place.serve(["--data", "data"], { environment: { VOUCHTRAIL_HTTP_LOOPBACK_WITHOUT_KEY: "false" } });
  const emit = (environment: Record<string, string>, ...more: string[]): Promise<Ended> =>
    place.run(["emit", "--url", server.url, ...EVENT, ...more], { environment });
  expect(refusal(await emit({}))).toMatch(/^vouchtrail: An API key is needed/);
  expect((await emit({ VOUCHTRAIL_KEY: secret })).code).toBe(0);
  expect((await emit({}, "--key-file", "key")).code).toBe(0);
  expect(refusal(await emit({}, "--key-file", "key", "--tenant", "other"))).toContain("bound to the tenant acme");
  expect(refusal(await place.run(["tail", "--url", server.url, "--key-file", "key"]))).toContain('lacks the scope "read"');

  expect((await place.run(["keys", "revoke", id, "--data", "data"])).code).toBe(0);
  await vi.waitFor(async () => expect((await emit({ VOUCHTRAIL_KEY: secret })).err).toContain("is not known here or was revoked"), {
    timeout: 20_000,
  });
  expect(refusal(await place.run(["keys", "revoke", "00000000", "--data", "data"]))).toContain("There is no key 00000000.");
  expect(refusal(await place.run(["keys", "list", "--data", "nowhere"]))).toMatch(/^vouchtrail: .*does not exist/);
  expect((await place.run(["keys", "create", "--data", "data", "--scope", "everything"])).err).toContain(
    "Allowed choices are ingest, read, admin.",
  );
});

// --- a ledger that regressed ---

test("after an older copy was put back the server accepts nothing and says why, and a fork goes on with what is lost on record", async () => {
  await trail(3);
  await cp(place.path("data"), place.path("older"), { recursive: true });
  await trail(8);
  await rm(place.path("data"), { recursive: true });
  await rename(place.path("older"), place.path("data"));

  const stuck = await place.serve();
  expect(stuck.out()).toContain("but accepts nothing");
  await stuck.errMatches(/READ-ONLY/);
  const ready = await fetch(`${stuck.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    ready: false,
    reasons: [{ code: "LEDGER_REGRESSED", message: expect.stringContaining("ledger fork") }],
  });
  expect(refusal(await place.run(["emit", "--url", stuck.url, ...EVENT]))).toMatch(/^vouchtrail: .*fork/);
  const locked = await place.run(["ledger", "fork", "--data", "data", "--reason", "restored"]);
  expect(refusal(locked)).toContain(`Process ${stuck.child.pid} has`);
  const doctor = await place.run(["doctor", "--data", "data", "--url", stuck.url]);
  expect(doctor.code).toBe(1);
  expect(doctor.out).toMatch(/^fail {2}server: .*accepts nothing/m);
  expect((await stuck.stop()).code).toBe(0);

  const forked = await place.run(["ledger", "fork", "--data", "data", "--reason", "restored from a copy", "--json"]);
  expect(forked).toMatchObject({ code: 0, err: "" });
  const { oldOrigin, origin } = JSON.parse(forked.out) as { oldOrigin: string; origin: string };
  const server = await place.serve();
  expect((await place.run(["emit", "--url", server.url, ...EVENT])).code).toBe(0);
  await server.stop();
  const [first] = await stored();
  expect(first).toMatchObject({ system: { forks: { origin: oldOrigin, reason: "restored from a copy" } } });
  const verified = await verify("data", "--json");
  expect(verified.code).toBe(0);
  expect(JSON.parse(verified.out)).toMatchObject({ origin });
  expect((await place.run(["ledger", "fork", "--data", "data"])).err).toContain("--reason");
});

// --- what hinders a start ---

test("a port that is taken and a data directory that is in use are told in one line each", async () => {
  const server = await place.serve();
  expect(refusal(await place.run(["serve", "--data", "second", "--port", server.port]))).toBe(
    `vouchtrail: Port ${server.port} is taken. Choose another one with --port.`,
  );
  expect(refusal(await place.run(["serve", "--data", "data", "--port", "0"]))).toBe(
    `vouchtrail: Process ${server.child.pid} has ${place.path("data")} open. Stop it, or use another --data.`,
  );
  const doctor = await place.run(["doctor", "--data", "data", "--url", server.url]);
  expect(doctor.code).toBe(0);
  expect(doctor.out).toContain(`Process ${server.child.pid} has the data directory open`);
  expect(doctor.out).toMatch(/^ok {4}server: .* is ready\.$/m);
});

test("a start that fails on a taken port does not use up the administration key", async () => {
  const server = await place.serve();
  await place.run(["serve", "--data", "second", "--port", server.port]);
  const second = await place.serve(["--data", "second"]);
  await second.outMatches(/Admin +vt_[0-9a-f]{8}_\S+\n.*shown once/);
  await second.stop();
  const third = await place.serve(["--data", "second"]);
  expect(third.out()).not.toContain("Admin");
});

test("a newer data directory, a foreign folder and a file in its place are refused with what to do", async () => {
  await trail(1);
  const start = (data: string): Promise<Ended> => place.run(["serve", "--data", data, "--port", "0"]);
  await writeFile(place.path("data/format"), "vouchtrail-data/2\n");
  expect(refusal(await start("data"))).toBe(
    `vouchtrail: ${place.path("data")} has layout 2, this version knows layout 1. Upgrade Vouchtrail.`,
  );
  expect((await place.run(["doctor", "--data", "data"])).code).toBe(1);
  await mkdir(place.path("photos"));
  await writeFile(place.path("photos/cat.jpg"), "");
  expect(refusal(await start("photos"))).toContain("is not empty and not a data directory of Vouchtrail");
  await writeFile(place.path("file"), "");
  expect(refusal(await start("file"))).toMatch(/^vouchtrail: .*file cannot be used \((EEXIST|ENOTDIR)\)\. Check owner and permissions\.$/);
});

test("a data directory that may not be written is refused", async () => {
  if (process.getuid?.() === 0) {
    console.warn("Root may write everywhere: a folder without permission could not be tried.");
    return;
  }
  await mkdir(place.path("data"), { mode: 0o500 });
  expect(refusal(await place.run(["serve", "--data", "data", "--port", "0"]))).toContain("Check owner and permissions.");
});

test("a signing key that is missing or belongs to another ledger is refused with what to do", async () => {
  await trail(1);
  await (await place.serve(["--data", "other"])).stop();
  const key = place.path("data/secrets/main.key");
  await rm(key);
  const start = (): Promise<Ended> => place.run(["serve", "--data", "data", "--port", "0"]);
  expect(refusal(await start())).toBe(
    `vouchtrail: The signing key ${key} is missing. Restore secrets/, or run vouchtrail ledger fork to go on under a new origin.`,
  );
  const doctor = await place.run(["doctor", "--data", "data"]);
  expect(doctor.code).toBe(1);
  expect(doctor.out).toMatch(/^fail {2}signing key: .* is missing\.\n {6}→ Restore/m);
  await cp(place.path("other/secrets/main.key"), key);
  expect(refusal(await start())).toMatch(/^vouchtrail: .*(another|other) ledger/i);
  expect((await place.run(["doctor", "--data", "data"])).out).toMatch(/^fail {2}signing key: .*belongs to another ledger/m);
});

test("a configuration that is wrong is refused, and a block without its feature is a loud warning", async () => {
  await writeFile(place.path("wrong.yaml"), "http:\n  prot: 1\n");
  expect(refusal(await place.run(["serve", "--config", "wrong.yaml"]))).toBe(
    "vouchtrail: The configuration is not valid: There is no option http.prot.",
  );
  expect((await place.run(["doctor", "--config", "wrong.yaml"])).code).toBe(1);
  await writeFile(place.path("early.yaml"), "audit:\n  pii_retention: 30d\n");
  const server = await place.serve(["--data", "data", "--config", "early.yaml"]);
  await server.errMatches(/WARNING {2}audit\.pii_retention is not available yet/);
  const doctor = await place.run(["doctor", "--data", "data", "--config", "early.yaml", "--url", server.url, "--json"]);
  expect(doctor.code).toBe(0);
  expect(JSON.parse(doctor.out)).toContainEqual(
    expect.objectContaining({ name: "configuration", state: "warn", message: expect.stringContaining("pii_retention") }),
  );
});

// --- stopping ---

test("told to stop, the server finishes what it acknowledges: every receipt is in the ledger", async () => {
  const server = await place.serve();
  const acked = new Set<string>();
  let number = 0;
  let isStopped = false;
  async function send(): Promise<void> {
    while (!isStopped) {
      const event = eventOf(number++);
      try {
        const response = await fetch(`${server.url}/api/v1/events`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(event),
        });
        const { receipts = [] } = (await response.json()) as { receipts?: { id: string }[] };
        if (response.status === 201) for (const { id } of receipts) acked.add(id);
      } catch {
        return; // The server is gone, as asked.
      }
    }
  }
  const senders = Array.from({ length: 20 }, send);
  await vi.waitFor(() => expect(acked.size).toBeGreaterThan(200), { timeout: 30_000 });
  const ended = await server.stop();
  isStopped = true;
  await Promise.all(senders);
  expect(ended).toMatchObject({ code: 0, err: expect.stringMatching(/Stopping on SIGTERM.*\n(.*\n)*Stopped\.\n$/) });
  const ids = ownEvents(await stored()).map(({ event }) => event.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...acked].filter((id) => !ids.includes(id))).toEqual([]);
  expect((await verify("data")).code).toBe(0);
});

// --- usage ---

test("wrong usage is told on standard error with a way out, and ends with 1", async () => {
  for (const args of [
    ["sreve"],
    ["serve", "--port", "70000"],
    ["import"],
    ["verify", "--what"],
    ["emit", "--actor", "nobody"],
    ["keys", "create", "--scope", "root"],
  ]) {
    const ended = await place.run(args);
    expect({ args, code: ended.code, out: ended.out }).toEqual({ args, code: 1, out: "" });
    expect(ended.err).toMatch(/^error: .+\n/);
    expect(ended.err).toContain("--help shows how it is used");
  }
  expect(refusal(await place.run(["get", uuid(1), "--url", "gopher://x"]))).toContain("is not a URL of a server");
});

test("every command has help with an example", async () => {
  const commands = [
    ["serve"],
    ["emit"],
    ["import"],
    ["tail"],
    ["get"],
    ["bundle"],
    ["proof"],
    ["verify"],
    ["keys", "create"],
    ["keys", "list"],
    ["keys", "revoke"],
    ["ledger", "fork"],
    ["doctor"],
  ];
  for (const command of commands) {
    const { code, out } = await place.run([...command, "--help"]);
    expect({ command, code }).toEqual({ command, code: 0 });
    expect(out).toMatch(new RegExp(`Examples?:\\n {2}.*vouchtrail ${command.join(" ")}`));
    expect(out).toContain("--json");
  }
});
