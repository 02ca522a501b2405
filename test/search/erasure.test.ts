import { randomBytes } from "node:crypto";
import { watch } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COLUMNS } from "../../packages/server/src/followers/search/columns.ts";
import { erasureEntry, openIndexPlace, without } from "./index-place.ts";
import { type IndexedLedger, openIndexedLedger } from "./indexed-ledger.ts";

/* What an erasure takes away is in no file of the data directory any more, whether the process of the index lives, was killed, or has closed. */

const MARKER_NAMES = ["id", "name", "ip", "target", "label", "detail", "message"] as const;
/** Text that no codec makes shorter, so that it stands in a file as it is. */
const marker = (name: string): string => `${name}-${randomBytes(18).toString("base64url")}`;
/** Any marker, also one that begins within another match. */
const MARKER = new RegExp(`(?=((?:${MARKER_NAMES.join("|")})-[\\w-]{24}))`, "g");

interface Marked {
  readonly members: Record<string, unknown>;
  readonly personal: readonly string[];
  readonly content: readonly string[];
}

function markedEvent(number: number): Marked {
  const [id, name, address, target, label, detail, message] = MARKER_NAMES.map(marker);
  return {
    members: {
      actor: { type: "user", id, name, onBehalfOf: [{ type: "user", id: `${id}-chief` }] },
      target: { type: "document", id: target, name: `${target}-title` },
      labels: { lane: label },
      details: { detail, number },
      outcome: { status: "failure", message },
      context: { sessionId: "session", callId: `call-${number}`, ipAddress: address },
    },
    personal: [id, name, address].map(String),
    content: [target, label, detail, message].map(String),
  };
}

/** Every file below a folder, with its bytes. */
async function filesBelow(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // A file may go while the folder is read.
    files.set(path, await readFile(path).catch(() => Buffer.alloc(0)));
  }
  return files;
}

/** Which of the markers stand in a file below a folder, each with one of the files. Each file is read once. */
async function markersIn(folder: string, markers: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set(markers);
  const found = new Map<string, string>();
  for (const [path, bytes] of await filesBelow(folder)) {
    for (const [, text = ""] of bytes.toString("latin1").matchAll(MARKER)) if (wanted.has(text)) found.set(text, path);
  }
  return found;
}

/** No file holds any of the markers. */
async function expectNowhere(folder: string, markers: readonly string[]): Promise<void> {
  expect(await markersIn(folder, markers)).toEqual(new Map());
}

async function rowsOf({ search }: IndexedLedger, where: string): Promise<readonly Record<string, unknown>[]> {
  const { columns, rows } = await search.engine.sql({ sql: `SELECT * FROM entries WHERE ${where} ORDER BY "index"`, limit: 100_000 });
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
}

async function expectGone(indexed: IndexedLedger, texts: readonly string[]): Promise<void> {
  await expectNowhere(indexed.data, texts);
  for (const { name } of COLUMNS) {
    const { rows } = await indexed.search.engine.sql({ sql: `SELECT DISTINCT "${name}"::VARCHAR FROM entries`, limit: 100_000 });
    const values = rows.map(([value]) => String(value)).join("\n");
    for (const text of texts) expect(values.includes(text), `${text} in ${name}`).toBe(false);
  }
}

const PERSONAL_COLUMNS = ["actor_id", "actor_name", "on_behalf_of", "ip_address", "personal"];
const CONTENT_COLUMNS = ["target_id", "target_name", "labels", "content"];

/** Where the rows of one test are when they are erased. */
const PLACES: readonly (readonly [string, { readonly before: number; readonly after: number; readonly rebuilds?: boolean }])[] = [
  ["in memory", { before: 64, after: 0 }],
  ["in a row group of the last file", { before: 10, after: 90 }],
  ["in a file that is complete", { before: 10, after: 600 }],
  ["across the border of two files", { before: 250, after: 300 }],
  ["while the index is being made anew", { before: 10, after: 600, rebuilds: true }],
];

for (const [name, { before, after, rebuilds }] of PLACES) {
  test(`INDEX-8: an erasure empties what comes from the sections and leaves no byte of it in any file: rows ${name}`, async () => {
    await using indexed = await openIndexedLedger();
    const others = (count: number): Record<string, unknown>[] =>
      Array.from({ length: count }, () => markedEvent(0).members).map((members, i) => ({
        ...members,
        context: { sessionId: "o", callId: `${i}` },
      }));
    await indexed.append(others(before));
    const marked = Array.from({ length: 12 }, (_, i) => markedEvent(i));
    const first = await indexed.append(marked.map(({ members }) => members));
    if (after > 0) await indexed.append(others(after));
    await indexed.caughtUp();
    const untouched = `"index" < ${first} OR ("index" >= ${first + 12} AND "index" < ${first + 12 + after})`;
    const rowsBefore = await rowsOf(indexed, untouched);
    if (name !== "in memory") {
      // The search through the files is able to find them, so that finding nothing says something.
      const found = await markersIn(
        indexed.indexDirectory,
        marked.flatMap(({ personal, content }) => [...personal, ...content]),
      );
      expect(found.size).toBeGreaterThan(12 * 4);
    }

    if (rebuilds === true) await indexed.search.rebuild();
    const personalIndex = await indexed.erase({ personal: [[first, first + 12]] });
    await indexed.caughtUp(personalIndex + 1);
    await expectGone(
      indexed,
      marked.flatMap(({ personal }) => personal),
    );
    const rows = await rowsOf(indexed, `"index" >= ${first} AND "index" < ${first + 12}`);
    expect(rows.map((row) => PERSONAL_COLUMNS.filter((column) => row[column] !== null))).toEqual(rows.map(() => []));
    expect(rows.map((row) => CONTENT_COLUMNS.filter((column) => row[column] === null))).toEqual(rows.map(() => []));
    expect(rows.map((row) => row.call_id)).toEqual(marked.map((_, i) => `call-${i}`));

    await indexed.erase({ content: [[first, first + 12]], personal: [[first + 3, first + 5]] });
    await indexed.caughtUp();
    const all = marked.flatMap(({ personal, content }) => [...personal, ...content]);
    await expectGone(indexed, all);
    const empty = await rowsOf(indexed, `"index" >= ${first} AND "index" < ${first + 12}`);
    const columns = [...PERSONAL_COLUMNS, ...CONTENT_COLUMNS];
    expect(empty.map((row) => columns.filter((column) => row[column] !== null))).toEqual(empty.map(() => []));
    expect(await rowsOf(indexed, untouched)).toEqual(rowsBefore);
    expect(await indexed.search.check()).toMatchObject({ isGood: true });

    await indexed.restart();
    await indexed.caughtUp();
    expect(await indexed.search.check()).toMatchObject({ isGood: true });
    await indexed.close();
    await expectNowhere(indexed.data, all);
  }, 120_000);
}

