/** The checkpoints of a pack, and the proofs that they are of one history. Rule: PACK-4. */

import {
  type Checkpoint,
  decodeBase64,
  type Ed25519Verify,
  encodeBase64,
  hashesEqual,
  openCheckpoint,
  ProtocolError,
  parseTlogProof,
  type Sha256,
  type TileTree,
  verifyConsistency,
} from "@vouchtrail/protocol";
import { PACK_CHECKPOINTS_MAX } from "../limits.ts";

/** What is computed with; nothing here chooses it. */
export interface PackCrypto {
  readonly sha256: Sha256;
  readonly verify: Ed25519Verify;
}

/** One line of `checkpoints.ndjson`. */
export interface ChainLink {
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Consistency path to the last checkpoint of the pack, standard base64; empty for the last one. */
  readonly toLast: readonly string[];
}

/** Signed checkpoints by tree size. */
export interface CheckpointSet {
  /**
   * Takes a signed note. The empty tree is passed over: every tree extends it.
   * @throws {ProtocolError} When the key did not sign it; `CHECKPOINT_INVALID` when another root was signed for its size before.
   */
  add(note: string): Checkpoint;
  /** The checkpoint inside an inclusion proof. */
  addProof(tlogProof: string): Checkpoint;
  /** By tree size, smallest first. */
  list(): readonly { readonly note: string; readonly checkpoint: Checkpoint }[];
}

export function createCheckpointSet(vkey: string, crypto: PackCrypto): CheckpointSet {
  const bySize = new Map<number, { note: string; checkpoint: Checkpoint }>();
  let last: { note: string; checkpoint: Checkpoint } | undefined;
  function add(note: string): Checkpoint {
    // Thousands of proofs come under one checkpoint.
    if (last?.note === note) return last.checkpoint;
    const checkpoint = openCheckpoint(note, { vkey, ...crypto });
    const known = bySize.get(checkpoint.treeSize);
    if (known !== undefined && !hashesEqual(known.checkpoint.rootHash, checkpoint.rootHash)) {
      throw new ProtocolError("CHECKPOINT_INVALID", {
        reason: "one tree size has two signed roots: the log was forked",
        treeSize: checkpoint.treeSize,
      });
    }
    last = { note, checkpoint };
    if (checkpoint.treeSize > 0 && known === undefined) {
      if (bySize.size >= PACK_CHECKPOINTS_MAX) {
        throw new ProtocolError("CHECKPOINT_INVALID", { reason: `there are more than ${PACK_CHECKPOINTS_MAX} of them` });
      }
      bySize.set(checkpoint.treeSize, last);
    }
    return checkpoint;
  }
  return {
    add,
    addProof: (tlogProof) => add(parseTlogProof(tlogProof).checkpoint),
    list: () => [...bySize.values()].sort((left, right) => left.checkpoint.treeSize - right.checkpoint.treeSize),
  };
}

/**
 * Connects every checkpoint with the last one.
 *
 * @param tree Tiles of the log. They need not be trusted: every path is verified before it is given out.
 * @throws {ProtocolError} `PROOF_INVALID` when two of them are not of one history.
 */
export async function createChain(set: CheckpointSet, tree: Pick<TileTree, "consistencyPath">, sha256: Sha256): Promise<ChainLink[]> {
  const all = set.list();
  const last = all.at(-1);
  const links: ChainLink[] = [];
  for (const { note, checkpoint } of all) {
    const path = note === last?.note ? [] : await tree.consistencyPath(checkpoint.treeSize, last!.checkpoint.treeSize);
    assertConsistent(checkpoint, last!.checkpoint, path, sha256);
    links.push({ checkpoint: note, toLast: path.map(encodeBase64) });
  }
  return links;
}

/** One line a link. */
export function formatChain(links: readonly ChainLink[]): string {
  return links.map(({ checkpoint, toLast }) => `${JSON.stringify({ checkpoint, toLast })}\n`).join("");
}

/**
 * Reads and verifies the lines of `checkpoints.ndjson`: signatures, order, and that each is a beginning of the last.
 *
 * @throws {ProtocolError} For whatever does not hold.
 */
export function openChain(text: string, vkey: string, crypto: PackCrypto): readonly Checkpoint[] {
  const links = text.split("\n").slice(0, -1).map(parseLink);
  if (links.length === 0 || formatChain(links) !== text) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: "a line is not in the form of this version" });
  }
  if (links.length > PACK_CHECKPOINTS_MAX) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: `there are more than ${PACK_CHECKPOINTS_MAX} of them` });
  }
  const checkpoints = links.map(({ checkpoint }) => openCheckpoint(checkpoint, { vkey, ...crypto }));
  const last = checkpoints.at(-1)!;
  for (const [position, checkpoint] of checkpoints.entries()) {
    if (checkpoint.treeSize <= (checkpoints[position - 1]?.treeSize ?? 0)) {
      throw new ProtocolError("CHECKPOINT_INVALID", { reason: "the checkpoints are not in the order of their sizes" });
    }
    assertConsistent(checkpoint, last, links[position]!.toLast.map(decodeBase64), crypto.sha256);
  }
  return checkpoints;
}

function assertConsistent(old: Checkpoint, last: Checkpoint, path: readonly Uint8Array[], sha256: Sha256): void {
  verifyConsistency({ oldSize: old.treeSize, newSize: last.treeSize, oldRoot: old.rootHash, newRoot: last.rootHash, path }, sha256);
}

function parseLink(line: string): ChainLink {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new ProtocolError("CHECKPOINT_INVALID", { reason: "a line is not JSON" }, { cause });
  }
  if (typeof json === "object" && json !== null) {
    const { checkpoint, toLast } = json as Record<string, unknown>;
    if (typeof checkpoint === "string" && Array.isArray(toLast) && toLast.every((hash) => typeof hash === "string")) {
      return { checkpoint, toLast };
    }
  }
  throw new ProtocolError("CHECKPOINT_INVALID", { reason: "a line holds no checkpoint" });
}
