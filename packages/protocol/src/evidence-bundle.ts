/** Evidence bundles: one JSON file with all that is needed to check an entry offline. Rules: BUNDLE-1, BUNDLE-2. */

import type { Checkpoint, CheckpointTrust } from "./checkpoint.ts";
import { SECTION_NAMES, type SectionName } from "./disclosure.ts";
import type { Ed25519Verify } from "./ed25519.ts";
import { type ErasedBy, type SectionState, verifyEntry } from "./entry.ts";
import { type Erasures, isErased, parseErasures } from "./erasure.ts";
import { ProtocolError } from "./errors.ts";
import { hashesEqual, hashLeaf, type Sha256 } from "./hash.ts";
import { type LeafFrame, parseLeafFrame } from "./leaf.ts";
import { BUNDLE_ERASURES_MAX } from "./limits.ts";
import { verifyTlogProof } from "./tlog-proof.ts";
import { encodeUtf8 } from "./utf8.ts";

/** The format's name and version. */
export const BUNDLE_FORMAT = "vouchtrail-bundle/1";

/** An entry that erased a section of the bundled one, with its own inclusion proof. */
export interface BundledErasure {
  readonly index: number;
  readonly leaf: string;
  readonly inclusionProof: string;
}

/** One entry and its proof as JSON. */
export interface EvidenceBundle {
  readonly format: typeof BUNDLE_FORMAT;
  readonly origin: string;
  /** The verifier key the log gives out. It comes with the evidence: pin the one you got elsewhere. */
  readonly vkey: string;
  readonly index: number;
  /** The leaf, verbatim. */
  readonly leaf: string;
  /** The sections that are still there, verbatim. */
  readonly disclosures: Readonly<Partial<Record<SectionName, string>>>;
  readonly erasures?: readonly BundledErasure[];
  /** `c2sp.org/tlog-proof@v1` text. */
  readonly inclusionProof: string;
}

/** What a verified bundle says. */
export interface VerifiedBundle {
  readonly origin: string;
  readonly index: number;
  readonly leafHash: Uint8Array;
  readonly frame: LeafFrame;
  readonly checkpoint: Checkpoint;
  readonly sections: Readonly<Partial<Record<SectionName, SectionState>>>;
  /** Whether the signature was checked with a key that did not come in the bundle. */
  readonly isKeyPinned: boolean;
}

/** Who is believed. Without `vkey` the bundle's own key is used, which proves only that the bundle agrees with itself. */
export interface BundleTrust {
  readonly vkey?: string | readonly string[];
  readonly sha256: Sha256;
  readonly verify: Ed25519Verify;
}

/**
 * Verifies a bundle: signature, inclusion of the entry at its index, every section against its leaf, and, for an erased section,
 * inclusion of the later entry that erases it.
 *
 * @param json The parsed JSON, of any shape.
 * @returns One state a section; `missing` and `unfinished` are answers, not errors.
 * @throws {ProtocolError} `BUNDLE_INVALID` for the shape and for contradictions, else what `verifyTlogProof` and `verifyEntry` throw.
 */
export function verifyBundle(json: unknown, trust: BundleTrust): VerifiedBundle {
  const bundle = parseBundle(json);
  const checkpointTrust: CheckpointTrust = { vkey: trust.vkey ?? bundle.vkey, sha256: trust.sha256, verify: trust.verify };
  const leaf = encodeUtf8(bundle.leaf);
  const leafHash = hashLeaf(leaf, trust.sha256);
  const { index, checkpoint } = verifyTlogProof(bundle.inclusionProof, { ...checkpointTrust, leafHash });
  if (index !== bundle.index) throw new ProtocolError("BUNDLE_INVALID", { reason: "the proof is for another index", index });
  if (checkpoint.origin !== bundle.origin) throw new ProtocolError("BUNDLE_INVALID", { reason: "the proof is from another log" });

  const erasures = (bundle.erasures ?? []).map((erasure) => verifyErasure(erasure, bundle, checkpoint, checkpointTrust));
  const erasedBy = (section: SectionName): ErasedBy | undefined => erasures.find(({ erases }) => isErased(erases, section, index))?.by;
  const { frame, sections } = verifyEntry({ leaf, disclosures: bundle.disclosures, erasedBy }, trust.sha256);
  assertFrame(bundle.leaf, frame);
  return { origin: bundle.origin, index, leafHash, frame, checkpoint, sections, isKeyPinned: trust.vkey !== undefined };
}

