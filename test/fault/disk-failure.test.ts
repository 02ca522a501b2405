import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LedgerNotice } from "../../packages/server/src/ledger/file-ledger.ts";
import { BIG_SIZE, makeBigLedger } from "./big-ledger.ts";
import {
  append,
  CONTENT_WORD,
  copyWitness,
  createWitness,
  entriesOf,
  entryOf,
  erasureOf,
  expectFaithful,
  makePlace,
  openIn,
  type Place,
  signed,
  type Witness,
} from "./ledger-witness.ts";

let big: { place: Place; witness: Witness };
beforeAll(async () => {
  big = await makeBigLedger();
});
afterAll(() => big.place.remove());

test("DURABLE-4: after a failed sync requests in flight do not know their outcome, and later ones are refused", async () => {
  const place = await makePlace();
  const witness = createWitness();
  const fileSystem = await place.faulty();
  const notices: LedgerNotice[] = [];
  const ledger = await openIn(place, witness, fileSystem, { onNotice: (notice) => notices.push(notice) });
  await append(ledger, witness, entriesOf(5));
  fileSystem.arm("failed", ({ kind, path }) => kind === "sync" && path.endsWith(".seg"));
  const entries = entriesOf(6);
  const inFlight = await Promise.allSettled(entries.map((entry) => append(ledger, witness, [entry])));
  for (const outcome of inFlight) expect(outcome).toMatchObject({ status: "rejected", reason: { code: "OUTCOME_UNKNOWN" } });
  await expect(append(ledger, witness, [entryOf(1)])).rejects.toMatchObject({ code: "LEDGER_READ_ONLY" });
  await expect(ledger.waitForCheckpoint(5, AbortSignal.timeout(1_000))).rejects.toMatchObject({ code: "LEDGER_READ_ONLY" });
  await expect(ledger.erase({}, 0)).rejects.toMatchObject({ code: "RANGE_INVALID" });
  expect(ledger.refusal()).toMatchObject({ code: "LEDGER_READ_ONLY" });
  expect(notices.map(({ kind }) => kind)).toEqual(["failed"]);
  expect((await ledger.head()).treeSize).toBe(5);
  await ledger.close();
  const again = await openIn(place, witness);
  await append(again, witness, entries);
  expect((await again.head()).treeSize).toBe(11);
  await again.close();
  await place.remove();
});

test("DURABLE-5: a disk that is nearly full refuses before anything is written, and intake resumes by itself", async () => {
  const place = await makePlace();
  const witness = createWitness();
  const fileSystem = await place.faulty();
  fileSystem.setFreeBytes(1_000);
  const ledger = await openIn(place, witness, fileSystem);
  const stepsBefore = fileSystem.steps.length;
  await expect(append(ledger, witness, [entryOf(1)])).rejects.toMatchObject({ code: "DISK_FULL" });
  expect(fileSystem.steps.length).toBe(stepsBefore);
  fileSystem.setFreeBytes(undefined);
  await expect.poll(() => ledger.refusal(), { timeout: 10_000 }).toBeUndefined();
  await append(ledger, witness, [entryOf(1)]);
  await ledger.close();
  await place.remove();
});

test("LEDGER-12: a full queue pushes back and loses nothing that it took", async () => {
  const place = await makePlace();
  const witness = createWitness();
  const ledger = await openIn(place, witness, undefined, { limits: { pendingEntriesMax: 40 } });
  const batches = Array.from({ length: 30 }, (_, i) => entriesOf(10, i * 10));
  const outcomes = await Promise.allSettled(batches.map((entries) => append(ledger, witness, entries)));
  const refused = batches.filter((_, i) => outcomes[i]?.status === "rejected");
  for (const outcome of outcomes) if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "PUSHBACK" });
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(30);
  expect(witness.acked.size).toBe((30 - refused.length) * 10);
  for (const entries of refused) await append(ledger, witness, entries);
  await expectFaithful(ledger, witness);
  expect((await ledger.head()).treeSize).toBe(300);
  await ledger.close();
  await place.remove();
});

test("LEDGER-13: closing twice at once finishes every append first", async () => {
  const place = await makePlace();
  const witness = createWitness();
  const ledger = await openIn(place, witness);
  const appends = entriesOf(200).map((entry) => append(ledger, witness, [entry]));
  await new Promise(setImmediate);
  const closes = [ledger.close(), ledger.close()];
  await Promise.all([...appends, ...closes]);
  expect(witness.acked.size).toBe(200);
  await place.remove();
});

