import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { EffectView, SearchHit, SourceList, Stats } from "@vouchtrail/events";
import type { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXIT } from "../../packages/cli/src/exit-code.ts";
import { createProgram } from "../../packages/cli/src/program.ts";
import { type Ended, openWorkplace, type Served, type Workplace } from "./cli-process.ts";

const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const DAY_MS = 86_400_000;
/** Deeds with times that have nothing to do with the order in which they are recorded. */
const SHUFFLED = 600;
const START_MS = Date.parse("2026-03-01T00:00:00.000Z");
const HOSTILE = `"><script>alert(1)</script>\u001b[2J\u001b]0;owned\u0007\u202e`;
/** Ids take no control characters, but whatever a spreadsheet or a terminal makes of the rest. */
const HOSTILE_ID = "=cmd|' /C calc'!A0\u202e<b>";

function eventOf(number: number, more: object = {}): object {
  return {
    id: uuid(number),
    occurredAt: new Date(START_MS + number * 1_000).toISOString(),
    action: "door.opened",
    actor: { type: "service", id: "gate" },
    target: { type: "door", id: `d-${number}` },
    outcome: { status: "success" },
    ...more,
  };
}

/** What an agent did: one a number, agents by turns, every fifth fails. */
function deedOf(number: number): object {
  const isFailure = number % 5 === 0;
  return {
    ...eventOf(10_000 + number),
    // A walk over 30 days that comes back to each of them: 397 has no common factor with 600.
    occurredAt: new Date(START_MS + ((number * 397) % SHUFFLED) * (DAY_MS / 20) + number).toISOString(),
    action: "ai.tool_call",
    actor: { type: "agent", id: `ops/agent-${number % 3}` },
    target: { type: "tool", id: "Bash" },
    outcome: isFailure ? { status: "failure", code: "EXIT_1", message: `exit code ${number}` } : { status: "success" },
    activity: { type: "tool", name: number % 2 === 0 ? "Bash" : "Read", tool: { name: "Bash", parameters: { command: `echo ${number}` } } },
    usage: { tokensInput: number, tokensOutput: 2 * number, costUsd: number / 1_000 },
    security: { sensitiveDataAccessed: number % 10 === 3, resourcesAccessed: [{ type: "file", identifier: `/srv/${number}` }] },
    context: { sessionId: `s-${number % 7}`, callId: `c-${number}` },
    labels: { env: number % 2 === 0 ? "prod" : "dev" },
    source: { name: "runner", instance: "r-1", sequence: number < 300 ? number + 1 : number + 4 },
  };
}

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve(["--data", "data"], {
    environment: { VOUCHTRAIL_ADMIN_KEY: "vt_test_admin_key_of_the_search_tests_00000000" },
  });
  await writeFile(place.path("admin.key"), "vt_test_admin_key_of_the_search_tests_00000000");
  const events = [
    ...Array.from({ length: SHUFFLED }, (_, number) => deedOf(number)),
    eventOf(1, { target: { type: "door", id: HOSTILE_ID, name: HOSTILE_ID }, details: { note: HOSTILE }, labels: { odd: HOSTILE } }),
    eventOf(2, { details: { note: "the quick brown fox" } }),
    eventOf(3, { phase: "intent", context: { sessionId: "effects" }, action: "invoice.delete", outcome: { status: "pending" } }),
    eventOf(4, { phase: "intent", context: { sessionId: "effects" }, action: "invoice.delete", outcome: { status: "pending" } }),
    eventOf(5, { phase: "outcome", context: { sessionId: "effects", parentEventId: uuid(4) }, action: "invoice.delete" }),
    // The same deed as the hook tells it, and a transcript.
    eventOf(6, { context: { sessionId: "twice", callId: "c-1" } }),
    eventOf(7, { context: { sessionId: "twice", callId: "c-1" } }),
  ];
  await writeFile(place.path("events.ndjson"), events.map((event) => JSON.stringify(event)).join("\n"));
  expect(await place.run(["import", "--url", server.url, "events.ndjson"])).toMatchObject({
    out: expect.stringContaining(" 0 refused"),
    code: 0,
    err: "",
  });
  expect(await run("search", "--wait", "--limit", "1")).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await server.stop();
  await place.close();
});

