import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_PRIVACY_POLICY, type PrivacyPolicy, type ReceivedVia } from "@vouchtrail/events";
import type { ErasureRange, SectionName } from "@vouchtrail/protocol";
import { sealEvent, sealSystemEntry } from "@vouchtrail/server";
import { type EngineOptions, openSearchEngine } from "../../packages/server/src/followers/search/engine.ts";
import type { IndexEntry } from "../../packages/server/src/followers/search/row.ts";
import type { IndexState, Mismatch, Repair, SearchEngine } from "../../packages/server/src/followers/search/search-engine.ts";
import { eventOf } from "./index-rows.ts";

/** Files of 256 entries and row groups of 32: what takes a million entries in a real index happens all the time. */
export const SMALL_LAYOUT = { fileEntries: 256, rowGroupRows: 32 };
export const ORIGIN = "example.org/indexed";
const RECEIVED_AT = "2026-01-31T12:00:01.000Z";

export interface EntryOptions {
  readonly via?: ReceivedVia;
  readonly policy?: Partial<PrivacyPolicy>;
}

/** An event with these members, as the index gets it. Its id follows from the index unless it is given. */
export function indexEntry(index: number, members: Readonly<Record<string, unknown>> = {}, options: EntryOptions = {}): IndexEntry {
  const received = { at: RECEIVED_AT, via: options.via ?? "http" } as const;
  const { leaf, disclosures } = sealEvent(eventOf(index, members), received, { ...DEFAULT_PRIVACY_POLICY, ...options.policy });
  return { index, leaf, ...disclosures };
}

/** An entry of the server that erases sections. */
export function erasureEntry(index: number, ranges: Readonly<Partial<Record<SectionName, readonly ErasureRange[]>>>): IndexEntry {
  const { leaf, disclosures } = sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges } }, RECEIVED_AT);
  return { index, leaf, ...disclosures };
}

export function without(entry: IndexEntry, ...sections: readonly SectionName[]): IndexEntry {
  const { personal, content, ...bare } = entry;
  return {
    ...bare,
    ...(personal === undefined || sections.includes("personal") ? {} : { personal }),
    ...(content === undefined || sections.includes("content") ? {} : { content }),
  };
}

/**
 * A ledger in memory, and an engine that is fed from it as a follower feeds it: from the cursor that the engine names, batch by batch.
 */
export interface IndexPlace extends AsyncDisposable {
  readonly directory: string;
  readonly entries: IndexEntry[];
  /** What was pruned from the ledger. */
  minimumIndex: number;
  /** Of all engines. */
  readonly repairs: Repair[];
  readonly fatal: unknown[];
  readonly engine: SearchEngine;
  /** Appends an event; gives its index. */
  add(members?: Readonly<Record<string, unknown>>, options?: EntryOptions): number;
  /** Applies everything that is missing below that index, in batches of at most that many. */
  feed(to?: number, batchEntries?: number): Promise<void>;
  /** Closes the engine and opens another one: what was in memory is gone. */
  reopen(options?: Partial<EngineOptions>): Promise<void>;
  /** Rows of a SELECT, on one moment of the index. */
  sql(sql: string): Promise<readonly (readonly unknown[])[]>;
  /** What differs from the ledger: nothing, when all is well. */
  differences(): Promise<readonly Mismatch[]>;
  state(): Promise<IndexState>;
}

export async function openIndexPlace(options: Partial<EngineOptions> = {}): Promise<IndexPlace> {
  const directory = await mkdtemp(join(tmpdir(), "vouchtrail-index-"));
  const entries: IndexEntry[] = [];
  const repairs: Repair[] = [];
  const fatal: unknown[] = [];
  let given = options;
  let engine: SearchEngine;
  const open = (minimumIndex: number): Promise<SearchEngine> =>
    openSearchEngine(
      { directory, origin: ORIGIN, minimumIndex, threads: 2, layout: SMALL_LAYOUT, ...given },
      { onRepair: (repair) => repairs.push(repair), onFatal: (error) => fatal.push(error) },
    );
  engine = await open(0);
  const place: IndexPlace = {
    directory,
    entries,
    minimumIndex: 0,
    repairs,
    fatal,
    get engine() {
      return engine;
    },
    add(members, entryOptions) {
      return entries.push(indexEntry(entries.length, members, entryOptions)) - 1;
    },
    async feed(to = entries.length, batchEntries = 50) {
      for (;;) {
        const next = Math.max((await engine.cursor()).next, place.minimumIndex);
        if (next >= to) return;
        await engine.apply({ entries: entries.slice(next, Math.min(to, next + batchEntries)), minimumIndex: place.minimumIndex });
      }
    },
    async reopen(changes = {}) {
      await engine.close();
      given = { ...given, ...changes };
      engine = await open(place.minimumIndex);
    },
    sql: async (sql) => (await engine.sql({ sql, limit: 1_000_000 })).rows,
    differences() {
      return engine.compare(entries.slice(place.minimumIndex));
    },
    state: () => engine.state(),
    async [Symbol.asyncDispose]() {
      await engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return place;
}
