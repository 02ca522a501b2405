/** Signed notes: text, an empty line, signature lines. Source: C2SP signed-note v1.0.0. Rules: NOTE-1, NOTE-3, NOTE-4. */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { ED25519_SIGNATURE_BYTES, type Ed25519Sign, type Ed25519Verify } from "./ed25519.ts";
import { ProtocolError } from "./errors.ts";
import { hashesEqual, type Sha256 } from "./hash.ts";
import { NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX } from "./limits.ts";
import { encodeUtf8, isWellFormed } from "./utf8.ts";
import { isKeyName, KEY_TYPES, keyId, type Verifier } from "./vkey.ts";

/** One signature line. */
export interface NoteSignature {
  readonly name: string;
  /** 0 to 2^32 - 1. */
  readonly keyId: number;
  /** What follows the key id: for Ed25519 the 64-byte signature, for a cosignature timestamp and signature. */
  readonly signature: Uint8Array;
}

/** A note taken apart; nothing in it has been verified. */
export interface Note {
  /** The signed text with its final line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that signs notes with Ed25519. */
export interface Signer {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly sign: Ed25519Sign;
}

const LINE_START = "\u2014 ";
const KEY_ID_BYTES = 4;

/**
 * Takes a note apart without verifying it.
 *
 * @throws {ProtocolError} `NOTE_INVALID` for malformed notes, more than 100 signatures, or more than 1 MiB.
 */
export function parseNote(note: string): Note {
  if (note.length > NOTE_BYTES_MAX || !isWellFormed(note))
    throw new ProtocolError("NOTE_INVALID", { reason: "it is too long or not Unicode" });
  if (/[\0-\x09\x0b-\x1f]/.test(note)) throw new ProtocolError("NOTE_INVALID", { reason: "it holds a control character" });
  // The text may hold empty lines; the last one divides.
  const divider = note.lastIndexOf("\n\n");
  if (divider < 0 || !note.endsWith("\n")) throw new ProtocolError("NOTE_INVALID", { reason: "no signatures follow an empty line" });
  const lines = note.slice(divider + 2, -1).split("\n");
  if (note.length === divider + 2) throw new ProtocolError("NOTE_INVALID", { reason: "no signatures follow an empty line" });
  if (lines.length > NOTE_SIGNATURES_MAX)
    throw new ProtocolError("NOTE_INVALID", { reason: "too many signatures", signatures: lines.length });
  return { text: note.slice(0, divider + 1), signatures: lines.map(parseSignature) };
}

/**
 * Writes a note from text and signatures, for example to add cosignatures to a checkpoint.
 *
 * @throws {ProtocolError} `NOTE_INVALID` when {@link parseNote} would not read it back.
 */
export function formatNote(note: Note): string {
  const lines = note.signatures.map(({ name, keyId: id, signature }) => {
    const blob = new Uint8Array(KEY_ID_BYTES + signature.length);
    blob.set([Math.floor(id / 0x1000000), (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff]);
    blob.set(signature, KEY_ID_BYTES);
    return `${LINE_START}${name} ${encodeBase64(blob)}\n`;
  });
  const text = `${note.text}\n${lines.join("")}`;
  const { text: readBack } = parseNote(text);
  if (readBack !== note.text) throw new ProtocolError("NOTE_INVALID", { reason: "the text does not end with a line feed" });
  return text;
}

/**
 * Signs a text with Ed25519 (key type 0x01).
 *
 * @param text Ends with a line feed.
 * @throws {ProtocolError} `NOTE_INVALID`.
 */
export function signNote(text: string, signer: Signer, sha256: Sha256): string {
  if (!isKeyName(signer.name))
    throw new ProtocolError("NOTE_INVALID", { reason: "the signer's name is empty, too long, or holds a space or +" });
  const signature = signer.sign(encodeUtf8(text));
  if (signature.length !== ED25519_SIGNATURE_BYTES)
    throw new ProtocolError("NOTE_INVALID", { reason: "the signature is not 64 bytes long" });
  return formatNote({
    text,
    signatures: [{ name: signer.name, keyId: keyId(signer.name, KEY_TYPES.ed25519, signer.publicKey, sha256), signature }],
  });
}

/**
 * Opens a note: unknown keys are ignored, every signature of a known key must be good, and there must be one.
 *
 * @param verifiers Keys of type 0x01. Cosignatures (0x04) are counted by `countCosignatures`.
 * @returns The note, with the verifiers whose signature is good.
 * @throws {ProtocolError} `NOTE_INVALID`, `SIGNATURE_INVALID` (a known key's signature is bad), `NOTE_UNSIGNED`, `VKEY_INVALID`.
 */
export function openNote(
  note: string,
  verifiers: readonly Verifier[],
  verify: Ed25519Verify,
): Note & { readonly signers: readonly Verifier[] } {
  const parsed = parseNote(note);
  if (verifiers.some(({ keyType }) => keyType !== KEY_TYPES.ed25519))
    throw new ProtocolError("VKEY_INVALID", { reason: "the key does not sign notes" });
  const message = encodeUtf8(parsed.text);
  const signers = new Set<Verifier>();
  for (const signature of parsed.signatures) {
    const verifier = findVerifier(signature, verifiers);
    if (verifier === undefined) continue;
    if (signature.signature.length !== ED25519_SIGNATURE_BYTES || !verify(verifier.publicKey, message, signature.signature)) {
      throw new ProtocolError("SIGNATURE_INVALID", { keyId: signature.keyId });
    }
    signers.add(verifier);
  }
  if (signers.size === 0) throw new ProtocolError("NOTE_UNSIGNED");
  return { ...parsed, signers: [...signers] };
}

/**
 * The verifier that a signature line names, if it is among those known.
 *
 * @throws {ProtocolError} `VKEY_INVALID` when two different known keys share name and key id: it could not be said whose it is.
 */
export function findVerifier(signature: NoteSignature, verifiers: readonly Verifier[]): Verifier | undefined {
  const [first, ...others] = verifiers.filter(({ name, keyId: id }) => name === signature.name && id === signature.keyId);
  if (first !== undefined && others.some(({ publicKey }) => !hashesEqual(publicKey, first.publicKey))) {
    throw new ProtocolError("VKEY_INVALID", { reason: "two known keys share name and key id" });
  }
  return first;
}

function parseSignature(line: string): NoteSignature {
  const space = line.indexOf(" ", LINE_START.length);
  const name = line.slice(LINE_START.length, space);
  if (!line.startsWith(LINE_START) || space < 0 || !isKeyName(name))
    throw new ProtocolError("NOTE_INVALID", { reason: "a signature line is malformed" });
  const blob = decodeSignature(line.slice(space + 1));
  const [a = 0, b = 0, c = 0, d = 0] = blob;
  if (blob.length <= KEY_ID_BYTES) throw new ProtocolError("NOTE_INVALID", { reason: "a signature is empty" });
  return { name, keyId: a * 0x1000000 + b * 0x10000 + c * 0x100 + d, signature: blob.slice(KEY_ID_BYTES) };
}

function decodeSignature(base64: string): Uint8Array {
  try {
    return decodeBase64(base64);
  } catch (cause) {
    throw new ProtocolError("NOTE_INVALID", { reason: "a signature is not strict base64" }, { cause });
  }
}
