/** Cosignatures of witnesses, Ed25519 (key type 0x04). Source: C2SP tlog-cosignature v1.0.1. Rules: COSIGNATURE-1, COSIGNATURE-2. */

import { ED25519_SIGNATURE_BYTES, type Ed25519Verify } from "./ed25519.ts";
import { ProtocolError } from "./errors.ts";
import { hashesEqual, type Sha256 } from "./hash.ts";
import { findVerifier, type Note, type NoteSignature } from "./note.ts";
import { encodeUtf8 } from "./utf8.ts";
import { KEY_TYPES, parseVkey, type Verifier } from "./vkey.ts";

/** One witness's word: as of that time, this was the largest consistent tree of the origin it had seen. */
export interface Cosignature {
  /** Name of the witness's key. */
  readonly witness: string;
  /** POSIX seconds, 0 to 2^53 - 1 (the format allows 2^63 - 1; later times are refused, not rounded). */
  readonly timestamp: number;
}

const TIMESTAMP_BYTES = 8;

/** The bytes a witness signs: header, time, and the checkpoint's text without its signature lines. */
export function cosignatureMessage(checkpointText: string, timestamp: number): Uint8Array {
  return encodeUtf8(`cosignature/v1\ntime ${timestamp}\n${checkpointText}`);
}

/**
 * Verifies one cosignature line and returns its time.
 *
 * @throws {ProtocolError} `COSIGNATURE_INVALID`.
 */
export function openCosignature(line: NoteSignature, checkpointText: string, witness: Verifier, verify: Ed25519Verify): Cosignature {
  if (witness.keyType !== KEY_TYPES.ed25519Cosignature)
    throw new ProtocolError("VKEY_INVALID", { reason: "the key does not cosign checkpoints" });
  const { signature: blob } = line;
  if (blob.length !== TIMESTAMP_BYTES + ED25519_SIGNATURE_BYTES)
    throw new ProtocolError("COSIGNATURE_INVALID", { reason: "it has the wrong length" });
  // Eight bytes into a number: above 2^53 - 1 the sum is no safe integer, and is refused below.
  const timestamp = blob.subarray(0, TIMESTAMP_BYTES).reduce((value, byte) => value * 256 + byte, 0);
  if (!Number.isSafeInteger(timestamp)) throw new ProtocolError("COSIGNATURE_INVALID", { reason: "its time is out of range" });
  if (!verify(witness.publicKey, cosignatureMessage(checkpointText, timestamp), blob.subarray(TIMESTAMP_BYTES))) {
    throw new ProtocolError("COSIGNATURE_INVALID", { reason: "it does not match the checkpoint", keyId: line.keyId });
  }
  return { witness: witness.name, timestamp };
}

/**
 * Collects the cosignatures of known witnesses, at most one a witness (the newest). Unknown keys are ignored.
 *
 * @param note The note of a checkpoint whose own signature was verified.
 * @param deps `witnesses` are verifier keys of type 0x04. One public key under two names is refused: the signed message does not
 *   name its witness, so one signature would count twice.
 * @throws {ProtocolError} `COSIGNATURE_INVALID` (a known witness's line is bad), `VKEY_INVALID`.
 */
export function countCosignatures(
  note: Note,
  deps: { readonly witnesses: readonly string[]; readonly sha256: Sha256; readonly verify: Ed25519Verify },
): readonly Cosignature[] {
  const witnesses = deps.witnesses.map((vkey) => parseVkey(vkey, deps.sha256));
  witnesses.forEach((witness, i) => {
    if (witness.keyType !== KEY_TYPES.ed25519Cosignature)
      throw new ProtocolError("VKEY_INVALID", { reason: "the key does not cosign checkpoints" });
    if (witnesses.slice(0, i).some(({ publicKey }) => hashesEqual(publicKey, witness.publicKey))) {
      throw new ProtocolError("VKEY_INVALID", { reason: "two witnesses have one public key" });
    }
  });
  const found = new Map<string, Cosignature>();
  for (const line of note.signatures) {
    const witness = findVerifier(line, witnesses);
    if (witness === undefined) continue;
    const cosignature = openCosignature(line, note.text, witness, deps.verify);
    const key = `${witness.name} ${witness.keyId}`;
    const earlier = found.get(key);
    if (earlier === undefined || earlier.timestamp < cosignature.timestamp) found.set(key, cosignature);
  }
  return [...found.values()];
}