test("INDEX-8: an erasure during which the process is killed is finished by the next one", async () => {
  await using indexed = await openIndexedLedger({ layout: { fileEntries: 4_096, rowGroupRows: 2_048 } });
  const marked = Array.from({ length: 5_000 }, (_, i) => markedEvent(i));
  await indexed.append(marked.map(({ members }) => members));
  await indexed.caughtUp();
  let killCount = 0;
  for (let round = 0; round < 6; round++) {
    const pid = await indexed.opened();
    const watcher = watch(indexed.indexDirectory, (_event, file) => {
      // In the midst of writing, or of exchanging: a little later each time.
      if (file?.includes(".new") !== true) return;
      watcher.close();
      setTimeout(() => {
        process.kill(pid, "SIGKILL");
        killCount += 1;
      }, round * 12);
    });
    const from = round * 700;
    const index = await indexed.erase({ personal: [[from, from + 50]], content: [[from + 20, from + 80]] });
    await indexed.caughtUp(index + 1);
    watcher.close();
    const gone = [
      ...marked.slice(from, from + 50).flatMap(({ personal }) => personal),
      ...marked.slice(from + 20, from + 80).flatMap(({ content }) => content),
    ];
    await indexed.opened();
    await expectNowhere(indexed.data, gone);
    expect(await indexed.search.check()).toMatchObject({ isGood: true });
  }
  expect(killCount).toBeGreaterThanOrEqual(5);
}, 180_000);

test("INDEX-8: an erasure says nothing about entries after it, also when a file that holds it is made anew", async () => {
  await using place = await openIndexPlace();
  for (let i = 0; i < 100; i++) place.add({ details: { i } });
  place.entries.push(erasureEntry(100, { content: [[10, 1_000_000]] }));
  for (let i = 10; i < 100; i++) place.entries[i] = without(place.entries[i]!, "content");
  for (let i = 101; i < 700; i++) place.add({ details: { i } });
  await place.feed();
  expect(await place.differences()).toEqual([]);
  const { rm } = await import("node:fs/promises");
  await place.engine.close();
  await rm(join(place.directory, "000000000000000.duckdb"));
  await place.reopen();
  await place.feed();
  expect(await place.differences()).toEqual([]);
  expect((await place.sql("SELECT count(*) FROM entries WHERE content IS NULL"))[0]).toEqual([91]);
});

test("DEED-6: where an erasure takes the key of a deed, its entry counts for itself and the next one for the deed", async () => {
  for (const size of [0, 40, 300]) {
    await using place = await openIndexPlace();
    const call = { context: { sessionId: "s", callId: "1" } };
    place.add(call, { policy: { contextIds: "personal" } });
    for (let i = 0; i < size; i++) place.add();
    const second = place.add(call);
    place.add(call);
    place.add({ ...call, phase: "intent", outcome: { status: "pending" } }, { policy: { contextIds: "personal" } });
    await place.feed();
    expect((await place.sql("SELECT count(*) FROM deeds WHERE call_id = '1'"))[0]).toEqual([1]);
    place.entries.push(erasureEntry(place.entries.length, { personal: [[0, place.entries.length]] }));
    place.entries[0] = without(place.entries[0]!, "personal");
    place.entries[second + 2] = without(place.entries[second + 2]!, "personal");
    await place.feed();
    expect(await place.differences()).toEqual([]);
    expect(await place.engine.miscounted()).toBe(0);
    const counted = (await place.sql(`SELECT "index" FROM deeds WHERE "index" = 0 OR "index" >= ${second} ORDER BY 1`)).flat();
    expect(counted.map(Number)).toEqual([0, second]);
    // Told once more, it is the same deed.
    place.add(call);
    await place.feed();
    expect((await place.sql("SELECT count(*) FROM deeds WHERE call_id = '1'"))[0]).toEqual([1]);
    expect(await place.engine.miscounted()).toBe(0);
    await place.reopen();
    await place.feed();
    expect(await place.engine.miscounted()).toBe(0);
    expect(await place.differences()).toEqual([]);
  }
});
