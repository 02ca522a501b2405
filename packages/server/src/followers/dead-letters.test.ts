import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sealedEntry } from "../../../../test/conformance/ledger.ts";
import { createFaultyFileSystem, createRandom, FAULTS } from "../../../../test/fault/faulty-file-system.ts";
import { type FileSystem, nodeFileSystem } from "../ledger/file-system.ts";
import { createDeadLetters, type DeadLetters, deadLetterOf } from "./dead-letters.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vouchtrail-dead-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const AT = "2026-03-01T12:00:00.000Z";
const path = (): string => join(directory, "a.dead.ndjson");
const lettersIn = (file: string, fileSystem: FileSystem = nodeFileSystem, origin = "example.org/a"): DeadLetters =>
  createDeadLetters({ fileSystem, path: file, origin, countMax: 4 });
const letter = (index: number, message = "m"): Parameters<DeadLetters["add"]>[0] => ({
  index,
  code: "INTERNAL",
  message,
  attempts: 3,
  at: AT,
});
const indexesOf = (letters: DeadLetters): number[] => letters.list().map(({ index }) => index);

test("FOLLOW-10: letters stand in the order in which they were set aside, each index once, and are read back", async () => {
  const letters = lettersIn(path());
  await letters.load();
  expect(letters.list()).toEqual([]);
  for (const index of [5, 2, 5, 9]) await letters.add(letter(index));
  expect(indexesOf(letters)).toEqual([5, 2, 9]);
  expect([letters.has(2), letters.has(3), letters.isFull()]).toEqual([true, false, false]);
  await letters.add(letter(10));
  expect(letters.isFull()).toBe(true);
  const again = lettersIn(path());
  await again.load();
  expect(again.list()).toEqual(letters.list());
  await again.removeRange(5, 10);
  await again.removeRange(0, 1);
  expect(indexesOf(again)).toEqual([2, 10]);
  await letters.load();
  expect(indexesOf(letters)).toEqual([2, 10]);
});

test("FOLLOW-10: the letters of a ledger that stood here before stay in the file and count for nothing", async () => {
  const before = lettersIn(path(), nodeFileSystem, "example.org/before");
  for (const index of [1, 2, 3, 4]) await before.add(letter(index));
  const letters = lettersIn(path());
  await letters.add(letter(2));
  await letters.add(letter(7));
  await letters.removeRange(7, 8);
  expect([indexesOf(letters), letters.has(1), letters.isFull()]).toEqual([[2], false, false]);
  await before.load();
  expect(indexesOf(before)).toEqual([1, 2, 3, 4]);
});

test("FOLLOW-10: a file that was removed, emptied or changed meanwhile is read again after one refusal", async () => {
  const letters = lettersIn(path());
  for (const change of [() => rm(path()), () => writeFile(path(), ""), () => writeFile(path(), '{"index":')]) {
    await letters.load();
    await letters.add(letter(1));
    await letters.add(letter(2));
    await change();
    await expect(letters.add(letter(3))).rejects.toThrow();
    await letters.add(letter(3));
    expect(indexesOf(letters)).toEqual([3]);
    expect((await readFile(path(), "utf8")).split("\n")).toHaveLength(2);
    await rm(path());
  }
});

test("FOLLOW-10: damage before the last line is refused with the line's number", async () => {
  const good = JSON.stringify({ origin: "example.org/a", ...letter(1) });
  for (const bad of ["", "null", "[]", "{}", '{"index":-1}', good.replace('"index":1', '"index":"1"'), good.slice(1)]) {
    await writeFile(path(), `${good}\n${bad}\n${good}\n`);
    const refused = await lettersIn(path())
      .load()
      .catch((error: unknown) => error);
    expect(refused, bad).toMatchObject({ code: "DATA_UNREADABLE", message: expect.stringContaining("line 2") });
  }
});

test("FOLLOW-10: whichever step of setting aside or taking out fails or is the last, confirmed letters are there and others may be", async () => {
  const random = createRandom(7);
  let caseCount = 0;
  for (const fault of FAULTS) {
    for (let at = 0; ; at++) {
      const root = await mkdtemp(join(directory, "case-"));
      const data = join(root, "data");
      const graves = join(root, "graves");
      for (const folder of [data, graves]) await mkdir(folder);
      const file = join(data, "a.dead.ndjson");
      const faulty = createFaultyFileSystem(data, graves);
      faulty.arm(fault, (_step, n) => n === at);
      const letters = lettersIn(file, faulty);
      const confirmed = new Set<number>();
      // What was asked and not confirmed may be there or not.
      let doubtful: readonly number[] = [];
      const steps: readonly [number[], () => Promise<void>][] = [
        [[1], () => letters.add(letter(1, "a longer message ".repeat(15)))],
        [[2], () => letters.add(letter(2))],
        [[3], () => letters.add(letter(3))],
        [[-1, -2], () => letters.removeRange(1, 3)],
      ];
      for (const [changed, run] of steps) {
        try {
          await run();
          for (const index of changed)
            if (index > 0) confirmed.add(index);
            else confirmed.delete(-index);
        } catch {
          doubtful = changed.map(Math.abs);
          break;
        }
      }
      if (faulty.hit() === undefined) {
        expect([...confirmed]).toEqual([3]);
        break;
      }
      caseCount += 1;
      await faulty.losePower(random);
      const found = lettersIn(file);
      await found.load();
      const certain = (indexes: Iterable<number>): number[] => [...indexes].filter((index) => !doubtful.includes(index));
      expect(certain(indexesOf(found))).toEqual(certain(confirmed));
      // Whatever is left of the torn write, the next letters are not lost with it.
      await found.add(letter(8));
      await found.add(letter(9));
      const last = lettersIn(file);
      await last.load();
      expect(indexesOf(last)).toEqual(indexesOf(found));
      expect(indexesOf(last).slice(-2)).toEqual([8, 9]);
    }
  }
  expect(caseCount).toBeGreaterThan(50);
});

test("FOLLOW-10: a letter names id and tenant, and an entry whose leaf cannot be read by its index alone", () => {
  const { leaf, id } = sealedEntry({ tenant: "acme" });
  const failure = { code: "INTERNAL", message: "m" };
  expect(deadLetterOf({ index: 4, leaf, disclosures: {} }, failure, 3, AT)).toEqual({ ...letter(4), id, tenant: "acme" });
  expect(deadLetterOf({ index: 4, leaf: "{}", disclosures: {} }, failure, 3, AT)).toEqual(letter(4));
});
