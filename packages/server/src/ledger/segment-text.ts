import { encodeBase64 } from "@vouchtrail/protocol";
import type { DurableFile } from "./file-system.ts";
import type { Sections, StoredEntry } from "./ledger.ts";
import { LINE_BYTES_MAX, SCAN_CHUNK_BYTES } from "./limits.ts";

/*
 * The text form of a segment (rule SEGMENT-1):
 *
 *   # vouchtrail-segment/1 <origin> <first index>
 *   leaf TAB personal TAB content            one entry a line; an absent disclosure is empty
 *   # <tree size> <root hash, base64>        ends each group commit
 */
const LINE_FEED = 0x0a;
const TAB = 0x09;
const HASH_SIGN = 0x23;
const MARKER_PATTERN = /^# (0|[1-9]\d{0,15}) ([A-Za-z0-9+/]{43}=)$/;

export function formatHeader(origin: string, first: number): string {
  return `# vouchtrail-segment/1 ${origin} ${first}\n`;
}

export function formatMarker(treeSize: number, rootHash: Uint8Array): string {
  return `# ${treeSize} ${encodeBase64(rootHash)}\n`;
}

/** The line of one entry, with its line feed. */
export function formatLine(leaf: string, disclosures: Sections<string>): string {
  return `${leaf}\t${disclosures.personal ?? ""}\t${disclosures.content ?? ""}\n`;
}

/** One entry's line taken apart without decoding it. */
export interface EntryLine {
  readonly leaf: Buffer;
  /** Undefined where the field is empty. */
  readonly personal: Buffer | undefined;
  readonly content: Buffer | undefined;
}

/** Undefined unless the line has exactly two tabs. */
export function splitLine(line: Buffer): EntryLine | undefined {
  const first = line.indexOf(TAB);
  if (first < 0) return undefined;
  const second = line.indexOf(TAB, first + 1);
  if (second < 0 || line.indexOf(TAB, second + 1) >= 0) return undefined;
  return {
    leaf: line.subarray(0, first),
    personal: second === first + 1 ? undefined : line.subarray(first + 1, second),
    content: second + 1 === line.length ? undefined : line.subarray(second + 1),
  };
}

/** @param line Without its line feed. */
export function parseEntry(index: number, line: string): StoredEntry {
  const first = line.indexOf("\t");
  const second = line.indexOf("\t", first + 1);
  const disclosures: { personal?: string; content?: string } = {};
  if (second > first + 1) disclosures.personal = line.slice(first + 1, second);
  if (second + 1 < line.length) disclosures.content = line.slice(second + 1);
  return { index, leaf: line.slice(0, first), disclosures };
}

export type SegmentLine =
  | { readonly kind: "header" | "entry" | "other"; readonly start: number; readonly end: number; readonly bytes: Buffer }
  | {
      readonly kind: "marker";
      readonly start: number;
      readonly end: number;
      readonly bytes: Buffer;
      readonly treeSize: number;
      readonly root: string;
    }
  | { readonly kind: "unfinished"; readonly start: number; readonly end: number };

/**
 * Reads a text segment line by line. `bytes` lacks the line feed and is valid until the next step; `end` is behind the line feed.
 * What follows the last line feed comes as one `unfinished` piece.
 */
export async function* scanLines(file: DurableFile): AsyncGenerator<SegmentLine> {
  let buffer = Buffer.allocUnsafe(SCAN_CHUNK_BYTES);
  let filled = 0;
  let position = 0; // File position of buffer[0].
  for (;;) {
    const count = await file.read(buffer.subarray(filled), position + filled);
    const isEnd = count < buffer.length - filled;
    filled += count;
    let lineStart = 0;
    for (;;) {
      const lineFeed = buffer.subarray(0, filled).indexOf(LINE_FEED, lineStart);
      if (lineFeed < 0) break;
      yield classify(buffer.subarray(lineStart, lineFeed), position + lineStart, position + lineFeed + 1);
      lineStart = lineFeed + 1;
    }
    if (isEnd) {
      if (lineStart < filled) yield { kind: "unfinished", start: position + lineStart, end: position + filled };
      return;
    }
    if (lineStart === 0) {
      if (buffer.length >= LINE_BYTES_MAX) {
        yield { kind: "unfinished", start: position, end: position + filled };
        return;
      }
      const larger = Buffer.allocUnsafe(buffer.length * 2);
      buffer.copy(larger, 0, 0, filled);
      buffer = larger;
    } else {
      buffer.copyWithin(0, lineStart, filled);
      position += lineStart;
      filled -= lineStart;
    }
  }
}

function classify(bytes: Buffer, start: number, end: number): SegmentLine {
  if (bytes[0] !== HASH_SIGN) return { kind: "entry", start, end, bytes };
  if (start === 0) return { kind: "header", start, end, bytes };
  const match = MARKER_PATTERN.exec(bytes.toString("latin1"));
  if (!match) return { kind: "other", start, end, bytes };
  return { kind: "marker", start, end, bytes, treeSize: Number(match[1]), root: match[2] ?? "" };
}
