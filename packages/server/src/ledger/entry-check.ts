import { type LeafFrame, parseLeafFrame, type SectionName } from "@vouchtrail/protocol";
import { digestOfDisclosure, sha256 } from "./hashing.ts";
import type { EntryLine } from "./segment-text.ts";

/** What one stored entry is, checked against nothing but itself. */
export interface CheckedEntry {
  readonly frame: LeafFrame;
  readonly leafHash: Uint8Array;
  /** Sections that the leaf names but that are not there: erased, or tampered with. */
  readonly missing: readonly SectionName[];
  readonly isSystem: boolean;
}

let scratch = Buffer.alloc(8_192);

function hashLeafBytes(leaf: Buffer): Uint8Array {
  if (scratch.length < leaf.length + 1) scratch = Buffer.alloc(leaf.length * 2);
  leaf.copy(scratch, 1); // Byte 0 stays 0x00, the leaf prefix of RFC 6962.
  return sha256(scratch.subarray(0, leaf.length + 1));
}

const SYSTEM_MEMBER = Buffer.from('"system":');

/**
 * Checks the leaf's frame and that every disclosure is the one whose digest the leaf holds.
 * @returns The entry, or in words what is wrong with it. Rule: LEDGER-5.
 */
export function checkEntry({ leaf, personal, content }: EntryLine): CheckedEntry | string {
  let frame: LeafFrame;
  try {
    frame = parseLeafFrame(leaf);
  } catch (error) {
    return `its leaf cannot be read (${error instanceof Error ? error.message : String(error)})`;
  }
  const missing: SectionName[] = [];
  for (const section of ["personal", "content"] as const) {
    const disclosure = section === "personal" ? personal : content;
    const position = frame.sections.indexOf(section);
    if (position < 0) {
      if (disclosure !== undefined) return `it has a ${section} section that its leaf does not name`;
    } else if (disclosure === undefined) {
      missing.push(section);
    } else if (digestOfDisclosure(disclosure) !== frame.digests[position]) {
      return `its ${section} section does not match the digest in its leaf`;
    }
  }
  // Only a leaf without sections can be the server's own; the exact member is parsed by whoever needs it.
  const isSystem = frame.sections.length === 0 && leaf.includes(SYSTEM_MEMBER);
  return { frame, leafHash: hashLeafBytes(leaf), missing, isSystem };
}
