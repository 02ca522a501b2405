import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealSystemEntry } from "../../packages/server/src/intake/seal.ts";
import { nodeFileSystem } from "../../packages/server/src/ledger/file-system.ts";
import { openSealed, readBlock, type SealedSegment, writeSealed } from "../../packages/server/src/ledger/segment-sealed.ts";
import { type VerifyReport, verifyLedgerFolder } from "../../packages/server/src/verify/index.ts";
import {
  alarmCodes,
  buildLedger,
  closeAndRemember,
  newSigner,
  noteCodes,
  openAt,
  type RealLedger,
  removeRoots,
  sealNumbers,
  verifyRemembered,
} from "./real-ledger.ts";

// Three segments: two sealed ones, so that one of them stands in the middle, and an active one.
const ENTRIES = 131_200;
const FIRST = "segments/000000000000000.seg";
const MIDDLE = "segments/000000000065536.seg";
const ACTIVE = "segments/000000000131072.seg";
const signer = newSigner();
/** Built once; every test puts back what it changes, except the last one, which prunes it. */
let big: RealLedger;
let middle: SealedSegment;

function* groups(): Generator<ReturnType<typeof sealNumbers>> {
  for (let i = 0; i < ENTRIES; i += 2_000) yield sealNumbers(i, Math.min(i + 2_000, ENTRIES));
}

beforeAll(async () => {
  big = await buildLedger(groups(), signer);
  const file = await nodeFileSystem.openFile(join(big.folder, MIDDLE), "read");
  middle = await openSealed(file, signer.name, 65_536);
  await file.close();
});
afterAll(removeRoots);

/** Changes a file for the time of one verification. */
async function verifyWith(name: string, change: (bytes: Buffer) => Buffer, isBare = false): Promise<VerifyReport> {
  const path = join(big.folder, name);
  const bytes = await readFile(path);
  await writeFile(path, change(Buffer.from(bytes)));
  try {
    return await (isBare ? bare(() => verifyRemembered(big)) : verifyRemembered(big));
  } finally {
    await writeFile(path, bytes);
  }
}

/** Takes checkpoint and tiles away for a while: segments, vkey and what was remembered are all there is. */
async function bare<T>(check: () => Promise<T>): Promise<T> {
  const kept = join(big.root, "kept");
  await rename(join(big.folder, "tile"), `${kept}-tile`);
  await rename(join(big.folder, "checkpoint"), `${kept}-checkpoint`);
  try {
    return await check();
  } finally {
    await rename(`${kept}-tile`, join(big.folder, "tile"));
    await rename(`${kept}-checkpoint`, join(big.folder, "checkpoint"));
  }
}

const flip =
  (position: number, bit = 0) =>
  (bytes: Buffer): Buffer => {
    const at = position < 0 ? bytes.length + position : position;
    bytes[at] = bytes[at]! ^ (1 << bit);
    return bytes;
  };

/** Writes the middle segment again as our own code would, after its lines were changed. */
async function rewriteMiddle(edit: (lines: string[]) => string[]): Promise<(bytes: Buffer) => Buffer> {
  const source = await nodeFileSystem.openFile(join(big.folder, MIDDLE), "read");
  const path = join(big.root, "rewritten");
  await rm(path, { force: true });
  const target = await nodeFileSystem.openFile(path, "create");
  const blocks: string[] = [];
  for (let block = 0; block < middle.footer.blocks.length; block++) blocks.push((await readBlock(source, middle, block)).toString("utf8"));
  const lines = edit(blocks.join("").slice(0, -1).split("\n"));
  async function* parts(): AsyncGenerator<Buffer> {
    for (let at = 0; at < lines.length; at += 256) yield Buffer.from(`${lines.slice(at, at + 256).join("\n")}\n`);
  }
  await writeSealed(target, { origin: signer.name, first: 65_536, count: lines.length, system: middle.footer.system }, parts());
  await source.close();
  await target.close();
  const rewritten = await readFile(path);
  return () => rewritten;
}

test("row 6: the chain goes on over sealed segments, with tiles and checkpoint and without them", async () => {
  const seen: number[] = [];
  const whole = await verifyLedgerFolder({
    folder: big.folder,
    rememberedNote: big.note,
    onProgress: ({ doneEntries }) => seen.push(doneEntries),
  });
  expect(whole).toMatchObject({ verdict: "holds", entries: ENTRIES, treeSize: ENTRIES, findings: [] });
  expect(seen.at(-1)).toBe(ENTRIES);
  expect(seen.length).toBeGreaterThan(20);
  const report = await bare(() => verifyRemembered(big));
  expect(report).toMatchObject({ verdict: "holds", rootHash: whole.rootHash });
  expect(noteCodes(report)).toEqual(["CHECKPOINT_MISSING", "TILES_MISSING"]);
});

