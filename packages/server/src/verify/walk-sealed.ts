import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { AuditError } from "@vouchtrail/events";
import type { DurableFile } from "../ledger/file-system.ts";
import { sha256 } from "../ledger/hashing.ts";
import { BLOCK_ENTRIES, SEGMENT_ENTRIES } from "../ledger/limits.ts";
import { openSealed, type SealedFooter, type SealedSegment } from "../ledger/segment-sealed.ts";
import { BLOCK_BYTES_MAX, BLOCKS_AHEAD } from "./limits.ts";
import { checkLine, type Walk, type WalkStop } from "./walk.ts";

const decompress = promisify(brotliDecompress);
const LINE_FEED = 0x0a;
const BLOCKS = SEGMENT_ENTRIES / BLOCK_ENTRIES;

type Block = { readonly compressed: Buffer; readonly lines: Buffer | undefined };

/**
 * Walks over a sealed segment: every block, every entry, and then the footer as a whole, which is written again from what was read and must
 * be the same bytes. So no byte of the file is left out.
 *
 * @returns Why it stopped early, or undefined when all of it is as it should be.
 */
export async function walkSealed(
  walk: Walk,
  file: DurableFile,
  segment: { readonly origin: string; readonly first: number; readonly file: string },
): Promise<WalkStop | undefined> {
  const { first } = segment;
  const stopAt = (code: string, index: number, reason: string): WalkStop => ({
    code,
    index,
    reason,
    file: segment.file,
    isCut: false,
    isAtEnd: false,
  });
  const sealed = await openChecked(file, segment.origin, first);
  if (typeof sealed === "string") return stopAt("FOOTER_DAMAGED", first, sealed);

  const body = createHash("sha256");
  const start = Buffer.alloc(sealed.positions[0] ?? 0);
  await file.read(start, 0);
  body.update(start);
  const blocks: [number, string][] = [];
  const system: number[] = [];
  const ahead: Promise<Block | string>[] = [];
  for (let block = 0; block < BLOCKS; block++) {
    while (ahead.length < BLOCKS_AHEAD && block + ahead.length < BLOCKS) ahead.push(loadBlock(file, sealed, block + ahead.length));
    const blockFirst = first + block * BLOCK_ENTRIES;
    const loaded = await ahead.shift()!;
    if (typeof loaded === "string") {
      await Promise.all(ahead); // The file must not be closed under a read.
      return stopAt("BLOCK_DAMAGED", blockFirst, loaded);
    }
    body.update(loaded.compressed);
    blocks.push([loaded.compressed.length, sealed.footer.blocks[block]![1]]);
    const bad = takeLines(walk, loaded.lines ?? Buffer.alloc(0), blockFirst, system);
    if (bad !== undefined) {
      await Promise.all(ahead);
      return stopAt("ENTRY_INVALID", walk.tree.size, bad);
    }
    await walk.pause();
  }
  const footer: SealedFooter = {
    origin: segment.origin || sealed.footer.origin,
    first,
    count: SEGMENT_ENTRIES,
    blocks,
    system,
    bodyHash: body.digest("base64url"),
  };
  if (!(await endsWith(file, footer)))
    return stopAt("FOOTER_DAMAGED", first, "the footer of its segment does not tell what the segment holds");
  return undefined;
}

async function openChecked(file: DurableFile, origin: string, first: number): Promise<SealedSegment | string> {
  let sealed: SealedSegment;
  try {
    sealed = await openSealed(file, origin, first);
  } catch (error) {
    if (error instanceof AuditError) return error.message;
    // A footer with a right hash and a wrong shape: somebody wrote it on purpose.
    if (error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError)
      return "the footer of its segment cannot be read";
    throw error;
  }
  const { blocks, count } = sealed.footer;
  const hasShape =
    blocks.length === BLOCKS && blocks.every(([bytes, hash]) => Number.isSafeInteger(bytes) && bytes > 0 && typeof hash === "string");
  if (!hasShape || count !== SEGMENT_ENTRIES) return `its segment does not hold ${SEGMENT_ENTRIES} entries`;
  return sealed;
}

/** Never rejects for what the file holds: a rejection among blocks loaded ahead would be nobody's. */
async function loadBlock(file: DurableFile, { footer, positions }: SealedSegment, block: number): Promise<Block | string> {
  const [bytes, hash] = footer.blocks[block]!;
  const compressed = Buffer.alloc(bytes);
  const count = await file.read(compressed, positions[block]!);
  const first = footer.first + block * BLOCK_ENTRIES;
  if (count !== bytes || Buffer.from(sha256(compressed)).toString("base64url") !== hash) {
    return `the block of entries ${first} to ${first + BLOCK_ENTRIES - 1} does not match its hash`;
  }
  try {
    return { compressed, lines: await decompress(compressed, { maxOutputLength: BLOCK_BYTES_MAX }) };
  } catch {
    return `the block of entries ${first} to ${first + BLOCK_ENTRIES - 1} cannot be decompressed`;
  }
}

function takeLines(walk: Walk, lines: Buffer, first: number, system: number[]): string | undefined {
  let index = first;
  for (let at = 0; at < lines.length; index++) {
    const end = lines.indexOf(LINE_FEED, at);
    if (end < 0) return "its line is cut off";
    if (index === first + BLOCK_ENTRIES) return "its block holds more than 256 entries";
    const checked = checkLine(lines.subarray(at, end));
    if (typeof checked === "string") return checked;
    if (checked.entry.isSystem) system.push(index);
    walk.take(checked.entry, checked.line);
    at = end + 1;
  }
  return index === first + BLOCK_ENTRIES ? undefined : "its block ends before it";
}

/** Whether the bytes behind the blocks are exactly this footer and its last line. */
async function endsWith(file: DurableFile, footer: SealedFooter): Promise<boolean> {
  const text = Buffer.from(JSON.stringify(footer));
  const last = `# ${String(text.length).padStart(10, "0")} ${Buffer.from(sha256(text)).toString("base64url")}\n`;
  const expected = Buffer.concat([text, Buffer.from(last)]);
  const size = await file.size();
  if (size < expected.length) return false;
  const found = Buffer.alloc(expected.length);
  await file.read(found, size - expected.length);
  return found.equals(expected);
}
