import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import { BIG_SIZE, makeBigLedger } from "./big-ledger.ts";
import { createRandom, type Fault, type Step } from "./faulty-file-system.ts";
import {
  append,
  copyWitness,
  entriesOf,
  erasureOf,
  expectFaithful,
  makePlace,
  openIn,
  type Place,
  signed,
  smallEntryOf,
  type Witness,
} from "./ledger-witness.ts";

let big: { place: Place; witness: Witness };

beforeAll(async () => {
  big = await makeBigLedger();
});
afterAll(() => big.place.remove());

const ENTRIES = entriesOf(60);
const RANGES = { content: [[65_400, 65_540]] as const };
const ERASURE = erasureOf(RANGES);

/** Fills the first segment, begins and signs the second, seals the first, and erases from both. */
async function crossBorder(ledger: FileLedger, witness: Witness): Promise<void> {
  await append(ledger, witness, ENTRIES.slice(0, 36));
  await append(ledger, witness, ENTRIES.slice(36, 50));
  await ledger.idle();
  await signed(ledger, BIG_SIZE + 50);
  await append(ledger, witness, [ERASURE]);
  await ledger.erase(RANGES, BIG_SIZE + 50);
  await append(ledger, witness, ENTRIES.slice(50));
  await ledger.close();
}

interface Border {
  readonly step: string;
  readonly at: (step: Step, nth: number) => boolean;
  readonly fault: Fault;
}

const matches =
  (kind: Step["kind"], path: RegExp, count = 0): Border["at"] =>
  (step, nth) =>
    step.kind === kind && path.test(step.path) && nth === count;
const FIRST = /segments\/0{15}\.seg\.tmp$/;
const SECOND = /segments\/0{10}65536\.seg\.tmp$/;

// Sealing writes the first segment's new file once, erasing a second time; `nth` counts the steps of that kind on paths of that form.
const BORDERS: readonly Border[] = [
  { step: "the second segment is created", at: matches("syncDirectory", /segments$/), fault: "crashed before" },
  { step: "a tile of level 1 is written", at: matches("write", /tile\/1\/000\.tmp$/), fault: "crashed torn" },
  { step: "the checkpoint over a full segment is synced", at: matches("sync", /checkpoint\.tmp$/), fault: "failed" },
  { step: "a block of a sealed segment is written", at: matches("write", FIRST, 100), fault: "full" },
  { step: "the sealed segment is put in its place", at: matches("rename", FIRST), fault: "crashed after" },
  { step: "the sealed segment is put in its place", at: matches("rename", FIRST), fault: "failed, persisted" },
  { step: "the ids of a sealed segment are written", at: matches("write", /\.ids\.tmp$/), fault: "failed" },
  { step: "a block of a sealed segment is written again", at: matches("write", FIRST, 300), fault: "crashed torn" },
  { step: "a sealed segment is replaced by an erased one", at: matches("rename", FIRST, 1), fault: "crashed after" },
  { step: "the active segment is replaced by an erased one", at: matches("rename", SECOND, 1), fault: "failed, persisted" },
];

test.each(BORDERS.map((border) => [border.step, border.fault, border] as const))(
  "SEGMENT-3: nothing acked is lost at a segment border when %s and that step %s",
  async (_step, _fault, { at, fault }) => {
    const place = await makePlace(big.place.data);
    const witness = await copyWitness(big.witness);
    const fileSystem = await place.faulty();
    const seen = new Map<string, number>();
    const nthOf = (step: Step): number => {
      const key = `${step.kind} ${step.path}`;
      const nth = seen.get(key) ?? 0;
      seen.set(key, nth + 1);
      return nth;
    };
    fileSystem.arm(fault, (step) => at(step, nthOf(step)));
    const ledger = await openIn(place, witness, fileSystem);
    await crossBorder(ledger, witness).catch(() => {});
    expect(fileSystem.hit()).toBeDefined();
    await ledger.close().catch(() => {});
    if (fault.startsWith("crashed")) await fileSystem.losePower(createRandom(BORDERS.findIndex((border) => border.at === at)));

    const again = await openIn(place, witness, await place.faulty());
    await append(again, witness, ENTRIES);
    await again.idle();
    await expectFaithful(again, witness);
    await again.close();
    const names = await readdir(join(place.directory, "segments"));
    expect(names.sort()).toEqual(["000000000000000.seg", "000000000065536.seg"]);
    await place.remove();
  },
);

test("SEGMENT-4: a segment that could not be sealed is sealed before the next one, so that the ledger opens again", async () => {
  const place = await makePlace(big.place.data);
  const witness = await copyWitness(big.witness);
  const fileSystem = await place.faulty();
  fileSystem.arm("full", ({ kind, path }) => kind === "write" && FIRST.test(path));
  const ledger = await openIn(place, witness, fileSystem);
  await append(ledger, witness, ENTRIES);
  await ledger.idle();
  for (let i = 0; i < 14; i++) await append(ledger, witness, Array.from({ length: 5_000 }, smallEntryOf));
  await ledger.idle();
  await ledger.close();
  const again = await openIn(place, witness, await place.faulty());
  expect((await again.head()).treeSize).toBe(BIG_SIZE + ENTRIES.length + 70_000);
  const [oldest] = witness.acked.keys();
  expect(await again.find([{ tenant: "default", id: oldest! }])).toEqual([0]);
  await again.close();
  await place.remove();
});
