import { appendFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createTree, encodeBase64 } from "@vouchtrail/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealSystemEntry } from "../../packages/server/src/intake/seal.ts";
import { hashLeafText, sha256 } from "../../packages/server/src/ledger/hashing.ts";
import type { SealedEntry } from "../../packages/server/src/ledger/ledger.ts";
import { SEGMENT_ENTRIES } from "../../packages/server/src/ledger/limits.ts";
import { BIG_SIZE, makeBigLedger } from "./big-ledger.ts";
import { createRandom } from "./faulty-file-system.ts";
import { append, copyWitness, entriesOf, makePlace, openIn, type Place, signed, type Witness } from "./ledger-witness.ts";

const ENTRIES = entriesOf(60);
const SIZE = BIG_SIZE + ENTRIES.length;

/** A ledger with a sealed segment and an active one. */
let prunable: { place: Place; witness: Witness };

beforeAll(async () => {
  prunable = await makeBigLedger();
  const ledger = await openIn(prunable.place, prunable.witness);
  await append(ledger, prunable.witness, ENTRIES);
  await ledger.idle();
  await signed(ledger, SIZE);
  await ledger.close();
});
afterAll(() => prunable.place.remove());

const copyPrunable = async (): Promise<{ place: Place; witness: Witness }> => ({
  place: await makePlace(prunable.place.data),
  witness: await copyWitness(prunable.witness),
});

const FIRST_SEGMENT = "000000000000000.seg";
const pruneTo = (minimum: number): SealedEntry =>
  sealSystemEntry({ action: "ledger.pruned", ledger: "main", system: { prunes: minimum } }, "2026-02-01T00:00:00.000Z");

test("PRUNE-1: a first segment that is gone is damage unless a signed entry prunes it", async () => {
  const { place, witness } = await copyPrunable();
  const tree = createTree(sha256);
  const ledger = await openIn(place, witness);
  for await (const batch of ledger.read(0, SIZE)) for (const { leaf } of batch) tree.append(hashLeafText(leaf));
  await ledger.close();
  await rm(join(place.directory, "segments", FIRST_SEGMENT));
  const refused = { code: "LEDGER_DAMAGED", message: expect.stringContaining("the segment that begins at entry 0 is missing") };
  await expect(openIn(place, witness)).rejects.toMatchObject(refused);
  await expect(openIn(place, witness, undefined, { isReadOnly: true })).rejects.toMatchObject(refused);

  // An entry that nobody signed, in a group that recomputes.
  const forged = pruneTo(SEGMENT_ENTRIES);
  tree.append(forged.leafHash);
  const group = `${forged.leaf}\t\t\n# ${tree.size} ${encodeBase64(tree.root())}\n`;
  await appendFile(join(place.directory, "segments", "000000000065536.seg"), group);
  await expect(openIn(place, witness)).rejects.toMatchObject(refused);
  await place.remove();
});

test("PRUNE-2: pruning without an entry that says so, or further than it says, is refused and removes nothing", async () => {
  const { place, witness } = await copyPrunable();
  const ledger = await openIn(place, witness);
  await expect(ledger.prune(SEGMENT_ENTRIES)).rejects.toMatchObject({ code: "RANGE_INVALID" });
  await append(ledger, witness, [pruneTo(SEGMENT_ENTRIES - 1)]);
  await expect(ledger.prune(SEGMENT_ENTRIES)).rejects.toMatchObject({ code: "RANGE_INVALID" });
  expect((await ledger.head()).minimumIndex).toBe(0);
  await ledger.close();
  expect(await readdir(join(place.directory, "segments"))).toContain(FIRST_SEGMENT);
  await place.remove();
});

test.each(["failed", "failed, persisted", "crashed before", "crashed after"] as const)(
  "PRUNE-2: a pruned ledger opens by its own entry when the removal of a segment %s",
  async (fault) => {
    const { place, witness } = await copyPrunable();
    const fileSystem = await place.faulty();
    fileSystem.arm(fault, ({ kind, path }) => kind === "remove" && path.endsWith(FIRST_SEGMENT));
    const ledger = await openIn(place, witness, fileSystem);
    await append(ledger, witness, [pruneTo(SEGMENT_ENTRIES)]);
    await expect(ledger.prune(SEGMENT_ENTRIES)).rejects.toThrow("injected");
    expect(fileSystem.hit()).toBeDefined();
    await ledger.close().catch(() => {});
    if (fault.startsWith("crashed")) await fileSystem.losePower(createRandom(fault.length));

    const again = await openIn(place, witness);
    await again.prune(SEGMENT_ENTRIES);
    expect(await again.head()).toMatchObject({ treeSize: SIZE + 1, minimumIndex: SEGMENT_ENTRIES });
    expect(() => again.read(0, 10)).toThrow(expect.objectContaining({ code: "ENTRY_PRUNED" }));
    await again.close();
    const last = await openIn(place, witness);
    expect(await last.head()).toMatchObject({ minimumIndex: SEGMENT_ENTRIES });
    for await (const batch of last.read(SEGMENT_ENTRIES, SIZE)) expect(batch).toHaveLength(SIZE - SEGMENT_ENTRIES);
    const [entry] = await last.append(ENTRIES.slice(-1));
    expect(entry).toMatchObject({ isDuplicate: true });
    await last.close();
    await place.remove();
  },
);
