/** Checkpoints: origin, tree size and root hash as signed text. Source: C2SP tlog-checkpoint v1.0.0. Rules: CHECKPOINT-1, CHECKPOINT-2. */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import type { Ed25519Verify } from "./ed25519.ts";
import { ProtocolError } from "./errors.ts";
import { emptyRoot, hashesEqual, type Sha256 } from "./hash.ts";
import { HASH_BYTES } from "./limits.ts";
import { type Note, openNote } from "./note.ts";
import { parseVkey } from "./vkey.ts";

/** What a log signs. */
export interface Checkpoint {
  /** Name of the log; not empty. */
  readonly origin: string;
  /** 0 to 2^53 - 1 leaves. */
  readonly treeSize: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Extension lines, none of them empty. We write none. */
  readonly extensions: readonly string[];
}

/** Who is believed: `vkey` is one verifier key or several (a log that changed its key). */
export interface CheckpointTrust {
  readonly vkey: string | readonly string[];
  readonly sha256: Sha256;
  readonly verify: Ed25519Verify;
}

/**
 * Writes the text to sign, with its final line feed.
 *
 * @throws {ProtocolError} `CHECKPOINT_INVALID` when {@link parseCheckpoint} would not read it back.
 */
export function formatCheckpoint(checkpoint: Omit<Checkpoint, "extensions"> & { readonly extensions?: readonly string[] }): string {
  const { origin, treeSize, rootHash, extensions = [] } = checkpoint;
  const text = [origin, String(treeSize), encodeBase64(rootHash), ...extensions, ""].join("\n");
  const readBack = parseCheckpoint(text);
  if (readBack.origin !== origin || readBack.extensions.length !== extensions.length) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: "a line holds a line feed" });
  }
  return text;
}

/**
 * Reads the text of a checkpoint; no signature is looked at. For a signed note use {@link openCheckpoint}.
 *
 * @throws {ProtocolError} `CHECKPOINT_INVALID`.
 */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith("\n")) throw new ProtocolError("CHECKPOINT_INVALID", { reason: "the last line has no line feed" });
  const [origin = "", size = "", root = "", ...extensions] = text.slice(0, -1).split("\n");
  if (origin === "") throw new ProtocolError("CHECKPOINT_INVALID", { reason: "the origin is empty" });
  const treeSize = Number(size);
  if (!/^(?:0|[1-9][0-9]*)$/.test(size) || !Number.isSafeInteger(treeSize)) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: "the tree size is not a number from 0 to 2^53 - 1" });
  }
  if (extensions.includes("")) throw new ProtocolError("CHECKPOINT_INVALID", { reason: "an extension line is empty" });
  return { origin, treeSize, rootHash: decodeRoot(root), extensions };
}

/**
 * Opens a signed checkpoint: a known key signed it, that key bears the origin's name, and an empty tree has the empty root.
 *
 * @returns The checkpoint with the note it came in (for cosignatures).
 * @throws {ProtocolError} `VKEY_INVALID`, `NOTE_INVALID`, `NOTE_UNSIGNED`, `SIGNATURE_INVALID`, `CHECKPOINT_INVALID`.
 */
export function openCheckpoint(note: string, trust: CheckpointTrust): Checkpoint & { readonly note: Note } {
  const vkeys = typeof trust.vkey === "string" ? [trust.vkey] : trust.vkey;
  const verifiers = vkeys.map((vkey) => parseVkey(vkey, trust.sha256));
  const { text, signatures, signers } = openNote(note, verifiers, trust.verify);
  const checkpoint = parseCheckpoint(text);
  if (!signers.some(({ name }) => name === checkpoint.origin)) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: "it was signed by a key of another log" });
  }
  if (checkpoint.treeSize === 0 && !hashesEqual(checkpoint.rootHash, emptyRoot(trust.sha256))) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: "an empty tree has another root" });
  }
  return { ...checkpoint, note: { text, signatures } };
}

function decodeRoot(base64: string): Uint8Array {
  let root: Uint8Array;
  try {
    root = decodeBase64(base64);
  } catch (cause) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: "the root hash is not strict base64" }, { cause });
  }
  if (root.length !== HASH_BYTES) throw new ProtocolError("CHECKPOINT_INVALID", { reason: "the root hash is not 32 bytes long" });
  return root;
}
