import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { COLUMNS, SEARCH_SCHEMA } from "../../packages/server/src/followers/search/columns.ts";
import { openSearchEngine } from "../../packages/server/src/followers/search/engine.ts";
import { type IndexPlace, ORIGIN, openIndexPlace } from "./index-place.ts";

/* Index files that were deleted, cut, overwritten or hit by a single flipped bit. What the ledger holds decides whether an answer is right. */

const LAYOUT = { fileEntries: 1_024, rowGroupRows: 256 };
/** Two whole files, one that is half full, and some rows in memory. */
const ENTRIES = 2_600;
const FILES = ["000000000000000.duckdb", "000000000001024.duckdb", "000000000002048.duckdb"];
const ROWS = `SELECT "index", hash(${COLUMNS.map(({ name }) => `"${name}"`).join(", ")})::VARCHAR FROM entries`;

let place: IndexPlace;
/** A hash of each row as it should be. */
let truth: ReadonlyMap<number, string>;

beforeAll(async () => {
  place = await openIndexPlace({ layout: LAYOUT });
  for (let i = 0; i < ENTRIES; i++) {
    // Hardly compressible, so that a file has many blocks and most of them hold nothing that is read at the start.
    const text = createHash("shake256", { outputLength: 900 }).update(String(i)).digest("base64");
    place.add({ actor: { type: "user", id: `user-${i}` }, context: { sessionId: "s", callId: `call-${i % 1_500}` }, details: { text } });
  }
  await place.feed(undefined, 500);
  truth = new Map((await place.sql(ROWS)).map(([index, hash]) => [Number(index), String(hash)]));
  expect(truth.size).toBe(ENTRIES);
}, 120_000);
afterEach(async () => {
  expect(await place.differences()).toEqual([]);
  expect(await place.engine.miscounted()).toBe(0);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

/** Opens the engine again; a start that fails is tried once more, as the process of the index is. */
async function openAgain(): Promise<void> {
  await place.reopen().catch(async (error: unknown) => {
    expect(error).toBeInstanceOf(AuditError);
    await place.reopen();
  });
}

/** Reads every value of every row. @returns Whether it was answered; an answer is complete and right, or this fails. */
async function isAnswered(): Promise<boolean> {
  try {
    const { rows, searchedTo } = await place.engine.sql({ sql: ROWS, limit: 1_000_000 });
    const seen = new Set(rows.map(([index]) => Number(index)));
    expect(rows.filter(([index, hash]) => truth.get(Number(index)) !== hash)).toEqual([]);
    expect(seen.size).toBe(rows.length);
    for (let index = 0; index < searchedTo; index++) if (!seen.has(index)) expect(seen).toContain(index);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "SEARCH_UNAVAILABLE" });
    return false;
  }
}

/** What a follower does by itself makes the index whole again. */
async function expectHealed(): Promise<void> {
  await place.feed(undefined, 500);
  if (place.fatal.splice(0).length > 0) await place.reopen();
  await place.feed(undefined, 500);
  expect((await place.state()).searchedTo).toBe(ENTRIES);
  expect(await isAnswered()).toBe(true);
}

/** Damages the folder while it is closed, and opens it. */
async function damaged(
  damage: (path: (name: string) => string) => Promise<void>,
): Promise<{ reasons: readonly string[]; isAnswered: boolean }> {
  await place.engine.close();
  place.repairs.splice(0);
  await damage((name) => join(place.directory, name));
  await openAgain();
  const answered = await isAnswered();
  await expectHealed();
  return { reasons: place.repairs.map(({ file, reason }) => `${file}: ${reason}`), isAnswered: answered };
}

const [FIRST = "", SECOND = "", LAST = ""] = FILES;

test("INDEX-6: an index file that was deleted is made anew, also one in the middle", async () => {
  for (const name of [SECOND, FIRST, LAST]) {
    const { isAnswered: answered } = await damaged((path) => rm(path(name)));
    expect(answered).toBe(true);
  }
  const { isAnswered: answered } = await damaged(async () => {
    await rm(place.directory, { recursive: true });
  });
  expect(answered).toBe(true);
});

