import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeBase64 } from "@vouchtrail/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFollowerPlace, never, numbersBelow } from "../../../../test/conformance/follower.ts";
import { followRecording } from "../../../../test/conformance/recording-store.ts";
import { createFaultyFileSystem, FAULTS } from "../../../../test/fault/faulty-file-system.ts";
import { nodeFileSystem } from "../ledger/file-system.ts";
import { sha256 } from "../ledger/hashing.ts";
import type { Cursor } from "./cursor.ts";
import { createFileCursorStore, readFloors } from "./cursor-file.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vouchtrail-cursor-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const HASH = encodeBase64(sha256(new Uint8Array()));
const path = (): string => join(directory, "file.json");
const damaged = { code: "DATA_UNREADABLE" };

test("FOLLOW-16: a cursor survives being saved and loaded, in a file that only its owner reads", async () => {
  const store = createFileCursorStore(nodeFileSystem, path());
  expect(await store.load()).toBeUndefined();
  const cursors = fc.oneof(
    fc.record({ origin: fc.string({ minLength: 1 }), next: fc.constant(0) }),
    fc.record({
      origin: fc.string({ minLength: 1, unit: "binary" }),
      next: fc.maxSafeNat().filter((next) => next > 0),
      leafHash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => encodeBase64(bytes)),
    }),
  );
  await fc.assert(
    fc.asyncProperty(cursors, async (cursor: Cursor) => {
      await store.save(cursor);
      expect(await store.load()).toEqual(cursor);
    }),
    { numRuns: 50 },
  );
  expect((await stat(path())).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["file.json"]);
});

const GOOD = { format: "vouchtrail-cursor/1", origin: "example.org/a", next: 5, leafHash: HASH };
const DAMAGED: readonly [string, unknown][] = [
  ["empty", ""],
  ["cut off", JSON.stringify(GOOD).slice(0, -5)],
  ["null", null],
  ["a list", [GOOD]],
  ["of a later form", { ...GOOD, format: "vouchtrail-cursor/2" }],
  ["without an origin", { ...GOOD, origin: undefined }],
  ["of an empty origin", { ...GOOD, origin: "" }],
  ["with an index in words", { ...GOOD, next: "5" }],
  ["with a negative index", { ...GOOD, next: -1 }],
  ["with half an index", { ...GOOD, next: 4.5 }],
  ["with an index beyond exact numbers", { ...GOOD, next: 2 ** 53 }],
  ["without a hash", { ...GOOD, leafHash: undefined }],
  ["with a hash and nothing before it", { ...GOOD, next: 0 }],
  ["with a short hash", { ...GOOD, leafHash: "AAAA" }],
  ["with spare bits in its hash", { ...GOOD, leafHash: `${"A".repeat(42)}B=` }],
  ["with a member too many", { ...GOOD, more: 1 }],
];

test.each(DAMAGED)("FOLLOW-16: a file that is %s is an error that names it, never a beginning", async (_what, content) => {
  await writeFile(path(), typeof content === "string" ? content : JSON.stringify(content));
  const error = await createFileCursorStore(nodeFileSystem, path())
    .load()
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({ ...damaged, message: expect.stringContaining(path()) });
});

test("FOLLOW-16: no changed bit of a cursor is followed: it is damaged, or it belongs to no entry of this ledger", async () => {
  const place = await makeFollowerPlace();
  await place.append(20);
  const first = followRecording(place, { limits: { batchEntriesMax: 10 } });
  await first.follower.waitFor(20, never());
  await first.follower.close();
  const file = join(place.directory, "recording.json");
  const bytes = await readFile(file);
  await place.append(80);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 2), fc.nat(7), async (at, bit) => {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << bit;
      await writeFile(file, flipped);
      const { follower, store, timers } = followRecording(place);
      const outcome = await Promise.race([
        timers.next().then(() => "damaged"),
        follower.waitFor(100, never()).then(
          () => "followed",
          () => "diverged",
        ),
      ]);
      await follower.close();
      expect(outcome).not.toBe("followed");
      expect(store.calls).toEqual([]);
    }),
    { numRuns: 150 },
  );
  await writeFile(file, bytes);
  const last = followRecording(place);
  await last.follower.waitFor(100, never());
  expect(last.store.calls.flat()).toEqual(numbersBelow(100, 20));
  await last.follower.close();
  await place.close();
});

test("FOLLOW-16: whichever step of saving fails or is the last, the old cursor or the new one is there", async () => {
  const old: Cursor = { origin: "example.org/a", next: 1, leafHash: HASH };
  const next: Cursor = { ...old, next: 2 };
  for (const fault of FAULTS) {
    for (let at = 0; ; at++) {
      const root = await mkdtemp(join(directory, "case-"));
      const data = join(root, "data");
      const graves = join(root, "graves");
      await mkdir(data);
      await mkdir(graves);
      const file = join(data, "file.json");
      await createFileCursorStore(nodeFileSystem, file).save(old);
      const faulty = createFaultyFileSystem(data, graves);
      faulty.arm(fault, (_step, n) => n === at);
      const saved = await createFileCursorStore(faulty, file)
        .save(next)
        .then(
          () => true,
          () => false,
        );
      if (faulty.hit() === undefined) {
        expect(saved).toBe(true);
        break;
      }
      await faulty.losePower();
      const found = await createFileCursorStore(nodeFileSystem, file).load();
      expect([1, 2]).toContain(found?.next);
      if (saved) expect(found).toEqual(next);
    }
  }
});

test("FOLLOW-17: the floors are the cursor files of this ledger, and nothing else in the folder", async () => {
  const save = (name: string, cursor: Cursor): Promise<void> => createFileCursorStore(nodeFileSystem, join(directory, name)).save(cursor);
  await save("postgres.json", { origin: "example.org/a", next: 7, leafHash: HASH });
  await save("archive.json", { origin: "example.org/a", next: 0 });
  await save("foreign.json", { origin: "example.org/b", next: 9, leafHash: HASH });
  await save("left.json.tmp", { origin: "example.org/a", next: 8, leafHash: HASH });
  await writeFile(
    join(directory, "erasures.json"),
    JSON.stringify({ format: "vouchtrail-erasures/1", origin: "example.org/a", next: 99, erasures: [] }),
  );
  await writeFile(join(directory, "postgres.dead.ndjson"), "{}\n");
  await writeFile(join(directory, "broken.json"), "{");
  expect(await readFloors(nodeFileSystem, directory, "example.org/a")).toEqual([
    { name: "the follower archive", next: 0 },
    { name: "the follower postgres", next: 7 },
  ]);
  expect(await readFloors(nodeFileSystem, join(directory, "none"), "example.org/a")).toEqual([]);
});

test("FOLLOW-17: a ledger that ends below what a follower has read does not open", async () => {
  const place = await makeFollowerPlace();
  await place.append(10);
  const { follower } = followRecording(place);
  await follower.waitFor(10, never());
  await follower.close();
  const floors = await readFloors(nodeFileSystem, place.directory, place.ledger.origin);
  expect(floors).toEqual([{ name: "the follower recording", next: 10 }]);
  await place.reopenLedger({ floors });
  await expect(place.reopenLedger({ floors: [{ name: "the follower recording", next: 11 }] })).rejects.toMatchObject({
    code: "LEDGER_DAMAGED",
    message: expect.stringContaining("the follower recording has already read 11"),
  });
  await rm(place.root, { recursive: true, force: true });
});
