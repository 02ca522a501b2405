import type { EvidenceBundle, SectionName, SectionState } from "@vouchtrail/protocol";
import type { JsonObject } from "../event.ts";
import type { CompletenessAnswer } from "./completeness.ts";
import type { EventFilter } from "./event-filter.ts";
import type { Explanation } from "./explanation.ts";
import type { SessionStory, SessionStoryQuery } from "./session-story.ts";
import type { SessionPage, SessionQuery, SessionsQuery } from "./sessions.ts";

/** How far an answer looked. Every answer carries it. */
export interface ReadState {
  /** Durable entries of the ledger when the answer was made. */
  readonly treeSize: number;
  /** Entries below it were searched; equal to `treeSize` for what is answered from the ledger itself. */
  readonly searchedTo: number;
}

/** One entry as people and programs read it. */
export interface EntryView {
  readonly index: number;
  /** Standard base64. */
  readonly leafHash: string;
  readonly origin: string;
  /** The event; fields of erased sections are absent. */
  readonly event: JsonObject;
  /** `received`, and where there are any `redactions` and `system`, as the leaf has them. */
  readonly received: JsonObject;
  readonly redactions?: JsonObject;
  readonly system?: JsonObject;
  readonly sections: Readonly<Partial<Record<SectionName, SectionState>>>;
}

/** An entry that a search found, and how it stands to the deed that it tells of. */
export interface SearchHit extends EntryView {
  /** True for the one entry of its deed that is counted. */
  readonly counted: boolean;
  /** Names the deed, 16 hexadecimal digits; absent for an entry that stands alone. The other entries of the deed have the same one. */
  readonly deed?: string;
}

export interface SearchQuery {
  readonly filter: EventFilter;
  /** 1 to 1,000 entries; default 50. */
  readonly limit?: number;
  /** From `nextCursor` of the page before, with the same filter, order, deed and deeds. */
  readonly cursor?: string;
  /** By ledger index, so that late events never slip between pages. Default: newest. */
  readonly order?: "newest" | "oldest";
  /** Only entries that count for their deed. */
  readonly deeds?: boolean;
  /** Only entries of this deed. */
  readonly deed?: string;
  /** First waits until everything that was durable when the question came can be found. */
  readonly wait?: boolean;
}