const run = (...args: readonly string[]): Promise<Ended> => place.run([...args, "--url", server.url]);
const withKey = (...args: readonly string[]): Promise<Ended> => run(...args, "--key-file", "admin.key");
const hits = async (...args: readonly string[]): Promise<SearchHit[]> => {
  const { code, out } = await run("search", ...args, "--format", "ndjson");
  expect(code).toBe(0);
  return linesOf(out).map((line) => JSON.parse(line) as SearchHit);
};
const linesOf = (text: string): string[] => (text === "" ? [] : text.trimEnd().split("\n"));
const idsOf = (found: readonly SearchHit[]): unknown[] => found.map(({ event }) => event.id);

// --- search ---

test("words and filters find the same events in every format, newest first", async () => {
  const args = ["--session", "s-2", "--outcome", "failure", "--limit", "5"];
  const found = await hits(...args);
  const numbers = Array.from({ length: SHUFFLED }, (_, i) => SHUFFLED - 1 - i).filter((i) => i % 7 === 2 && i % 5 === 0);
  expect(idsOf(found)).toEqual(numbers.slice(0, 5).map((i) => uuid(10_000 + i)));

  const json = JSON.parse((await run("search", ...args, "--json")).out) as { events: SearchHit[]; nextCursor: string; treeSize: number };
  expect(json.events).toEqual(found);
  expect(json.treeSize).toBeGreaterThan(SHUFFLED);

  const table = await run("search", ...args);
  const [title = "", ...rows] = linesOf(table.out);
  expect(title).toMatch(/^INDEX {2}TIME \(UTC\) +ACTION +ACTOR +TARGET +OUTCOME +ID$/);
  expect(rows).toHaveLength(5);
  expect(rows[0]).toMatch(
    new RegExp(` {2}ai\\.tool_call {2}agent:ops/agent-\\d {2}tool:Bash.* {2}failure EXIT_1 {2}${String(found[0]?.event.id)}$`),
  );
  expect(table.out).not.toContain("\u001b");
  expect(table.err).toContain(`The newest 5 events; there are more. The next ones: the same command with --cursor `);

  const csv = (await run("search", ...args, "--format", "csv")).out.split("\r\n");
  expect(csv[0]?.split(",").slice(0, 3)).toEqual(["\ufeffindex", "id", "occurredAt"]);
  expect(csv.slice(1, -1).map((line) => line.split(",")[1])).toEqual(idsOf(found));
});