test("INDEX-6: a file that was cut off anywhere is told, removed and made anew", async () => {
  const { size } = await stat(join(place.directory, SECOND));
  const lengths = [0, 1, 4_095, 4_096, 8_192, 12_287, 12_288, 12_289, size - 1, size - 4_096, size - 262_144];
  const random = fc.sample(fc.noBias(fc.integer({ min: 0, max: size - 1 })), 14);
  for (const length of [...lengths, ...random].filter((length) => length >= 0)) {
    const { reasons, isAnswered: answered } = await damaged((path) => truncate(path(SECOND), length));
    // An empty file is a new one to DuckDB.
    expect(
      reasons.filter((reason) => reason.startsWith(SECOND)),
      `cut to ${length} bytes`,
    ).toHaveLength(1);
    expect(answered || reasons.some((reason) => reason.includes("Some of its rows"))).toBe(true);
  }
}, 240_000);

test("INDEX-6: what is no index file of this ledger and version is told, removed and made anew", async () => {
  const strangers: readonly (readonly [string, (path: string) => Promise<void>])[] = [
    ["It cannot be read.", (path) => writeFile(path, "just a text, longer than nothing\n".repeat(1_000))],
    ["It cannot be read.", (path) => writeFile(path, Buffer.alloc(300_000))],
    ["It cannot be read.", (path) => mkdir(path)],
    ["It belongs to another ledger.", (path) => change(path, "UPDATE about SET origin = 'example.org/other'")],
    [`It has schema 0; this version writes ${SEARCH_SCHEMA}.`, (path) => change(path, 'UPDATE about SET "schema" = 0')],
    ["It was made for another place.", (path) => change(path, 'UPDATE about SET "first" = 0')],
    ["It does not say what it is.", (path) => change(path, "DELETE FROM about")],
    ["It cannot be read.", (path) => change(path, "DROP TABLE about")],
    ["It has no table of entries.", (path) => change(path, "DROP TABLE entries")],
    ["It does not hold the entries that it should.", (path) => change(path, 'DELETE FROM entries WHERE "index" = 1100')],
    ["It does not hold the entries that it should.", (path) => change(path, 'UPDATE entries SET "index" = 1200 WHERE "index" = 1100')],
    [
      "It does not hold the entries that it should.",
      (path) => change(path, 'INSERT INTO entries SELECT * FROM entries WHERE "index" = 1100'),
    ],
    ["Its last move is not recorded.", (path) => change(path, 'DELETE FROM moves WHERE "next" = 2048')],
  ];
  for (const [reason, makeStranger] of strangers) {
    const result = await damaged(async (path) => {
      const isChange = makeStranger.toString().includes("change(");
      if (!isChange) await rm(path(SECOND), { force: true });
      await makeStranger(path(SECOND));
    });
    expect(result).toEqual({ reasons: [`${SECOND}: ${reason}`], isAnswered: true });
  }
  await damaged(async (path) => {
    await rm(path(SECOND));
    await cp(path(FIRST), path(SECOND));
  });
  expect(place.repairs).toEqual([{ file: SECOND, reason: "It was made for another place." }]);
  await damaged((path) => writeFile(path("000000000000007.duckdb"), "no file begins there"));
  expect(place.repairs).toEqual([{ file: "000000000000007.duckdb", reason: "No file begins there." }]);
}, 120_000);

