import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditError, DEFAULT_PRIVACY_POLICY, type PrivacyPolicy, type ReceivedVia } from "@vouchtrail/events";
import { type Erasure, openDataDirectory, sealEvent, sealSystemEntry } from "@vouchtrail/server";
import type { FollowerNotice } from "../../packages/server/src/followers/observer.ts";
import type { EngineOptions } from "../../packages/server/src/followers/search/engine.ts";
import type { SearchProcessNotice } from "../../packages/server/src/followers/search/search-client.ts";
import { type RunningSearch, startSearch } from "../../packages/server/src/followers/search/start-search.ts";
import type { FileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import { SMALL_LAYOUT } from "./index-place.ts";
import { eventOf } from "./index-rows.ts";

export interface IndexedLedgerOptions extends Pick<Partial<EngineOptions>, "layout" | "hotBytesMax" | "memoryBytes" | "queryTimeoutMs"> {
  /** The folder of the index files, when it is not to be in the data directory. */
  readonly indexDirectory?: string;
  readonly policy?: Partial<PrivacyPolicy>;
}

/** A ledger in a temporary directory, and the search index of a server over it, with its engine in a process of its own. */
export interface IndexedLedger extends AsyncDisposable {
  /** The data directory. */
  readonly data: string;
  readonly indexDirectory: string;
  readonly ledger: FileLedger;
  readonly search: RunningSearch;
  readonly notices: SearchProcessNotice[];
  readonly followerNotices: FollowerNotice[];
  /** Appends events; gives the index of the first. */
  append(members: readonly Readonly<Record<string, unknown>>[], via?: ReceivedVia): Promise<number>;
  /** Writes an erasure entry, and erases in the ledger. Gives the index of the entry. */
  erase(ranges: Erasure): Promise<number>;
  /** Resolves when everything below that index can be found, or all that is in the ledger, however long it takes. */
  caughtUp(next?: number): Promise<void>;
  /** Resolves with the process that answers. */
  opened(): Promise<number>;
  /** Kills the process of the index, and waits until the server has noticed. */
  kill(): Promise<void>;
  /** Closes the index and opens it again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

let clockMs = Date.UTC(2026, 2, 1);

/** RFC 3339; a millisecond later each time. */
export function now(): string {
  clockMs += 1;
  return new Date(clockMs).toISOString();
}

export async function openIndexedLedger(options: IndexedLedgerOptions = {}): Promise<IndexedLedger> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-indexed-"));
  const data = join(root, "data");
  const { ledger, paths, lock } = await openDataDirectory({ directory: data, ledger: { checkpointIntervalMs: 50 } });
  await mkdir(paths.followers, { recursive: true });
  const indexDirectory = options.indexDirectory ?? paths.search;
  const notices: SearchProcessNotice[] = [];
  const followerNotices: FollowerNotice[] = [];
  const listeners = new Set<() => void>();
  const { layout = SMALL_LAYOUT, hotBytesMax } = options;
  const start = (): RunningSearch =>
    startSearch({
      ledger,
      directory: indexDirectory,
      followers: paths.followers,
      memoryBytes: options.memoryBytes ?? 256 * 1_048_576,
      threads: 2,
      queryTimeoutMs: options.queryTimeoutMs ?? 30_000,
      follow: { now, onNotice: (notice) => followerNotices.push(notice) },
      onNotice(notice) {
        notices.push(notice);
        for (const listener of [...listeners]) listener();
      },
      sizes: { layout, ...(hotBytesMax === undefined ? {} : { hotBytesMax }) },
    });
  const noticed = async (isMet: () => boolean): Promise<void> => {
    while (!isMet()) {
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          listeners.delete(listener);
          resolve();
        };
        listeners.add(listener);
      });
    }
  };
  let search = start();
  let isClosed = false;
  let eventCount = 0;
  const indexed: IndexedLedger = {
    data,
    indexDirectory,
    ledger,
    get search() {
      return search;
    },
    notices,
    followerNotices,
    async append(members, via = "http") {
      const policy = { ...DEFAULT_PRIVACY_POLICY, ...options.policy };
      const sealed = members.map((one) => sealEvent(eventOf(eventCount++, one), { at: now(), via }, policy));
      const [first] = await ledger.append(sealed);
      return first !== undefined && "receipt" in first ? first.receipt.index : -1;
    },
    async erase(ranges) {
      const [result] = await ledger.append([
        sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges } }, now()),
      ]);
      const index = result !== undefined && "receipt" in result ? result.receipt.index : -1;
      await ledger.erase(ranges, index);
      return index;
    },
    async caughtUp(next) {
      const end = next ?? (await ledger.head()).treeSize;
      for (let isThere = false; !isThere; ) {
        isThere = await search.waitFor(end).then(
          () => true,
          (error: unknown) => {
            if (error instanceof AuditError && error.code === "SEARCH_BEHIND") return false;
            throw error;
          },
        );
      }
    },
    async opened() {
      await noticed(() => notices.at(-1)?.kind === "opened" || notices.at(-1)?.kind === "repaired");
      return search.pid() ?? 0;
    },
    async kill() {
      const pid = await indexed.opened();
      const seen = notices.length;
      process.kill(pid, "SIGKILL");
      await noticed(() => notices.slice(seen).some(({ kind }) => kind === "ended"));
    },
    async restart() {
      await search.close();
      notices.length = 0;
      search = start();
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await search.close();
      await ledger.close();
      lock.release();
    },
    async [Symbol.asyncDispose]() {
      await indexed.close();
      await rm(root, { recursive: true, force: true });
    },
  };
  return indexed;
}