test("pages by cursor give every event once, and --all gives them in one go", async () => {
  const whole = await hits("--session", "s-2", "--all");
  const gathered: SearchHit[] = [];
  let cursor: string | undefined;
  do {
    const { out } = await run(
      "search",
      "--session",
      "s-2",
      "--limit",
      "40",
      "--json",
      ...(cursor === undefined ? [] : ["--cursor", cursor]),
    );
    const page = JSON.parse(out) as { events: SearchHit[]; nextCursor?: string };
    gathered.push(...page.events);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(gathered).toEqual(whole);
  expect(whole).toHaveLength(Array.from({ length: SHUFFLED }, (_, i) => i).filter((i) => i % 7 === 2).length);
  expect((await hits("--session", "s-2", "--all", "--order", "oldest")).toReversed()).toEqual(whole);
});

test("filters repeat for OR, take ! for NOT, and times reach back from now", async () => {
  expect(idsOf(await hits("--target", "d-2", "--target", "door/d-3"))).toEqual([uuid(3), uuid(2)]);
  const others = await hits("--session", "s-1", "--actor", "!ops/agent-0", "--all");
  expect(others.length).toBeGreaterThan(20);
  expect(others.every(({ event }) => (event.actor as { id: string }).id !== "ops/agent-0")).toBe(true);
  expect(idsOf(await hits("--label", "odd=x"))).toEqual([]);
  expect(await hits("--label", "env=!prod", "--label", "env=dev", "--session", "s-1", "--all")).toHaveLength(43);
  // Reading is recorded, with what was asked for: so the words of a search are found again, by another actor.
  expect(idsOf(await hits("quick", "fox", "--actor", "gate"))).toEqual([uuid(2)]);
  expect(idsOf(await hits("quick brown", "--actor", "gate"))).toEqual([uuid(2)]);
  expect(idsOf(await hits("quick fox", "--actor", "gate"))).toEqual([]);
  expect(await hits("--action", "door.*", "--since", "1h")).toEqual([]);
  expect((await hits("--action", "door.opened", "--received-from", "1h")).length).toBeGreaterThan(2);
});

test("one deed is told twice and counts once: the second stands in brackets and --deeds leaves it out", async () => {
  const both = await run("search", "--session", "twice");
  expect(
    linesOf(both.out)
      .slice(1)
      .map((line) => /\(success\)/.test(line)),
  ).toEqual([true, false]);
  expect(both.err).toContain("In brackets: tells again of a deed that is counted elsewhere");
  const [counted, ...none] = await hits("--session", "twice", "--deeds");
  expect(none).toEqual([]);
  expect(counted).toMatchObject({ counted: true, event: { id: uuid(6) } });
  expect(idsOf(await hits("--deed", String(counted?.deed)))).toEqual([uuid(7), uuid(6)]);
  const page = await run("search", "--session", "s-1", "--deeds", "--limit", "3");
  expect(page.err).toMatch(/The newest 3 deeds of \d+\. The next ones/);
});

test("nothing that an event says moves the cursor, breaks a line or becomes a formula", async () => {
  const { out } = await run("search", "--action", "door.opened", "--target", HOSTILE_ID);
  expect(linesOf(out)).toHaveLength(2);
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  const csv = (await run("search", "--target", HOSTILE_ID, "--action", "door.opened", "--format", "csv")).out;
  expect(csv).not.toMatch(/(?:^|,|")[=+@]/m);
});

test("what is asked wrongly is said in one line that tells what to do, and nothing is printed", async () => {
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    return err.trimEnd();
  };
  expect(await refusal("search", "--outcome", "sucess")).toBe("vouchtrail: outcome is one of: success, failure, partial, pending, denied.");
  expect(await refusal("search", "--since", "soon")).toMatch(/^vouchtrail: "soon" is not a time\. Write /);
  expect(await refusal("search", "--since", "1y")).toMatch(/differ in length/);
  expect(await refusal("search", "--limit", "0")).toMatch(/whole number from 1 on/);
  expect(await refusal("search", "--all", "--limit", "5")).toMatch(/exclude each other/);
  expect(await refusal("search", "--cursor", "forged")).toMatch(/^vouchtrail: /);
  expect(await refusal("search", "--deed", "zz")).toMatch(/^vouchtrail: /);
  expect(await refusal("search", "--format", "xml")).toMatch(/Allowed choices are table, json, ndjson, csv/);
  expect(await refusal("search", "--acton", "x")).toMatch(/unknown option '--acton'[\s\S]*--action/);
  expect(await refusal("stats", "--group", "mood")).toMatch(/^vouchtrail: /);
  expect(await refusal("stats", "--group", "actor,,tool")).toMatch(/commas between them/);
  expect(await refusal("stats", "--bucket", "fortnight")).toMatch(/Allowed choices/);
  expect(await refusal("report", "recent", "--limit", "20000")).toMatch(/at most 10,000 rows/);
  expect(JSON.parse(await refusal("search", "--outcome", "x", "--json"))).toMatchObject({
    error: { code: "FILTER_INVALID", path: "outcome" },
  });
  const gone = await place.run(["search", "--url", "http://127.0.0.1:9"]);
  expect(gone).toMatchObject({ code: 1, out: "", err: expect.stringContaining("No server answers at http://127.0.0.1:9.") });
});

// --- stats, sources, effects ---

test("stats counts deeds, by names and spans of time, and says the same as JSON", async () => {
  const { out } = await run("stats", "--activity", "*", "--group", "actor,tool", "--bucket", "day", "--json");
  const stats = JSON.parse(out) as Stats;
  expect(stats).toMatchObject({ total: SHUFFLED, failure: SHUFFLED / 5, success: (SHUFFLED * 4) / 5, groupCount: 6 });
  expect(stats.costUsd).toBeCloseTo((SHUFFLED * (SHUFFLED - 1)) / 2_000, 6);
  expect(stats.buckets).toHaveLength(30);
  expect(stats.buckets.reduce((sum, { total }) => sum + total, 0)).toBe(SHUFFLED);

  const table = await run("stats", "--activity", "*", "--group", "actor", "--bucket", "day");
  const lines = linesOf(table.out);
  expect(lines[0]).toBe("600 deeds: 480 success, 120 failure, 0 denied, 0 partial, 0 pending; 80.0 % succeeded");
  expect(lines[3]).toMatch(/^ACTOR +DEEDS +SUCCESS +FAILED +TOKENS +USD$/);
  expect(lines.slice(4, 7).map((line) => line.split(/\s+/).slice(0, 4).join(" "))).toEqual(
    expect.arrayContaining([expect.stringMatching(/^ops\/agent-\d 200 \d+\.\d %$/)]),
  );
  expect(lines[8]).toMatch(/^FROM \(UTC\)/);
  expect(lines.slice(9)).toHaveLength(30);
});

test("sources tells plainly which events never arrived", async () => {
  const list = JSON.parse((await run("sources", "--json")).out) as SourceList;
  expect(list.sources).toEqual([
    expect.objectContaining({ name: "runner", instance: "r-1", entries: SHUFFLED, missing: 3, gaps: [[301, 303]] }),
  ]);
  const { out, err } = await run("sources");
  expect(linesOf(out)[1]).toMatch(/^runner +r-1 +default +600 +1 +603 +3 +301–303 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  expect(err).toBe("1 source; 3 events that they sent never arrived.\n");
});

test("effects lists what was announced, and which of it has no outcome", async () => {
  const open = await run("effects", "--session", "effects");
  expect(linesOf(open.out)).toHaveLength(2);
  expect(open.out).toContain(uuid(3));
  expect(open.err).toMatch(/^1 open effect, /);
  const all = JSON.parse((await run("effects", "--session", "effects", "--state", "all", "--json")).out) as { effects: EffectView[] };
  expect(all.effects.map(({ event, state }) => [event.id, state])).toEqual([
    [uuid(4), "closed"],
    [uuid(3), "open"],
  ]);
  const table = await run("effects", "--session", "effects", "--state", "all");
  expect(linesOf(table.out)[0]).toContain("STATE");
});

// --- reports ---

test("a report goes by the time at which things happened, whatever the order in which they were recorded", async () => {
  const all = Array.from(
    { length: SHUFFLED },
    (_, i) => deedOf(i) as { occurredAt: string; activity: { name: string }; actor: { id: string } },
  );
  const newest = all.toSorted((left, right) => (left.occurredAt < right.occurredAt ? 1 : -1)).slice(0, 20);
  const { out } = await run("report", "recent", "--since", "2026-01-01", "--limit", "20", "--json");
  const report = JSON.parse(out) as {
    rows: { timestamp: string; agentId: string; actionName: string }[];
    total: number;
    isTruncated: boolean;
  };
  expect(report.rows.map(({ timestamp, agentId, actionName }) => [timestamp, agentId, actionName])).toEqual(
    newest.map(({ occurredAt, actor, activity }) => [occurredAt, actor.id, activity.name]),
  );
  expect(report).toMatchObject({ report: "recent", total: SHUFFLED, isTruncated: true });
  const one = JSON.parse((await run("report", "recent", "--since", "2026-01-01", "--agent", "ops/agent-1", "--json")).out) as typeof report;
  expect(one.total).toBe(SHUFFLED / 3);
  expect(new Set(one.rows.map(({ agentId }) => agentId))).toEqual(new Set(["ops/agent-1"]));
  // What is written as an id is one, whatever stands in it.
  expect(JSON.parse((await run("report", "recent", "--agent", "!ops/agent-1", "--since", "2026-01-01", "--json")).out)).toMatchObject({
    total: 0,
  });
});

test("failures, sensitive, cost and outcomes say what they are asked for", async () => {
  const rowsOf = async (name: string, ...more: readonly string[]): Promise<Record<string, unknown>[]> =>
    (
      JSON.parse((await run("report", name, "--since", "2026-01-01", "--limit", "1000", "--json", ...more)).out) as {
        rows: Record<string, unknown>[];
      }
    ).rows;
  const failures = await rowsOf("failures");
  expect(failures).toHaveLength(SHUFFLED / 5);
  expect(failures[0]).toEqual({
    timestamp: expect.any(String),
    agentId: expect.stringMatching(/^ops\/agent-/),
    actionName: expect.any(String),
    outcomeError: { type: "EXIT_1", message: expect.stringMatching(/^exit code \d+$/) },
  });
  const sensitive = await rowsOf("sensitive");
  expect(sensitive).toHaveLength(SHUFFLED / 10);
  expect(sensitive[0]?.resourcesAccessed).toEqual([{ type: "file", identifier: expect.stringMatching(/^\/srv\/\d*3$/) }]);
  const cost = await rowsOf("cost");
  expect(cost).toHaveLength(90);
  expect(cost.reduce((sum, { totalCost }) => sum + Number(totalCost), 0)).toBeCloseTo((SHUFFLED * (SHUFFLED - 1)) / 2_000, 6);
  expect(cost.map(({ day }) => day)).toEqual(
    cost
      .map(({ day }) => day)
      .toSorted()
      .toReversed(),
  );
  expect(await rowsOf("outcomes", "--min", "1000")).toEqual([]);
  const outcomes = await rowsOf("outcomes");
  expect(outcomes).toHaveLength(6);
  expect(outcomes.every(({ successRate }) => successRate === 80)).toBe(true);
  const csv = await run("report", "outcomes", "--since", "2026-01-01", "--format", "csv");
  expect(csv.out.split("\r\n")[0]).toBe("agentId,actionName,total,successes,successRate");
  const table = await run("report", "outcomes", "--since", "2026-01-01");
  expect(table.out).not.toMatch(/[█▏\u001b]/);
  expect(table.err).toBe("6 rows.\n");
});

// --- export ---

test("an exported pack is verified anywhere with the key alone, and says what it proves", async () => {
  const exported = await run("export", "--session", "s-3", "-o", "pack", "--made-by", "Auditor A.");
  expect(exported).toMatchObject({ code: 0, err: "" });
  expect(exported.out).toMatch(/^86 entries from index \d+ to \d+, each verified on the way, in pack\n/);
  expect((await readdir(place.path("pack"))).sort()).toEqual([
    "bundles.ndjson",
    "checkpoints.ndjson",
    "manifest.json",
    "summary.html",
    "vkey",
  ]);
  expect((await stat(place.path("pack"))).mode & 0o777).toBe(0o700);
  const vkey = (await readFile(place.path("pack/vkey"), "utf8")).trim();

  const good = await place.run(["verify", "pack", "--vkey", vkey, "--state", "auditor.note"]);
  expect(good).toMatchObject({ code: 3, err: "" });
  expect(good.out).toContain("Asked    session=s-3, of the first ");
  expect(good.out).toContain("Made     by Auditor A. at ");
  expect(linesOf(good.out).at(-1)).toMatch(/^Holds, local: 86 entries check against signed checkpoints of one history/);
  expect(linesOf(good.out).at(-1)).toContain("That no other entry matches cannot be shown: ask the trail itself.");

  // With a checkpoint that was kept, and that the pack was asked to fit, it is anchored.
  await writeFile(place.path("kept.note"), await (await fetch(`${server.url}/tlog/main/checkpoint`)).text());
  expect(await run("export", "--session", "s-3", "-o", "anchored", "--checkpoint", "kept.note")).toMatchObject({ code: 0 });
  const anchored = await place.run(["verify", "anchored", "--vkey", vkey, "--state", "kept.note", "--json"]);
  expect(anchored.code).toBe(0);
  expect(JSON.parse(anchored.out)).toMatchObject({
    verdict: "holds",
    entries: 86,
    exitCode: 0,
    pack: { question: { filters: { session: ["s-3"] } } },
  });

  const page = await readFile(place.path("pack/summary.html"), "utf8");
  await writeFile(place.path("pack/summary.html"), page.replace("failure", "success"));
  const bad = await place.run(["verify", "pack", "--vkey", vkey, "--json"]);
  expect(bad.code).toBe(4);
  expect(JSON.parse(bad.out)).toMatchObject({
    verdict: "damaged",
    findings: expect.arrayContaining([expect.objectContaining({ code: "PART_DIFFERS" })]),
  });
  await rm(place.path("pack/manifest.json"));
  expect(await place.run(["verify", "pack"])).toMatchObject({ code: 4, out: expect.stringContaining("PART_MISSING") });
  // The bundles of a pack are a bundle file as any other.
  expect(await place.run(["verify", "anchored/bundles.ndjson", "--vkey", vkey, "--state", "fresh.note"])).toMatchObject({ code: 3 });
});

test("an export that cannot be made says why and leaves nothing behind", async () => {
  const before = await readdir(place.folder);
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await run("export", ...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    return err.trimEnd();
  };
  expect(await refusal("--session", "nobody", "-o", "empty")).toBe(
    "vouchtrail: No entry matches, so there is nothing to export. Nothing was written.",
  );
  expect(await refusal("-o", "data")).toMatch(/data is there already/);
  expect(await refusal("-o", "no/such/folder")).toMatch(/cannot be written: ENOENT/);
  expect(await refusal("-o", "other", "--vkey", "else+00000000+AA==")).toMatch(/another verifier key/);
  expect(await refusal("-o", "other", "--checkpoint", "gone.note")).toMatch(/gone\.note cannot be read/);
  expect(await refusal("-o", "other", "--made-by", " ")).toMatch(/--made-by has 1 to 200 characters/);
  expect(await refusal("-o", "other", "--outcome", "x")).toMatch(/outcome is one of/);
  expect(await readdir(place.folder)).toEqual(before);
});

// --- the search index itself ---

test("the index tells how far it is, is checked, and is made anew while the server goes on", async () => {
  const status = await run("index", "status");
  expect(status).toMatchObject({ code: 0, err: "" });
  expect(status.out).toMatch(/^Searchable {2}\d+ of \d+ entries/);
  expect(await withKey("index", "check")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Good: \d+ entries say the same as the ledger, and every deed counts once\.\n$/),
  });
  expect(await withKey("index", "rebuild", "--wait")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^The search index is made anew: \d+ entries can be found\.\n$/),
  });
  expect(JSON.parse((await withKey("index", "check", "--json")).out)).toMatchObject({ isGood: true, mismatchCount: 0, miscounted: 0 });
  expect(idsOf(await hits("quick", "fox", "--actor", "gate"))).toEqual([uuid(2)]);
});

