import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants } from "node:zlib";
import { AuditError } from "@vouchtrail/events";
import { encodeBase64url } from "@vouchtrail/protocol";
import type { DurableFile } from "./file-system.ts";
import { sha256 } from "./hashing.ts";

/*
 * The sealed form of a segment (rule SEGMENT-2):
 *
 *   vouchtrail-sealed/1 LF
 *   blocks                      256 entry lines each, brotli
 *   footer                      JSON: origin, first, count, blocks [[bytes, SHA-256]], system [indexes], bodyHash
 *   "# " footer bytes (10 digits) " " SHA-256 of the footer LF
 *
 * Every byte is under a hash: block hashes and bodyHash cover what is before the footer, the last line covers the footer.
 */
const MAGIC = Buffer.from("vouchtrail-sealed/1\n");
const TRAILER_BYTES = 2 + 10 + 1 + 43 + 1;
const TRAILER_PATTERN = /^# (\d{10}) ([A-Za-z0-9_-]{43})\n$/;
const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);
const COMPRESSION = { params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } };

export interface SealedFooter {
  readonly origin: string;
  readonly first: number;
  readonly count: number;
  /** Bytes and SHA-256 (base64url) of each block. */
  readonly blocks: readonly (readonly [bytes: number, hash: string])[];
  /** Indexes of the server's own entries, so that erasures are found without reading blocks. */
  readonly system: readonly number[];
  /** SHA-256 (base64url) of everything before the footer. */
  readonly bodyHash: string;
}

export interface SealedSegment {
  readonly footer: SealedFooter;
  /** File positions of the blocks. */
  readonly positions: Float64Array;
}

const digest = (bytes: Uint8Array): string => encodeBase64url(sha256(bytes));

/** True when the file begins as a sealed segment does. */
export async function isSealed(file: DurableFile): Promise<boolean> {
  const start = Buffer.alloc(MAGIC.length);
  return (await file.read(start, 0)) === MAGIC.length && start.equals(MAGIC);
}

/**
 * Writes the sealed form of a segment into an empty file and syncs it.
 * @param blocks The lines of 256 entries each, in order.
 */
export async function writeSealed(
  file: DurableFile,
  segment: { origin: string; first: number; count: number; system: readonly number[] },
  blocks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const body = createHash("sha256");
  const list: [number, string][] = [];
  let position = 0;
  const put = async (bytes: Uint8Array): Promise<void> => {
    await file.write(bytes, position);
    position += bytes.length;
  };
  await put(MAGIC);
  body.update(MAGIC);
  for await (const block of blocks) {
    const compressed = await compress(block, COMPRESSION);
    await put(compressed);
    body.update(compressed);
    list.push([compressed.length, digest(compressed)]);
  }
  const footer: SealedFooter = {
    origin: segment.origin,
    first: segment.first,
    count: segment.count,
    blocks: list,
    system: segment.system,
    bodyHash: body.digest("base64url"),
  };
  const footerBytes = Buffer.from(JSON.stringify(footer));
  await put(footerBytes);
  await put(Buffer.from(`# ${String(footerBytes.length).padStart(10, "0")} ${digest(footerBytes)}\n`));
  await file.sync();
}

/** Reads and checks the footer. @throws {AuditError} `LEDGER_DAMAGED`. */
export async function openSealed(file: DurableFile, origin: string, first: number): Promise<SealedSegment> {
  const size = await file.size();
  const damaged = (reason: string): AuditError =>
    new AuditError("LEDGER_DAMAGED", {
      message: `The sealed segment that begins at entry ${first} is damaged: ${reason}.`,
      detail: { index: first },
    });
  const trailer = Buffer.alloc(TRAILER_BYTES);
  if (size < MAGIC.length + TRAILER_BYTES) throw damaged("it is too short");
  await file.read(trailer, size - TRAILER_BYTES);
  const match = TRAILER_PATTERN.exec(trailer.toString("latin1"));
  const footerBytes = Buffer.alloc(Math.min(Number(match?.[1] ?? 0), size));
  const footerStart = size - TRAILER_BYTES - footerBytes.length;
  if (!match || footerStart < MAGIC.length) throw damaged("its last line is not what it should be");
  await file.read(footerBytes, footerStart);
  if (digest(footerBytes) !== match[2]) throw damaged("its footer does not match its hash");
  const footer = JSON.parse(footerBytes.toString("utf8")) as SealedFooter;
  if (footer.origin !== origin || footer.first !== first) throw damaged("it belongs to another place or another ledger");
  const positions = new Float64Array(footer.blocks.length);
  let position = MAGIC.length;
  footer.blocks.forEach(([bytes], i) => {
    positions[i] = position;
    position += bytes;
  });
  if (position !== footerStart) throw damaged("its blocks do not fill it");
  return { footer, positions };
}

/** Reads the lines of one block. @throws {AuditError} `LEDGER_DAMAGED` when it does not match its hash. */
export async function readBlock(file: DurableFile, segment: SealedSegment, block: number): Promise<Buffer> {
  const [bytes, hash] = segment.footer.blocks[block] ?? [0, ""];
  const compressed = Buffer.alloc(bytes);
  await file.read(compressed, segment.positions[block] ?? 0);
  if (digest(compressed) !== hash) {
    const index = segment.footer.first + block * 256;
    throw new AuditError("LEDGER_DAMAGED", {
      message: `The block of entries ${index} to ${index + 255} does not match its hash.`,
      detail: { index },
    });
  }
  return decompress(compressed);
}

/** Checks the bytes before the footer as a whole: the beginning of the file and the hash over all blocks. */
export async function isBodyIntact(file: DurableFile, segment: SealedSegment): Promise<boolean> {
  if (!(await isSealed(file))) return false;
  const body = createHash("sha256").update(MAGIC);
  for (let i = 0; i < segment.footer.blocks.length; i++) {
    const compressed = Buffer.alloc(segment.footer.blocks[i]?.[0] ?? 0);
    await file.read(compressed, segment.positions[i] ?? 0);
    body.update(compressed);
  }
  return body.digest("base64url") === segment.footer.bodyHash;
}
