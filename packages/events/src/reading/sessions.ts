import type { Completeness } from "./completeness.ts";
import type { EventFilter } from "./event-filter.ts";
import type { ReadState } from "./reader.ts";

export interface SessionsQuery {
  /** Sessions with an entry that matches; what is told of them is told from all their entries. */
  readonly filter: EventFilter;
  /** 1 to 200; default 50. The ones with the newest entry come first. */
  readonly limit?: number;
  /** From `nextCursor` of the page before, with the same filter. */
  readonly cursor?: string;
  readonly wait?: boolean;
}

/** One session of an agent. Calls, tokens and costs are counted once for each deed, whoever told of it. */
export interface SessionSummary {
  readonly tenant: string;
  readonly id: string;
  /** Ids of agents that acted in it, at most 20. */
  readonly agents: readonly string[];
  /** Ids of persons that acted in it, at most 20; one that is not known is `unknown`. */
  readonly users: readonly string[];
  readonly models: readonly string[];
  /** RFC 3339: `occurredAt` of its first and last entry. */
  readonly startedAt: string;
  readonly lastAt: string;
  readonly durationMs: number;
  readonly entries: number;
  readonly prompts: number;
  readonly toolCalls: number;
  readonly failures: number;
  readonly denials: number;
  readonly tokensInput: number;
  readonly tokensOutput: number;
  readonly tokensCacheRead: number;
  readonly tokensCacheWrite: number;
  readonly costUsd: number;
  readonly vantagePoints: readonly string[];
  readonly verdict: Completeness["verdict"];
  readonly holeCount: number;
}

export interface SessionPage extends ReadState {
  readonly sessions: readonly SessionSummary[];
  readonly nextCursor?: string;
}

/** Names one session. */
export interface SessionQuery {
  readonly id: string;
  /** Needed only where several tenants have a session of this id. */
  readonly tenant?: string;
  readonly wait?: boolean;
}
