/** Inclusion proofs as text, `c2sp.org/tlog-proof@v1`. Rules: PROOF-4, PROOF-5. */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { type Checkpoint, type CheckpointTrust, openCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { type Cosignature, countCosignatures } from "./cosignature.ts";
import { ProtocolError } from "./errors.ts";
import { HASH_BYTES, NOTE_BYTES_MAX, PROOF_EXTRA_BYTES_MAX, PROOF_HASHES_MAX } from "./limits.ts";
import { parseNote } from "./note.ts";
import { verifyInclusion } from "./proof.ts";

/** A proof taken apart; nothing in it has been verified. */
export interface TlogProof {
  /** 0 to 2^53 - 1. */
  readonly index: number;
  /** At most 63 hashes of 32 bytes, the leaf's sibling first. */
  readonly path: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Data beside the proof that **nothing authenticates**; at most 64 KiB. */
  readonly extra?: Uint8Array;
}

/** What a verified proof says. */
export interface VerifiedTlogProof {
  readonly index: number;
  readonly checkpoint: Checkpoint;
  readonly cosignatures: readonly Cosignature[];
}

const HEADER = "c2sp.org/tlog-proof@v1";
/** Header, index, extra and path lines, before the checkpoint. */
const HEAD_CHARS_MAX = 128 + Math.ceil((PROOF_EXTRA_BYTES_MAX * 4) / 3) + PROOF_HASHES_MAX * 45;

/**
 * Writes a proof.
 *
 * @throws {ProtocolError} `TLOG_PROOF_INVALID` when {@link parseTlogProof} would not read it back.
 */
export function formatTlogProof(proof: TlogProof): string {
  const lines = [HEADER];
  if (proof.extra !== undefined) lines.push(`extra ${encodeBase64(proof.extra)}`);
  lines.push(`index ${proof.index}`, ...proof.path.map(encodeBase64), "", proof.checkpoint);
  const text = lines.join("\n");
  parseTlogProof(text);
  return text;
}

/**
 * Takes a proof apart without verifying it.
 *
 * @throws {ProtocolError} `TLOG_PROOF_INVALID`.
 */
export function parseTlogProof(text: string): TlogProof {
  const divider = text.indexOf("\n\n");
  if (divider < 0 || divider > HEAD_CHARS_MAX || text.length - divider > NOTE_BYTES_MAX) {
    throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "no checkpoint follows an empty line, or it is too long" });
  }
  const lines = text.slice(0, divider).split("\n");
  if (lines.shift() !== HEADER) throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "the first line names another format" });
  const extra = lines[0]?.startsWith("extra ") ? decodeLine(lines.shift()!.slice("extra ".length)) : undefined;
  const [, digits] = /^index (0|[1-9][0-9]*)$/.exec(lines.shift() ?? "") ?? [];
  const index = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(index))
    throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "the index line is malformed" });
  if (lines.length > PROOF_HASHES_MAX)
    throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "the path is too long", hashes: lines.length });
  const path = lines.map(decodeLine);
  if (path.some(({ length }) => length !== HASH_BYTES))
    throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "a hash is not 32 bytes long" });
  const checkpoint = text.slice(divider + 2);
  try {
    parseCheckpoint(parseNote(checkpoint).text);
  } catch (cause) {
    throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "what follows the empty line is not a signed checkpoint" }, { cause });
  }
  return extra === undefined ? { index, path, checkpoint } : { index, path, checkpoint, extra };
}

/**
 * Verifies a proof: the checkpoint is signed by the log, and the path leads from the leaf to its root.
 *
 * @param options `leafHash`: 32 bytes, computed by the caller from the leaf. `witnesses`: verifier keys whose cosignatures are
 *   verified and returned. `cosignaturesMin`: how many of them there must be; 0 unless given.
 * @throws {ProtocolError} `TLOG_PROOF_INVALID`, `PROOF_INVALID`, `COSIGNATURES_MISSING`, and what `openCheckpoint` and
 *   `countCosignatures` throw.
 */
export function verifyTlogProof(
  text: string,
  options: CheckpointTrust & { readonly leafHash: Uint8Array; readonly witnesses?: readonly string[]; readonly cosignaturesMin?: number },
): VerifiedTlogProof {
  const { index, path, checkpoint: signed } = parseTlogProof(text);
  const { note, ...checkpoint } = openCheckpoint(signed, options);
  const { witnesses = [], cosignaturesMin = 0 } = options;
  const cosignatures = countCosignatures(note, { witnesses, sha256: options.sha256, verify: options.verify });
  if (cosignatures.length < cosignaturesMin) {
    throw new ProtocolError("COSIGNATURES_MISSING", { cosignatures: cosignatures.length, cosignaturesMin });
  }
  const { treeSize, rootHash } = checkpoint;
  verifyInclusion({ index, treeSize, leafHash: options.leafHash, path, rootHash }, options.sha256);
  return { index, checkpoint, cosignatures };
}

function decodeLine(line: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = decodeBase64(line);
  } catch (cause) {
    throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "a line is not strict base64" }, { cause });
  }
  if (bytes.length > PROOF_EXTRA_BYTES_MAX) throw new ProtocolError("TLOG_PROOF_INVALID", { reason: "the extra data are too long" });
  return bytes;
}