export interface SearchPage extends ReadState {
  readonly events: readonly SearchHit[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** What deeds are grouped by: filters that look at one value, labels, and spans of `occurredAt` (UTC). */
export const GROUP_NAMES = [
  "tenant",
  "actor",
  "actorType",
  "action",
  "target",
  "targetType",
  "outcome",
  "code",
  "activity",
  "tool",
  "model",
  "session",
  "conversation",
  "ip",
  "sensitive",
  "proof",
  "source",
  "via",
  "minute",
  "hour",
  "day",
  "week",
  "month",
] as const;
export type GroupName = (typeof GROUP_NAMES)[number] | `label.${string}`;
export const BUCKET_NAMES = ["minute", "hour", "day", "week", "month"] as const;
export type BucketName = (typeof BUCKET_NAMES)[number];

export interface StatsQuery {
  readonly filter: EventFilter;
  /** At most 3. */
  readonly groups?: readonly GroupName[];
  readonly bucket?: BucketName;
  /** Groups in the answer, 1 to 1,000, the ones with most deeds first; default 100. */
  readonly limit?: number;
  readonly wait?: boolean;
}

/** Sums over deeds. `successRate` is a share from 0 to 1, null when there is no deed. */
export interface DeedSums {
  readonly total: number;
  readonly success: number;
  readonly failure: number;
  readonly partial: number;
  readonly pending: number;
  readonly denied: number;
  readonly successRate: number | null;
  readonly tokensInput: number;
  readonly tokensOutput: number;
  readonly costUsd: number;
}

export interface StatsGroup extends DeedSums {
  /** One member for each name asked for; null where the event says nothing. Spans of time are RFC 3339. */
  readonly key: Readonly<Partial<Record<GroupName, string | null>>>;
}

export interface StatsBucket extends DeedSums {
  /** RFC 3339; where the span begins, in UTC. */
  readonly from: string;
}

export interface Stats extends DeedSums, ReadState {
  readonly groups: readonly StatsGroup[];
  /** How many groups there are in all. */
  readonly groupCount: number;
  /** Oldest first; spans without a deed are left out. */
  readonly buckets: readonly StatsBucket[];
}

/** One program that sends, as its own sequence tells. */
export interface SourceView {
  readonly tenant: string;
  readonly name: string;
  readonly instance: string;
  /** Entries that name it. */
  readonly entries: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Sequence numbers between first and last that never arrived: each is a lost event. */
  readonly missing: number;
  /** `[from, to]`, both missing; at most 100, the newest first. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
  /** RFC 3339; `received.at` of its newest entry. */
  readonly lastSeen: string;
}

export interface SourcesQuery {
  readonly filter: EventFilter;
  /** 1 to 1,000; default 1,000. The ones that were seen last come first. */
  readonly limit?: number;
  readonly wait?: boolean;
}

export interface SourceList extends ReadState {
  readonly sources: readonly SourceView[];
  readonly sourceCount: number;
}

export interface EffectsQuery extends Omit<SearchQuery, "deeds" | "deed"> {
  /** `open`: intents that no outcome followed. Default: open. */
  readonly state?: "open" | "closed" | "all";
}

/** An intent, and whether an outcome of its deed is known. */
export interface EffectView extends SearchHit {
  readonly state: "open" | "closed";
}

export interface EffectPage extends ReadState {
  readonly effects: readonly EffectView[];
  readonly nextCursor?: string;
}

/** The name and version of a page of bundles. */
export const BUNDLES_FORMAT = "vouchtrail-bundles/1";

/** Many entries for checking offline: the answer of `GET /api/v1/bundle`. */
export interface BundlePage extends ReadState {
  readonly format: typeof BUNDLES_FORMAT;
  /** Signed notes: the newest one when the question came, and the one that covers all bundles and under which each of them is proved. */
  readonly checkpoints: { readonly first: string; readonly last: string };
  readonly bundles: readonly EvidenceBundle[];
  readonly nextCursor?: string;
}

/**
 * The one read contract, opened for a principal. The server implements it in process, clients over HTTP: whoever uses it cannot tell which.
 *
 * @throws {AuditError} `NOT_FOUND` also for what the principal may not see: it must not learn that it exists. `FILTER_INVALID`, `CURSOR_INVALID`
 * for questions that are wrong; `SEARCH_UNAVAILABLE`, `SEARCH_BEHIND`, `QUERY_TIMEOUT` when the search index cannot answer now.
 */
export interface AuditReader {
  get(id: string, tenant?: string): Promise<EntryView & ReadState>;
  /** Leaf, sections, inclusion proof and key in one JSON for checking offline. Waits until a checkpoint covers the entry. */
  bundle(id: string, tenant?: string): Promise<EvidenceBundle>;
  /** `c2sp.org/tlog-proof@v1` text. Waits until a checkpoint covers the entry. */
  inclusionProof(id: string, tenant?: string): Promise<string>;
  /** The newest signed note. */
  checkpoint(): Promise<string>;
  /** Verifier key of the ledger. It comes from the party that is checked: pin the one you got elsewhere. */
  vkey(): Promise<string>;
  /** Entries that match, a page at a time. */
  search(query: SearchQuery): Promise<SearchPage>;
  /** Sums over deeds: each deed counts once, whoever told of it. */
  stats(query: StatsQuery): Promise<Stats>;
  /** Every source with its last sequence and its gaps. */
  sources(query: SourcesQuery): Promise<SourceList>;
  /** Intents, and whether an outcome followed. */
  effects(query: EffectsQuery): Promise<EffectPage>;
  /** Bundles of all entries that match, a page at a time, oldest first. */
  bundles(query: Omit<SearchQuery, "order">): Promise<BundlePage>;
  /** Sessions of agents, each with its verdict. */
  sessions(query: SessionsQuery): Promise<SessionPage>;
  /** Whether the record of a session is complete: what each vantage point told of it, compared. */
  completeness(query: SessionQuery): Promise<CompletenessAnswer>;
  /** One session as a story: its prompts, below them what was done. */
  session(query: SessionStoryQuery): Promise<SessionStory>;
  /** Why an event happened: prompt, decision, approval, action, outcome, each with its proof. Waits until all that is stored can be found. */
  explain(id: string, tenant?: string): Promise<Explanation>;
}

/** SQL over the search index, for administrators: it sees all tenants. */
export interface SqlQuery {
  /** One SELECT statement over `entries`, `deeds` and `agent_audit_log`, at most 100,000 characters. */
  readonly sql: string;
  /** Rows in the answer, 1 to 100,000; default 1,000. */
  readonly limit?: number;
  readonly wait?: boolean;
}

export interface SqlAnswer extends ReadState {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** JSON values in the order of the columns: numbers that a double cannot hold, times and the like are text. */
  readonly rows: readonly (readonly unknown[])[];
  /** True when there are more rows than were asked for. */
  readonly isTruncated: boolean;
  readonly elapsedMs: number;
}