test("VERDICT-8: one bit flipped in any region of a sealed segment is found, with nothing else at hand but what was remembered", async () => {
  const { size } = await stat(join(big.folder, MIDDLE));
  const body = middle.positions[255]! + middle.footer.blocks[255]![0];
  const regions: readonly (readonly [name: string, position: number, code: string, index: number])[] = [
    ["magic", 3, "HEADER_WRONG", 65_536],
    ["the line feed of the magic", 19, "HEADER_WRONG", 65_536],
    ["the first block", middle.positions[0]! + 5, "BLOCK_DAMAGED", 65_536],
    [
      "a random block",
      middle.positions[100]! + Math.floor(Math.random() * middle.footer.blocks[100]![0]),
      "BLOCK_DAMAGED",
      65_536 + 25_600,
    ],
    ["the end of the last block", body - 1, "BLOCK_DAMAGED", 65_536 + 65_280],
    ["the footer's origin", body + 14, "FOOTER_DAMAGED", 65_536],
    ["the footer's system list", size - 140, "FOOTER_DAMAGED", 65_536],
    ["the footer's body hash", size - 80, "FOOTER_DAMAGED", 65_536],
    ["the trailer's length", size - 50, "FOOTER_DAMAGED", 65_536],
    ["the trailer's hash", size - 10, "FOOTER_DAMAGED", 65_536],
    ["the last line feed", size - 1, "FOOTER_DAMAGED", 65_536],
  ];
  for (const [name, position, code, index] of regions) {
    const report = await verifyWith(MIDDLE, flip(position, position % 8), true);
    expect(report.verdict, name).toBe("damaged");
    expect(report.findings[0], name).toMatchObject({ code, index, file: MIDDLE });
  }
});

test("VERDICT-8: one bit flipped in any other file of a sealed ledger is found", async () => {
  const rootLine = Buffer.byteLength(big.note.split("\n").slice(0, 2).join("\n")) + 8;
  const attacks: readonly (readonly [file: string, position: number, codes: readonly string[]])[] = [
    ["tile/0/000", 0, ["TILE_DAMAGED"]],
    ["tile/0/300", 4_097, ["TILE_DAMAGED"]],
    ["tile/0/511", -1, ["TILE_DAMAGED"]],
    ["tile/1/000", 33, ["TILE_DAMAGED"]],
    ["tile/1/001", -1, ["TILE_DAMAGED"]],
    ["checkpoint", rootLine, ["SIGNATURE_INVALID", "CHECKPOINT_DAMAGED"]],
    ["checkpoint", -20, ["SIGNATURE_INVALID", "CHECKPOINT_DAMAGED"]],
    ["vkey", 4, ["VKEY_DAMAGED"]],
    [ACTIVE, 4, ["HEADER_WRONG"]],
    [ACTIVE, 20_000, ["ENTRY_INVALID", "GROUP_ROOT_MISMATCH"]],
  ];
  for (const [file, position, codes] of attacks) {
    const report = await verifyWith(file, flip(position));
    expect(report.verdict, `${file} ${position}`).toBe("damaged");
    expect(codes, `${file} ${position}`).toContain(alarmCodes(report)[0]);
    expect(report.findings[0], file).toMatchObject({ file });
  }
});

test("row 12: a middle segment deleted is found and named, and so is the first one", async () => {
  for (const [name, index] of [
    [MIDDLE, 65_536],
    [FIRST, 0],
  ] as const) {
    await rename(join(big.folder, name), join(big.root, "away"));
    const report = await bare(() => verifyRemembered(big));
    await rename(join(big.root, "away"), join(big.folder, name));
    expect(report).toMatchObject({ verdict: "damaged" });
    expect(report.findings[0]).toMatchObject({ code: "SEGMENT_MISSING", index });
  }
});

test("row 3: the last segments deleted are a cut tail", async () => {
  await rename(join(big.folder, ACTIVE), join(big.root, "away"));
  const report = await bare(() => verifyRemembered(big));
  await rename(join(big.root, "away"), join(big.folder, ACTIVE));
  expect(report.findings[0]).toMatchObject({ code: "SHORTER_THAN_REMEMBERED", index: 131_072 });
});

