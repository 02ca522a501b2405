import { join } from "node:path";
import type { FileLedger } from "../../ledger/file-ledger.ts";
import { nodeFileSystem } from "../../ledger/file-system.ts";
import { createFileCursorStore } from "../cursor-file.ts";
import type { FollowOptions } from "../follower.ts";
import type { EngineOptions } from "./engine.ts";
import { GATHER_MS } from "./limits.ts";
import { type SearchProcessNotice, startSearchProcess } from "./search-client.ts";
import { openSearchIndex, SEARCH_FOLLOWER, type SearchIndex } from "./search-index.ts";

export interface SearchOptions {
  readonly ledger: FileLedger;
  /** The folder of the index files. */
  readonly directory: string;
  /** `followers/` of the data directory. */
  readonly followers: string;
  readonly memoryBytes: number;
  readonly threads: number | undefined;
  readonly queryTimeoutMs: number;
  readonly follow: Pick<FollowOptions, "now" | "observer" | "onNotice">;
  readonly onNotice: (notice: SearchProcessNotice) => void;
  /** Smaller files and row groups; for tests. */
  readonly sizes?: Pick<EngineOptions, "layout" | "hotBytesMax">;
}

/** The search index of a server, with its engine in a process of its own. */
export interface RunningSearch extends SearchIndex {
  /** Of the engine's process. */
  pid(): number | undefined;
}

/** Starts the engine's process and begins to follow the ledger. Returns at once: what cannot be searched yet is told by its state. */
export function startSearch(options: SearchOptions): RunningSearch {
  const { ledger, directory, followers, memoryBytes, threads, queryTimeoutMs } = options;
  const engine = startSearchProcess({
    engine: async () => ({
      directory,
      origin: ledger.origin,
      minimumIndex: (await ledger.head()).minimumIndex,
      memoryBytes,
      queryTimeoutMs,
      ...(threads === undefined ? {} : { threads }),
      ...options.sizes,
    }),
    onRewound: () => index.rewind(),
    onNotice: options.onNotice,
  });
  const index = openSearchIndex({
    ledger,
    engine,
    cursors: createFileCursorStore(nodeFileSystem, join(followers, `${SEARCH_FOLLOWER}.json`)),
    follow: { directory: followers, gatherMs: GATHER_MS, ...options.follow },
  });
  return {
    ...index,
    pid: () => engine.pid(),
    async close() {
      // Together: the follower may be waiting for a process that does not come up.
      await Promise.all([index.close(), engine.close()]);
    },
  };
}
