import { dirname } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { type FileSystem, isMissing, replaceFile } from "./file-system.ts";
import { tileFile } from "./layout.ts";
import { TILE_WRITES_MAX } from "./limits.ts";

const TILE_BYTES = 256 * 32;

/**
 * Full tiles as files, in the layout of C2SP tlog-tiles, so that the folder can be served as it stands.
 *
 * *Untrusted*: a changed tile makes proofs fail, it cannot make a wrong one pass. Tiles can be derived again from the segments.
 */
export interface TileStore {
  /** The 8,192 bytes of a full tile, or undefined. @throws {AuditError} `LEDGER_DAMAGED` for another length. */
  read(level: number, n: number): Promise<Buffer | undefined>;
  /** Writes tiles durably. */
  write(tiles: readonly { readonly level: number; readonly n: number; readonly hashes: Uint8Array }[]): Promise<void>;
}

export function createTileStore(directory: string, fileSystem: FileSystem): TileStore {
  const known = new Set<string>();

  async function makeFolders(files: readonly string[]): Promise<void> {
    for (const folder of new Set(files.map((file) => dirname(file)))) {
      if (known.has(folder)) continue;
      await fileSystem.makeDirectory(folder);
      // Each new folder is an entry of the one above it.
      for (let parent = dirname(folder); parent.length >= directory.length; parent = dirname(parent))
        await fileSystem.syncDirectory(parent);
      known.add(folder);
    }
  }

  return {
    async read(level, n) {
      const path = tileFile(directory, level, n);
      let bytes: Buffer;
      try {
        bytes = await fileSystem.readFile(path);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
      if (bytes.length !== TILE_BYTES) {
        throw new AuditError("LEDGER_DAMAGED", { message: `The tile ${path} has ${bytes.length} bytes instead of ${TILE_BYTES}.` });
      }
      return bytes;
    },
    async write(tiles) {
      const jobs = tiles.map((tile) => ({ path: tileFile(directory, tile.level, tile.n), hashes: tile.hashes }));
      await makeFolders(jobs.map((job) => job.path));
      for (let i = 0; i < jobs.length; i += TILE_WRITES_MAX) {
        const writes = jobs.slice(i, i + TILE_WRITES_MAX).map((job) => replaceFile(fileSystem, job.path, job.hashes));
        // All of them, even if one fails: who closes the ledger then must find nothing in progress.
        await Promise.allSettled(writes);
        await Promise.all(writes);
      }
    },
  };
}
