import { join } from "node:path";
import { encodeBase64, hashTile, tilePath } from "@vouchtrail/protocol";
import { isMissing, nodeFileSystem } from "../ledger/file-system.ts";
import { sha256 } from "../ledger/hashing.ts";
import { type LedgerTree, openLedgerTree } from "../ledger/ledger-tree.ts";
import { unreadable } from "./ledger-files.ts";

const HASH_BYTES = 32;
const WIDTH = 256;

/** A tile on disk that is not what the entries give, or is not there. */
export interface TileFault {
  readonly level: number;
  readonly n: number;
  /** Path inside the ledger folder. */
  readonly file: string;
  /** The first entry under the first hash that differs. */
  readonly index: number;
  /** Entries up to the end of the tile. */
  readonly end: number;
  readonly kind: "missing" | "different";
}

/** Re-derives the tree leaf by leaf, compares each tile on disk with it, and notes the root at the sizes asked for. */
export interface TreeWalk {
  readonly size: number;
  append(leafHash: Uint8Array): void;
  /** Standard base64. */
  rootText(): string;
  /** The root at a size that was asked for and has been passed. */
  rootAt(size: number): string | undefined;
  /** Compares the tiles that became full. Call it now and then: until then they are kept in memory. */
  checkTiles(): Promise<void>;
  /** Appends the hashes of a full tile of level 0 from disk, where the entries were pruned. False when the tile is missing or has another length. */
  appendTile(n: number): Promise<boolean>;
  readonly faults: readonly TileFault[];
  /** Tiles on disk that no check has met, by level. */
  unmet(): readonly { readonly level: number; readonly n: number; readonly file: string }[];
}

/** @param tiles Numbers of the tiles on disk; what was checked is removed from it. */
export function createTreeWalk(folder: string, tiles: ReadonlyMap<number, Set<number>>, sizes: readonly number[]): TreeWalk {
  const tree: LedgerTree = openLedgerTree(0, []);
  const partials: { n: number; count: number; hashes: Buffer }[] = [];
  const full: { level: number; n: number; hashes: Buffer }[] = [];
  const roots = new Map<number, string>();
  const wanted = new Set(sizes);
  const faults: TileFault[] = [];
  const trusted = new Set<number>();
  let size = 0;
  if (wanted.has(0)) roots.set(0, tree.rootText());

  const push = (level: number, hash: Uint8Array, tileRoot?: Uint8Array): void => {
    const partial = partials[level] ?? { n: 0, count: 0, hashes: Buffer.allocUnsafe(WIDTH * HASH_BYTES) };
    partials[level] = partial;
    partial.hashes.set(hash, partial.count * HASH_BYTES);
    partial.count += 1;
    if (partial.count < WIDTH) return;
    full.push({ level, n: partial.n, hashes: partial.hashes });
    partials[level] = { n: partial.n + 1, count: 0, hashes: Buffer.allocUnsafe(WIDTH * HASH_BYTES) };
    push(level + 1, tileRoot ?? hashTile(partial.hashes, sha256));
  };

  const append = (leafHash: Uint8Array): void => {
    push(0, leafHash, tree.append(leafHash));
    size += 1;
    if (wanted.has(size)) roots.set(size, tree.rootText());
  };

  const readTile = async (level: number, n: number): Promise<Buffer | undefined> => {
    const path = join(folder, tilePath(level, n));
    try {
      return await nodeFileSystem.readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw unreadable(path, error);
    }
  };

  const checkTile = async (level: number, n: number, hashes: Buffer): Promise<void> => {
    if (level === 0 && trusted.delete(n)) return;
    const width = WIDTH ** level;
    const fault = { level, n, file: tilePath(level, n), end: (n + 1) * WIDTH * width };
    const stored = tiles.get(level)?.delete(n) === true ? await readTile(level, n) : undefined;
    if (stored === undefined) faults.push({ ...fault, kind: "missing", index: n * WIDTH * width });
    else if (!stored.equals(hashes)) {
      let hash = 0;
      while (hash < WIDTH - 1 && stored.subarray(hash * HASH_BYTES, (hash + 1) * HASH_BYTES).equals(hashAt(hashes, hash))) hash += 1;
      faults.push({ ...fault, kind: "different", index: (n * WIDTH + hash) * width });
    }
  };

  return {
    get size() {
      return size;
    },
    append,
    rootText: () => tree.rootText(),
    rootAt: (at) => roots.get(at),
    async checkTiles() {
      while (full.length > 0) {
        const batch = full.splice(0, 16);
        await Promise.all(batch.map(({ level, n, hashes }) => checkTile(level, n, hashes)));
      }
    },
    async appendTile(n) {
      const stored = tiles.get(0)?.delete(n) === true ? await readTile(0, n) : undefined;
      if (stored?.length !== WIDTH * HASH_BYTES) return false;
      trusted.add(n);
      for (let i = 0; i < WIDTH; i++) append(hashAt(stored, i));
      return true;
    },
    faults,
    unmet: () => [...tiles].flatMap(([level, numbers]) => [...numbers].map((n) => ({ level, n, file: tilePath(level, n) }))),
  };
}

const hashAt = (hashes: Buffer, i: number): Buffer => hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);

/** Whether a root that was re-derived is the signed one. */
export function isRoot(derived: string, signed: Uint8Array): boolean {
  return derived === encodeBase64(signed);
}