test("the search index of a server that does not run is removed, and its next start makes it anew", async () => {
  const elsewhere = await openWorkplace();
  try {
    let running = await elsewhere.serve();
    await writeFile(elsewhere.path("events.ndjson"), JSON.stringify(eventOf(1)));
    await elsewhere.run(["import", "--url", running.url, "events.ndjson"]);
    expect(await elsewhere.run(["search", "--wait", "--url", running.url])).toMatchObject({ code: 0 });
    expect(await elsewhere.run(["index", "rebuild", "--data", "data"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/has .* open/),
    });
    await running.stop();
    await writeFile(elsewhere.path("data/index/000000000000000.duckdb"), "not a database");
    const removed = await elsewhere.run(["index", "rebuild", "--data", "data", "--json"]);
    expect(removed).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(removed.out)).toEqual({ removed: ["000000000000000.duckdb"] });
    expect(await elsewhere.run(["index", "rebuild", "--data", "gone"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("There is no ledger in gone."),
    });
    expect(await readdir(elsewhere.path("data/index"))).toContain("ids");
    running = await elsewhere.serve();
    const { out } = await elsewhere.run(["search", "--action", "door.opened", "--wait", "--format", "ndjson", "--url", running.url]);
    expect(linesOf(out)).toHaveLength(1);
    await running.stop();
  } finally {
    await elsewhere.close();
  }
});

