/** Verifying one entry: its leaf, and each of its sections against the leaf. Rules: VERIFY-1, VERIFY-2, VERIFY-3. */

import { disclosureDigest, disclosureName, SECTION_NAMES, type SectionName } from "./disclosure.ts";
import { ProtocolError } from "./errors.ts";
import { hashesEqual, hashLeaf, type Sha256 } from "./hash.ts";
import { type LeafFrame, parseLeafFrame } from "./leaf.ts";
import { decodeUtf8, isWellFormed } from "./utf8.ts";

/** The entry that erased a section. */
export interface ErasedBy {
  /** Its index in the ledger. */
  readonly index: number;
  /** Its time, RFC 3339. */
  readonly at: string;
}

/**
 * The four answers for a section that a leaf names:
 * present and matching; erased, by an entry at a time; missing without an erasure entry (an alarm); present although an entry
 * erases it (the erasure is unfinished, the server resumes it).
 */
export type SectionState =
  | { readonly state: "present" }
  | ({ readonly state: "erased" } & ErasedBy)
  | { readonly state: "missing" }
  | ({ readonly state: "unfinished" } & ErasedBy);

/** A verified entry. Sections that the leaf does not name have no state. */
export interface VerifiedEntry {
  readonly leafHash: Uint8Array;
  readonly frame: LeafFrame;
  readonly sections: Readonly<Partial<Record<SectionName, SectionState>>>;
}

/** An entry as stored; an absent disclosure was erased or lost. */
export interface EntryToVerify {
  readonly leaf: Uint8Array;
  readonly disclosures: Readonly<Partial<Record<SectionName, string | Uint8Array | undefined>>>;
  /** The verified entry that erases a section of this one, if there is one. */
  readonly erasedBy?: (section: SectionName) => ErasedBy | undefined;
  /** What a receipt or a tile says the leaf hash is. */
  readonly expectedLeafHash?: Uint8Array;
}

/**
 * Verifies an entry by itself; whether it is in the ledger takes an inclusion proof for the leaf hash.
 *
 * Missing and unfinished sections are answers, not errors: the caller decides what an alarm is.
 *
 * @throws {ProtocolError} `LEAF_INVALID`; `DISCLOSURE_INVALID` for a disclosure that the leaf does not name, does not match,
 *   or that calls itself another section; `ENTRY_TOO_LARGE`; `UTF8_INVALID`.
 */
export function verifyEntry(entry: EntryToVerify, sha256: Sha256): VerifiedEntry {
  const { leaf, disclosures, erasedBy, expectedLeafHash } = entry;
  const leafHash = hashLeaf(leaf, sha256);
  if (expectedLeafHash !== undefined && !hashesEqual(leafHash, expectedLeafHash)) {
    throw new ProtocolError("LEAF_INVALID", { reason: "its hash is not the expected one" });
  }
  const frame = parseLeafFrame(leaf);
  const sections: Partial<Record<SectionName, SectionState>> = {};
  for (const name of SECTION_NAMES) {
    const disclosure = disclosures[name];
    const position = frame.sections.indexOf(name);
    if (position < 0) {
      if (disclosure !== undefined)
        throw new ProtocolError("DISCLOSURE_INVALID", { reason: "the leaf names no such section", section: name });
      continue;
    }
    if (disclosure !== undefined) assertDisclosure(disclosure, name, frame.digests[position]!, sha256);
    const erasure = erasedBy?.(name);
    if (disclosure === undefined) sections[name] = erasure === undefined ? { state: "missing" } : { state: "erased", ...erasure };
    else sections[name] = erasure === undefined ? { state: "present" } : { state: "unfinished", ...erasure };
  }
  return { leafHash, frame, sections };
}

/** Bytes of `["<salt>","personal",`: enough to see which section a disclosure says it is. */
const HEAD_BYTES = 40;

function assertDisclosure(disclosure: string | Uint8Array, name: SectionName, digest: string, sha256: Sha256): void {
  // Two texts that differ in a lone surrogate would be encoded alike, and have one digest.
  if (typeof disclosure === "string" && !isWellFormed(disclosure))
    throw new ProtocolError("DISCLOSURE_INVALID", { reason: "it holds a lone surrogate", section: name });
  if (disclosureDigest(disclosure, sha256) !== digest)
    throw new ProtocolError("DISCLOSURE_INVALID", { reason: "it does not match the digest in the leaf", section: name });
  const head = typeof disclosure === "string" ? disclosure : decodeHead(disclosure);
  if (disclosureName(head) !== name) throw new ProtocolError("DISCLOSURE_INVALID", { reason: "it is not that section", section: name });
}

/** The head is ASCII; a longer character at its end is cut off whole. */
function decodeHead(disclosure: Uint8Array): string {
  let end = Math.min(HEAD_BYTES, disclosure.length);
  while (end > 0 && end < disclosure.length && (disclosure[end]! & 0xc0) === 0x80) end -= 1;
  return decodeUtf8(disclosure.subarray(0, end));
}