function verifyErasure(
  erasure: BundledErasure,
  bundle: EvidenceBundle,
  checkpoint: Checkpoint,
  trust: CheckpointTrust,
): { readonly erases: Erasures; readonly by: ErasedBy } {
  const leafHash = hashLeaf(encodeUtf8(erasure.leaf), trust.sha256);
  const proof = verifyTlogProof(erasure.inclusionProof, { ...trust, leafHash });
  if (proof.index !== erasure.index || proof.checkpoint.origin !== bundle.origin) {
    throw new ProtocolError("BUNDLE_INVALID", { reason: "the proof of an erasure is for another entry", index: erasure.index });
  }
  // An entry can be erased only by a later one: the server makes the erasing entry durable after what it erases.
  if (erasure.index <= bundle.index)
    throw new ProtocolError("BUNDLE_INVALID", { reason: "an erasure is older than the entry", index: erasure.index });
  if (proof.checkpoint.treeSize === checkpoint.treeSize && !hashesEqual(proof.checkpoint.rootHash, checkpoint.rootHash)) {
    throw new ProtocolError("BUNDLE_INVALID", {
      reason: "one tree size has two signed roots: the log was forked",
      treeSize: checkpoint.treeSize,
    });
  }
  const frame = parseLeafFrame(erasure.leaf);
  assertFrame(erasure.leaf, frame);
  return { erases: parseErasures(erasure.leaf) ?? {}, by: { index: erasure.index, at: frame.occurredAt } };
}

/** A JSON parser must see the same as the frame: a member that stands twice would show another id to whoever parses the leaf. */
function assertFrame(leaf: string, frame: LeafFrame): void {
  const parsed = parseJson(leaf);
  const outcome = parsed.outcome;
  const same =
    parsed.schema === frame.schema &&
    parsed.id === frame.id &&
    JSON.stringify(parsed.sections) === JSON.stringify(frame.sections) &&
    JSON.stringify(parsed._sd) === JSON.stringify(frame.digests) &&
    parsed.tenant === frame.tenant &&
    parsed.occurredAt === frame.occurredAt &&
    parsed.action === frame.action &&
    isObject(outcome) &&
    outcome.status === frame.status;
  if (!same) throw new ProtocolError("LEAF_INVALID", { reason: "a fixed member stands twice" });
}

function parseJson(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("LEAF_INVALID", { reason: "it is not JSON" }, { cause });
  }
  if (!isObject(value)) throw new ProtocolError("LEAF_INVALID", { reason: "it is not a JSON object" });
  return value;
}

function parseBundle(json: unknown): EvidenceBundle {
  if (!isObject(json)) throw shapeError("it is not an object");
  const { format, origin, vkey, index, leaf, disclosures, erasures, inclusionProof, ...unknown } = json;
  if (format !== BUNDLE_FORMAT) throw shapeError("its format is not vouchtrail-bundle/1");
  assertNothingElse(unknown);
  if (!isObject(disclosures)) throw shapeError("disclosures is not an object");
  const { personal, content, ...others } = disclosures;
  assertNothingElse(others);
  const given = { personal, content };
  const texts: Partial<Record<SectionName, string>> = {};
  for (const name of SECTION_NAMES) if (given[name] !== undefined) texts[name] = textOf(given[name]);
  const bundle = {
    format: BUNDLE_FORMAT,
    origin: textOf(origin),
    vkey: textOf(vkey),
    index: indexOf(index),
    leaf: textOf(leaf),
    disclosures: texts,
    inclusionProof: textOf(inclusionProof),
  } as const;
  if (erasures === undefined) return bundle;
  if (!Array.isArray(erasures) || erasures.length > BUNDLE_ERASURES_MAX) throw shapeError("erasures is not a short list");
  return { ...bundle, erasures: erasures.map(parseErasure) };
}

function parseErasure(json: unknown): BundledErasure {
  if (!isObject(json)) throw shapeError("an erasure is not an object");
  const { index, leaf, inclusionProof, ...unknown } = json;
  assertNothingElse(unknown);
  return { index: indexOf(index), leaf: textOf(leaf), inclusionProof: textOf(inclusionProof) };
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw shapeError("a text is missing");
  return value;
}

function indexOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw shapeError("an index is missing");
  return value;
}

function assertNothingElse(unknown: object): void {
  if (Object.keys(unknown).length > 0) throw shapeError("it holds a member that nobody would check");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shapeError(reason: string): ProtocolError {
  return new ProtocolError("BUNDLE_INVALID", { reason });
}