test("every command tells how it is used, with an example", async () => {
  expect(await place.run(["search", "--help"])).toMatchObject({ code: 0, err: "" });
  const leaves = (command: Command, path: readonly string[]): (readonly [Command, readonly string[]])[] =>
    command.commands.length === 0 ? [[command, path]] : command.commands.flatMap((one) => leaves(one, [...path, one.name()]));
  const all = leaves(createProgram({} as never), []);
  expect(all.length).toBeGreaterThan(30);
  for (const [command, path] of all) {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help, path.join(" ")).toMatch(new RegExp(`Examples?:\\n  vouchtrail ${path.join(" ")}`));
  }
});

test("the page of the command line names every command and every way in which one ends", async () => {
  const page = await readFile(new URL("../../docs/cli.md", import.meta.url), "utf8");
  const { out } = await place.run(["--help"]);
  const names = [...out.matchAll(/^ {2}([a-z]+) (?:\[| {2}|<)/gm)].map(([, name]) => name).filter((name) => name !== "help");
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) expect(page, name).toMatch(new RegExp(`^\\| .*\`${name}\\b`, "m"));
  const codes = new Set(Object.values(EXIT));
  expect([...page.matchAll(/^\| (\d) \|/gm)].map(([, code]) => Number(code))).toEqual([...codes].sort());
});