test("row 16: two entries swapped in a sealed segment that was written again are found, and the tiles tell where", async () => {
  const swapped = await rewriteMiddle((lines) => {
    [lines[1_000], lines[1_001]] = [lines[1_001]!, lines[1_000]!];
    return lines;
  });
  expect((await verifyWith(MIDDLE, swapped, true)).verdict).toBe("damaged");
  expect((await verifyWith(MIDDLE, swapped)).findings).toContainEqual(expect.objectContaining({ file: "tile/0/259", index: 66_536 }));
});

test("row 4: an entry removed from a sealed segment that was written again is found", async () => {
  const shortened = await rewriteMiddle((lines) => lines.filter((_, i) => i !== 500));
  expect((await verifyWith(MIDDLE, shortened, true)).findings[0]).toMatchObject({ code: "FOOTER_DAMAGED", index: 65_536 });
  const doubled = await rewriteMiddle((lines) => lines.map((line, i) => (i === 500 ? lines[501]! : line)));
  expect((await verifyWith(MIDDLE, doubled, true)).verdict).toBe("damaged");
});

test("VERDICT-6: a disclosure removed from a sealed segment that was written again is an alarm that names the entry", async () => {
  const bereft = await rewriteMiddle((lines) =>
    lines.map((line, i) => (i === 700 ? `${line.split("\t").slice(0, 2).join("\t")}\t` : line)),
  );
  expect((await verifyWith(MIDDLE, bereft, true)).findings[0]).toMatchObject({ code: "SECTION_MISSING", index: 66_236 });
});

test("VERDICT-8: a footer that names other entries as the server's own is found", async () => {
  const source = await readFile(join(big.folder, MIDDLE));
  const path = join(big.root, "footer");
  await rm(path, { force: true });
  const target = await nodeFileSystem.openFile(path, "create");
  async function* blocks(): AsyncGenerator<Buffer> {
    for (const [i, [bytes]] of middle.footer.blocks.entries())
      yield brotliDecompressSync(source.subarray(middle.positions[i]!, middle.positions[i]! + bytes));
  }
  await writeSealed(target, { origin: signer.name, first: 65_536, count: 65_536, system: [65_540] }, blocks());
  await target.close();
  const changed = await readFile(path);
  expect((await verifyWith(MIDDLE, () => changed, true)).findings[0]).toMatchObject({ code: "FOOTER_DAMAGED", index: 65_536 });
});

test("VERDICT-8: a block that decompresses to something else is found though its hash was written again", async () => {
  const rewritten = await rewriteMiddle((lines) => lines.map((line, i) => (i === 3 ? brotliCompressSync(line).toString("base64") : line)));
  expect((await verifyWith(MIDDLE, rewritten, true)).findings[0]).toMatchObject({ code: "ENTRY_INVALID", index: 65_539 });
});

test("VERDICT-4: a sealed segment of another place in the same ledger is found", async () => {
  const first = await readFile(join(big.folder, FIRST));
  expect((await verifyWith(MIDDLE, () => first, true)).findings[0]).toMatchObject({ code: "FOOTER_DAMAGED", index: 65_536 });
});

test("VERDICT-7, row 13: a ledger that retention pruned verifies by its own entry and tiles, and not without them", async () => {
  const before = big.note;
  const ledger = await openAt(big.root, signer);
  const prune = sealSystemEntry({ action: "ledger.pruned", ledger: "main", system: { prunes: 65_536 } }, "2026-02-01T00:00:00.000Z");
  const withoutEntry = async (): Promise<VerifyReport> => {
    await rename(join(big.folder, FIRST), join(big.root, "away"));
    const report = await verifyRemembered(big);
    await rename(join(big.root, "away"), join(big.folder, FIRST));
    return report;
  };
  expect((await withoutEntry()).findings[0]).toMatchObject({ code: "SEGMENT_MISSING", index: 0 });
  await ledger.append([prune]);
  await ledger.prune(65_536);
  big = await closeAndRemember(big.root, ledger, signer);
  expect(await verifyRemembered({ ...big, note: before })).toMatchObject({
    verdict: "holds",
    treeSize: ENTRIES + 1,
    entries: ENTRIES + 1 - 65_536,
    findings: [],
  });
  expect((await verifyWith("tile/0/100", flip(64))).verdict).toBe("damaged");
  expect((await bare(() => verifyRemembered(big))).findings[0]).toMatchObject({ code: "SEGMENT_MISSING", index: 0 });
});