test("LEDGER-14: a cosigned note is published while the tree grows, and never takes the place of a newer checkpoint", async () => {
  const place = await makePlace();
  const witness = createWitness();
  const ledger = await openIn(place, witness);
  let published = 0;
  for (let size = 1; size <= 60; size++) {
    await append(ledger, witness, [entryOf(size)]);
    const note = await ledger.checkpoint();
    const outcomes = await Promise.allSettled([ledger.publish(note), signed(ledger, size), ledger.publish(note)]);
    for (const outcome of outcomes) if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "RANGE_INVALID" });
    published += outcomes[0].status === "fulfilled" ? 1 : 0;
    expect((await readFile(join(place.directory, "checkpoint"), "utf8")).split("\n")[1]).toBe(String(size));
  }
  expect(published).toBeGreaterThan(0);
  expect(ledger.refusal()).toBeUndefined();
  await ledger.close();
  await place.remove();
});

test("ERASE-2: what is erased is in no file of the data directory, whichever step of the erasure was interrupted", async () => {
  const template = await makePlace(big.place.data);
  const atStart = await copyWitness(big.witness);
  const seeding = await openIn(template, atStart);
  await append(seeding, atStart, entriesOf(60));
  const range = { content: [[BIG_SIZE, BIG_SIZE + 60]] as const, personal: [[BIG_SIZE, BIG_SIZE + 60]] as const };
  await append(seeding, atStart, [erasureOf(range)]);
  await seeding.close();
  expect(await filesWith(template.data, CONTENT_WORD)).not.toEqual([]);
  for (const path of ["erasures.json", "index"]) expect(await readdir(template.data)).toContain(path);

  let cases = 0;
  for (const match of [/0{15}\.seg/, /65536\.seg/, /erasures\.json/]) {
    const place = await makePlace(template.data);
    const witness = await copyWitness(atStart);
    const fileSystem = await place.faulty();
    // The erasure is unfinished, so opening resumes it; there it is interrupted.
    fileSystem.arm("crashed before", ({ kind, path }) => kind === "rename" && match.test(path));
    const ledger = await openIn(place, witness, fileSystem).catch(() => undefined);
    await ledger?.idle();
    expect(fileSystem.hit()).toBeDefined();
    await ledger?.close().catch(() => {});
    await fileSystem.losePower();
    const again = await openIn(place, witness);
    await again.idle();
    expect(again.erasures()).toMatchObject([{ index: BIG_SIZE + 60, isDone: true }]);
    await again.close();
    expect(await filesWith(place.data, CONTENT_WORD)).toEqual([]);
    const last = await openIn(place, witness);
    await expectFaithful(last, witness);
    await last.close();
    await place.remove();
    cases += 1;
  }
  expect(cases).toBe(3);
  await template.remove();
});

test("ERASE-4: a section that is read while it is erased does not come back from memory", async () => {
  const place = await makePlace(big.place.data);
  const witness = await copyWitness(big.witness);
  const ledger = await openIn(place, witness);
  await append(ledger, witness, entriesOf(60));
  await ledger.idle();
  const ranges = { content: [[65_500, 65_530]] as const };
  const { treeSize } = await ledger.head();
  await append(ledger, witness, [erasureOf(ranges)]);
  let isErasing = true;
  const erasing = ledger.erase(ranges, treeSize).finally(() => {
    isErasing = false;
  });
  while (isErasing) {
    for await (const batch of ledger.read(65_490, 65_536)) expect(batch.length).toBeGreaterThan(0);
    // Blocks in memory are answered without a turn of the event loop, which the erasure needs.
    await new Promise(setImmediate);
  }
  await erasing;
  for await (const batch of ledger.read(65_500, 65_530)) for (const { disclosures } of batch) expect(disclosures.content).toBeUndefined();
  await ledger.close();
  await place.remove();
});

/** Files that hold the word, in plain or in a compressed block. */
async function filesWith(folder: string, word: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (bytes.includes(word) || decompressed(bytes).some((block) => block.includes(word))) found.push(path);
  }
  return found;
}

/** The blocks of a sealed segment, found by its footer; none for other files. */
function decompressed(bytes: Buffer): Buffer[] {
  const footerLength = /# (\d{10}) [A-Za-z0-9_-]{43}\n$/.exec(bytes.toString("latin1", Math.max(0, bytes.length - 57)))?.[1];
  if (!bytes.toString("latin1", 0, 20).startsWith("vouchtrail-sealed/1") || footerLength === undefined) return [];
  const end = bytes.length - 57;
  const footer = JSON.parse(bytes.toString("utf8", end - Number(footerLength), end)) as { blocks: [number, string][] };
  let at = 20;
  return footer.blocks.map(([length]) => {
    at += length;
    return brotliDecompressSync(bytes.subarray(at - length, at));
  });
}