/** Changes an index file from outside. */
async function change(path: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

test("INDEX-6: every flipped bit is found when the file is opened or its rows are read, no wrong row is ever shown, and the file is made anew", async () => {
  const counts = { atOpening: 0, atReading: 0, harmless: 0 };
  const flip = fc.noBias(fc.record({ file: fc.constantFrom(...FILES), at: fc.nat(2 ** 31 - 1), bit: fc.nat(7) }));
  // The three headers are small: chance would hardly meet them.
  const inHeaders = fc.sample(flip, 20);
  const positions = fc.sample(flip, 60);
  for (const [i, { file, at, bit }] of [...inHeaders, ...positions].entries()) {
    const { reasons } = await damaged(async (path) => {
      const bytes = await readFile(path(file));
      const end = i < inHeaders.length ? 12_288 : bytes.length;
      const position = at % end;
      bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
      await writeFile(path(file), bytes);
    });
    if (reasons.length === 0) counts.harmless += 1;
    else if (reasons.some((reason) => reason.includes("Some of its rows"))) counts.atReading += 1;
    else counts.atOpening += 1;
  }
  console.info(
    `80 flipped bits: ${counts.atOpening} found at opening, ${counts.atReading} when rows were read, ${counts.harmless} in free blocks`,
  );
  expect(counts.atOpening).toBeGreaterThan(10);
  expect(counts.atReading).toBeGreaterThan(3);
}, 400_000);

test("INDEX-6: a log that cannot be read costs at most the file beside it", async () => {
  const garbage = Buffer.from("not a log ".repeat(5_000));
  for (const [suffix, write] of [
    [".wal", (path: string) => writeFile(path, garbage)],
    [".wal", (path: string) => writeFile(path, "")],
    [".wal", (path: string) => mkdir(path)],
    [".wal.checkpoint", (path: string) => writeFile(path, garbage)],
    [".wal.recovery", (path: string) => writeFile(path, garbage)],
  ] as const) {
    const { reasons } = await damaged((path) => write(`${path(LAST)}${suffix}`));
    expect(reasons.filter((reason) => !reason.startsWith(LAST))).toEqual([]);
  }
});

test("INDEX-6: a log with a flipped bit, or cut off, gives the rows before it or none, and never a wrong one", async () => {
  // As after a kill: rows that were moved stand in the log and not in the file yet.
  const log = join(place.directory, `${LAST}.wal`);
  await place.engine.close();
  await rm(join(place.directory, LAST));
  await openAgain();
  await place.feed(undefined, 500);
  const saved = await mkdtemp(join(tmpdir(), "vouchtrail-killed-"));
  await cp(place.directory, saved, { recursive: true });
  const bytes = await readFile(join(saved, `${LAST}.wal`));
  expect(bytes.length).toBeGreaterThan(500);
  const cases = fc.sample(fc.noBias(fc.record({ at: fc.nat(bytes.length - 1), bit: fc.nat(7), isCut: fc.boolean() })), 40);
  for (const { at, bit, isCut } of cases) {
    await damaged(async (path) => {
      await cp(join(saved, LAST), path(LAST));
      const copy = Buffer.from(isCut ? bytes.subarray(0, at) : bytes);
      if (!isCut) copy[at] = (copy[at] ?? 0) ^ (1 << bit);
      await writeFile(log, copy);
    });
  }
  await rm(saved, { recursive: true, force: true });
}, 240_000);

test("INDEX-6: what a rewrite left behind is removed at the start", async () => {
  const { reasons, isAnswered: answered } = await damaged(async (path) => {
    await cp(path(SECOND), path(`${SECOND}.new`));
    await writeFile(path(`${SECOND}.new.wal`), "cut off");
  });
  expect({ reasons, answered }).toEqual({ reasons: [], answered: true });
  expect((await readdir(place.directory)).filter((name) => name.includes(".new"))).toEqual([]);
});

test("INDEX-7: a file that ended the process twice while it was opened is made anew, and not the one that is made then", async () => {
  const once = await damaged((path) => writeFile(path("opening"), `${SECOND}\n`));
  expect(once.reasons).toEqual([]);
  const twice = await damaged((path) => writeFile(path("opening"), `${SECOND}\n${SECOND}\n`));
  expect(twice.reasons).toEqual([`${SECOND}: Opening it ended the process.`]);
  const again = await damaged(async () => {});
  expect(again.reasons).toEqual([]);
  for (const content of ["", "\n\n\n", "no/such/file\nno/such/file\n", "\u0000".repeat(1_000)])
    expect((await damaged((path) => writeFile(path("opening"), content))).reasons).toEqual([]);
  expect((await damaged((path) => mkdir(path("opening")))).reasons).toEqual([]);
});

test("INDEX-5: a file that another process has open is left alone, and nothing is opened until it is free", async () => {
  const { spawn } = await import("node:child_process");
  const holder = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    `import { DuckDBInstance } from "@duckdb/node-api";
     const instance = await DuckDBInstance.create(${JSON.stringify(join(place.directory, SECOND))});
     process.stdout.write("open");
     setInterval(() => instance, 1_000);`,
  ]);
  await place.engine.close();
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  place.repairs.splice(0);
  await expect(place.reopen()).rejects.toMatchObject({ code: "SEARCH_UNAVAILABLE" });
  await expect(openSearchEngine({ directory: place.directory, origin: ORIGIN, minimumIndex: 0, layout: LAYOUT })).rejects.toMatchObject({
    code: "SEARCH_UNAVAILABLE",
  });
  holder.kill("SIGKILL");
  await new Promise((resolve) => holder.once("exit", resolve));
  await place.reopen();
  expect(place.repairs).toEqual([]);
  expect((await place.state()).files).toHaveLength(3);
  await expectHealed();
});
