import { AuditError } from "@vouchtrail/events/errors";
import type { SectionName } from "@vouchtrail/protocol";
import type { FileLedger } from "../../ledger/file-ledger.ts";
import type { StoredEntry } from "../../ledger/ledger.ts";
import type { CursorStore } from "../cursor.ts";
import { type Follower, type FollowOptions, follow } from "../follower.ts";
import type { FollowerState } from "../follower-state.ts";
import { type CheckOptions, type CheckReport, checkIndex } from "./index-check.ts";
import { SEARCH_WAIT_MS } from "./limits.ts";
import type { IndexEntry } from "./row.ts";
import type { EngineCursor, IndexState, SearchEngine } from "./search-engine.ts";

/** Name of the follower, of its cursor file and in metrics. */
export const SEARCH_FOLLOWER = "search";

export interface SearchIndexState extends IndexState {
  readonly follower: FollowerState;
}

/** The search index: an engine and the follower that feeds it. */
export interface SearchIndex {
  readonly engine: SearchEngine;
  /**
   * Resolves when everything below `next` can be found.
   * @throws {AuditError} `SEARCH_BEHIND` after {@link SEARCH_WAIT_MS}, `SEARCH_UNAVAILABLE`.
   */
  waitFor(next: number, signal?: AbortSignal): Promise<void>;
  /** The same without a limit of time. */
  caughtUp(next: number, signal?: AbortSignal): Promise<void>;
  state(): Promise<SearchIndexState>;
  /** What the follower does; undefined state of files. Never waits. */
  follower(): FollowerState;
  /** Removes all files and makes them anew from the ledger. Resolves when the work has begun; `state` tells how far it is. */
  rebuild(): Promise<void>;
  /** Compares every entry that is in the index with the ledger. */
  check(options?: CheckOptions): Promise<CheckReport>;
  /** Asks the engine again where to go on. */
  rewind(): void;
  close(): Promise<void>;
}

export interface SearchIndexOptions {
  readonly ledger: FileLedger;
  readonly engine: SearchEngine;
  /** Keeps the durable cursor beside the index, so that a ledger that was cut is noticed at the start. */
  readonly cursors: CursorStore;
  readonly follow: Omit<FollowOptions, "cursor">;
}

export function openSearchIndex({ ledger, engine, cursors, follow: followOptions }: SearchIndexOptions): SearchIndex {
  let savedNext = -1;
  let follower: Follower;

  async function save(durable: EngineCursor): Promise<void> {
    if (durable.next === savedNext) return;
    await cursors.save?.(durable);
    savedNext = durable.next;
  }

  async function apply(batch: readonly StoredEntry[]): Promise<void> {
    const { minimumIndex } = await ledger.head();
    const { next, durable } = await engine.apply({ entries: batch.map((entry) => toIndexEntry(ledger, entry)), minimumIndex });
    await save(durable);
    // A gap is closed and what follows is there already, or the engine lost something: it knows where to go on.
    if (next !== (batch.at(-1)?.index ?? -1) + 1) rewind();
  }

  function rewind(): void {
    follower.rewind().catch(() => undefined);
  }

  async function waitFor(next: number, signal?: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(SEARCH_WAIT_MS);
    try {
      await follower.waitFor(next, signal === undefined ? limit : AbortSignal.any([limit, signal]));
    } catch (error) {
      signal?.throwIfAborted();
      if (limit.aborted) throw new AuditError("SEARCH_BEHIND", { cause: error });
      throw new AuditError("SEARCH_UNAVAILABLE", { cause: error });
    }
  }

  follower = follow(SEARCH_FOLLOWER, ledger, apply, { ...followOptions, cursor: { load: () => engine.cursor() } });

  return {
    engine,
    rewind,
    follower: () => follower.state(),
    waitFor,
    caughtUp: (next, signal) => follower.waitFor(next, signal ?? new AbortController().signal),
    state: async () => ({ ...(await engine.state()), follower: follower.state() }),
    async rebuild() {
      await follower.rewind(async () => {
        await engine.clear();
        await save({ origin: ledger.origin, next: 0 });
      });
    },
    check: (options = {}) => checkIndex({ ledger, engine, waitFor, toIndexEntry: (entry) => toIndexEntry(ledger, entry) }, options),
    close: () => follower.close(),
  };
}

const SECTIONS: readonly SectionName[] = ["personal", "content"];

/**
 * An entry without the sections that an erasure took away: while an erasure is unfinished they are still in the ledger's files, but a file that
 * is made anew must not get them back.
 */
function toIndexEntry(ledger: FileLedger, { index, leaf, disclosures }: StoredEntry): IndexEntry {
  const hasErasures = ledger.erasures().length > 0;
  const entry: { index: number; leaf: string; personal?: string; content?: string } = { index, leaf };
  for (const section of SECTIONS) {
    const disclosure = disclosures[section];
    if (disclosure === undefined || (hasErasures && ledger.erasedBy(index, section) !== undefined)) continue;
    entry[section] = disclosure;
  }
  return entry;
}
