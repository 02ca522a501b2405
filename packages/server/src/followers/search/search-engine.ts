import type { BucketName, Completeness, EventFilter, GroupName, SessionSummary, SourceView, Stats } from "@vouchtrail/events";
import type { IndexEntry } from "./row.ts";

/** Where the index goes on: it holds everything below `next`, and entry next-1 has this leaf hash (standard base64). */
export interface EngineCursor {
  readonly origin: string;
  readonly next: number;
  readonly leafHash?: string;
}

/** What every question says. `tenant` is the one that the asker is bound to: nothing of another tenant is looked at. */
export interface Question {
  readonly filter: EventFilter;
  readonly tenant?: string | undefined;
}

export interface FindQuestion extends Question {
  /** Entries wanted; the answer says whether there are more. */
  readonly limit: number;
  readonly order: "newest" | "oldest";
  /** Only entries with an index below it (newest first) or above it (oldest first). */
  readonly beyond?: number | undefined;
  readonly deeds?: boolean | undefined;
  /** Only entries of this deed, 16 hexadecimal digits. */
  readonly deed?: string | undefined;
}

export interface FoundEntry {
  readonly index: number;
  readonly counted: boolean;
  readonly deed?: string;
}

export interface Found {
  readonly entries: readonly FoundEntry[];
  readonly hasMore: boolean;
  readonly searchedTo: number;
}

export interface EffectsQuestion extends Omit<FindQuestion, "deeds" | "deed"> {
  readonly state: "open" | "closed" | "all";
}

export interface FoundEffects extends Omit<Found, "entries"> {
  readonly entries: readonly (FoundEntry & { readonly state: "open" | "closed" })[];
}

export interface StatsQuestion extends Question {
  readonly groups: readonly GroupName[];
  readonly bucket?: BucketName | undefined;
  readonly limit: number;
}

export type FoundStats = Omit<Stats, "treeSize">;

export interface SourcesQuestion extends Question {
  readonly limit: number;
}

export interface FoundSources {
  readonly sources: readonly SourceView[];
  readonly sourceCount: number;
  readonly searchedTo: number;
}

export interface SessionsQuestion extends Question {
  readonly limit: number;
  /** Only sessions whose newest matching entry has an index below it. */
  readonly beyond?: number | undefined;
  /** Milliseconds since 1970, for what may still be running; the clock of the process unless given. */
  readonly nowMs?: number;
}

export interface FoundSessions {
  /** The one with the newest matching entry first; `last` is the index of that entry. */
  readonly sessions: readonly (SessionSummary & { readonly last: number })[];
  readonly hasMore: boolean;
  readonly searchedTo: number;
}

export interface CompletenessQuestion {
  readonly sessionId: string;
  readonly tenant?: string | undefined;
  readonly nowMs?: number;
}

export interface FoundCompleteness {
  /** One for each tenant that has a session of this id, at most two. */
  readonly verdicts: readonly Completeness[];
  readonly searchedTo: number;
}

export interface SqlQuestion {
  readonly sql: string;
  readonly limit: number;
}

export interface SqlRows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly isTruncated: boolean;
  readonly elapsedMs: number;
  readonly searchedTo: number;
}

/** One file of the index. */
export interface IndexFileState {
  /** `index/000000000000000.duckdb` holds the entries from `first` on. */
  readonly first: number;
  readonly entries: number;
  readonly bytes: number;
}

export interface IndexState {
  /** Everything below it is searchable. */
  readonly searchedTo: number;
  /** Entries that are only in memory: they are read again from the ledger at the next start. */
  readonly hotEntries: number;
  readonly files: readonly IndexFileState[];
  /** What was found wrong with files since the start, the newest {@link REPAIRS_TOLD_MAX}. */
  readonly repairs: readonly Repair[];
}

/** A file that was removed, to be made anew from the ledger. */
export interface Repair {
  readonly file: string;
  readonly reason: string;
}

/** Entries to take, and what the ledger no longer has. */
export interface IndexBatch {
  /** In order. */
  readonly entries: readonly IndexEntry[];
  /** Entries below it were pruned from the ledger. */
  readonly minimumIndex: number;
}

/** An entry of which the index says something else than the ledger. Names only, no values. */
export interface Mismatch {
  readonly index: number;
  readonly columns: readonly string[];
}

/**
 * The query store behind the search index, alone with its files. It runs in a process of its own, so that neither a heavy query nor a
 * damaged file can stop the ledger; {@link SearchEngine} is what both sides speak.
 *
 * *Untrusted*: it only finds. What is read is read from the ledger.
 *
 * @throws {AuditError} `SEARCH_UNAVAILABLE` while the process is away, `QUERY_TIMEOUT`, `QUERY_TOO_LARGE`, `QUERY_BUSY`, `SQL_INVALID`,
 * `SQL_FORBIDDEN`, `DISK_FULL`.
 */
export interface SearchEngine {
  /** The smallest index that is missing. Asked at the start, and again when `apply` says that it stands elsewhere. */
  cursor(): Promise<EngineCursor>;
  /**
   * Takes entries in order. Idempotent by index: what is there already is passed over. Erasures among the server's own entries, and what was
   * pruned, are carried out before it resolves. Of a batch that begins beyond what is missing nothing is taken: the index has lost something
   * that its follower does not know of yet.
   * @returns `next`: the smallest index that is missing now; `durable`: everything below it is on disk.
   */
  apply(batch: IndexBatch): Promise<{ readonly next: number; readonly durable: EngineCursor }>;
  find(question: FindQuestion, signal?: AbortSignal): Promise<Found>;
  effects(question: EffectsQuestion, signal?: AbortSignal): Promise<FoundEffects>;
  stats(question: StatsQuestion, signal?: AbortSignal): Promise<FoundStats>;
  sources(question: SourcesQuestion, signal?: AbortSignal): Promise<FoundSources>;
  sessions(question: SessionsQuestion, signal?: AbortSignal): Promise<FoundSessions>;
  completeness(question: CompletenessQuestion, signal?: AbortSignal): Promise<FoundCompleteness>;
  sql(question: SqlQuestion, signal?: AbortSignal): Promise<SqlRows>;
  /** The same as JSON in UTF-8, a {@link SqlRows}: thousands of rows pass through the server's own process without being taken apart there. */
  sqlJson(question: SqlQuestion, signal?: AbortSignal): Promise<Uint8Array>;
  state(): Promise<IndexState>;
  /** Compares entries of the ledger with what the index holds of them. */
  compare(batch: readonly IndexEntry[]): Promise<readonly Mismatch[]>;
  /** Deeds that are counted twice, or not at all although one of their entries has an outcome. Looks at the whole index. */
  miscounted(): Promise<number>;
  /** Removes all files; the next `cursor` is at the beginning. */
  clear(): Promise<void>;
  close(): Promise<void>;
}
