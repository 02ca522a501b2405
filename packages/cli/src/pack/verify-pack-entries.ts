import { type Checkpoint, type EvidenceBundle, hashesEqual, ProtocolError, type VerifiedBundle, verifyBundle } from "@vouchtrail/protocol";
import { messageOf } from "../command-context.ts";
import type { SourceRecord } from "../record-source.ts";
import { type CheckpointSet, createCheckpointSet, type PackCrypto } from "./pack-chain.ts";
import { packEntryOf } from "./pack-entry.ts";
import { gatherFacts, type PackFacts } from "./pack-facts.ts";
import type { PackFindings } from "./pack-findings.ts";
import { PACK_PARTS, type PackManifest } from "./pack-manifest.ts";
import { answersQuestion } from "./pack-question.ts";

export interface EntriesToVerify {
  readonly records: AsyncIterable<SourceRecord>;
  readonly manifest: PackManifest;
  /** The key that is believed. */
  readonly vkey: string;
  readonly crypto: PackCrypto;
  /** The checkpoints of the pack; undefined when they do not hold. */
  readonly chain: readonly Checkpoint[] | undefined;
  readonly findings: PackFindings;
  readonly onProgress?: ((entries: number) => void) | undefined;
}

const FILE = { file: PACK_PARTS.bundles };

/**
 * Verifies every bundle of a pack: each by itself, all of them in order and once, under the checkpoints of the pack, and fitting the question.
 * Rules: PACK-3, PACK-4, PACK-5.
 *
 * @returns Facts about those that hold.
 */
export async function verifyEntries({ records, manifest, vkey, crypto, chain, findings, onProgress }: EntriesToVerify): Promise<PackFacts> {
  const gatherer = gatherFacts();
  const checkpoints = createCheckpointSet(vkey, crypto);
  const roots = chain === undefined ? undefined : new Map(chain.map(({ treeSize, rootHash }) => [treeSize, rootHash]));
  const fits = answersQuestion(manifest.question);
  let last = -1;
  let lines = 0;
  let undecided = 0;
  for await (const { text, line } of records) {
    lines += 1;
    // Empty lines are passed over by the reader, so that the numbers no longer agree.
    if (line !== lines) findings.alarm("BUNDLE_INVALID", `There is an empty line before line ${line}.`, FILE);
    lines = line;
    onProgress?.(lines);
    const checked = verifyLine(text, line, { manifest, vkey, crypto, findings });
    if (checked === undefined) continue;
    const { bundle, verified } = checked;
    const { index } = verified;
    const where = { index, ...FILE };
    if (index === last) findings.alarm("ENTRY_TWICE", `Entry ${index} is in the pack twice.`, where);
    else if (index < last) findings.alarm("ENTRY_ORDER", `Entry ${index} does not stand in the order of the indexes.`, where);
    checkUnder(bundle, checkpoints, roots, findings);
    judgeSections(verified, findings);
    const entry = packEntryOf(bundle, verified);
    const answer = fits?.(entry) ?? "yes";
    if (answer === "no") findings.alarm("ENTRY_NOT_ASKED_FOR", `Entry ${index} does not fit the question of the manifest.`, where);
    else if (answer === "undecided") undecided += 1;
    if (index > last) gatherer.add(entry);
    last = Math.max(last, index);
  }
  if (fits === undefined) {
    findings.note(
      "QUESTION_NOT_CHECKED",
      "The question has a filter that this version does not know, so whether the entries fit it was not checked.",
    );
  }
  if (undecided > 0) {
    findings.note("QUESTION_UNDECIDED", `Whether ${undecided} entries with erased sections fit the question can no longer be told.`);
  }
  return gatherer.facts();
}

interface Standard extends Pick<EntriesToVerify, "manifest" | "vkey" | "crypto" | "findings"> {}

function verifyLine(
  text: string | undefined,
  line: number,
  { manifest, vkey, crypto, findings }: Standard,
): { bundle: EvidenceBundle; verified: VerifiedBundle } | undefined {
  let json: unknown;
  try {
    json = text === undefined ? undefined : JSON.parse(text);
  } catch {
    json = undefined; // Told below, as all that is no bundle.
  }
  // One spelling: a member that stands twice would show something else to whoever reads the file by eye.
  if (json === undefined || JSON.stringify(json) !== text) {
    findings.alarm("BUNDLE_INVALID", `Line ${line} is not JSON as it is written in a pack.`, FILE);
    return undefined;
  }
  try {
    const verified = verifyBundle(json, { vkey, ...crypto });
    // It has the form of a bundle, or it would not have been verified.
    const bundle = json as EvidenceBundle;
    if (bundle.vkey !== manifest.vkey || bundle.origin !== manifest.origin) {
      findings.alarm("MANIFEST_DIFFERS", `Line ${line} names another log or key than the manifest.`, { index: verified.index, ...FILE });
    }
    return { bundle, verified };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    findings.alarm(error.code, `Line ${line} does not hold. ${messageOf(error)}`, FILE);
    return undefined;
  }
}

/** Each checkpoint that a bundle stands under is one of the pack's, so that all of them are of one history. */
function checkUnder(
  { index, inclusionProof, erasures = [] }: EvidenceBundle,
  checkpoints: CheckpointSet,
  roots: ReadonlyMap<number, Uint8Array> | undefined,
  findings: PackFindings,
): void {
  if (roots === undefined) return;
  for (const proof of [inclusionProof, ...erasures.map((erasure) => erasure.inclusionProof)]) {
    try {
      const { treeSize, rootHash } = checkpoints.addProof(proof);
      const root = roots.get(treeSize);
      if (root !== undefined && hashesEqual(root, rootHash)) continue;
      findings.alarm("CHECKPOINT_UNKNOWN", `Entry ${index} stands under a checkpoint that is not one of the pack's.`, { index, ...FILE });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      findings.alarm(error.code, `The checkpoint of entry ${index} does not hold. ${messageOf(error)}`, { index, ...FILE });
    }
  }
}

function judgeSections({ index, sections }: VerifiedBundle, findings: PackFindings): void {
  for (const [section, answer] of Object.entries(sections)) {
    if (answer.state === "missing") {
      findings.alarm("SECTION_MISSING", `The ${section} section of entry ${index} is missing, and no entry in its bundle erases it.`, {
        index,
      });
    } else if (answer.state === "unfinished") {
      findings.note("ERASURE_UNFINISHED", `The ${section} section of entry ${index} is here although entry ${answer.index} erases it.`, {
        index,
      });
    }
  }
}
