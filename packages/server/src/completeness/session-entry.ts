import type { VantagePoint } from "@vouchtrail/events";

/** What of an entry tells whether a session is complete: its envelope, never its content, so that erasing changes no verdict. */
export interface SessionEntry {
  readonly index: number;
  readonly id: string;
  readonly via: VantagePoint;
  readonly action: string;
  readonly phase?: string | undefined;
  readonly status: string;
  readonly code?: string | undefined;
  readonly callId?: string | undefined;
  readonly conversationId?: string | undefined;
  readonly activityType?: string | undefined;
  /** Name of the tool. */
  readonly activityName?: string | undefined;
  /** The label `platform`: which agent's hooks they are. */
  readonly platform?: string | undefined;
  /** Milliseconds since 1970. */
  readonly occurredAtMs: number;
}

/** Numbers of a source that never arrived, within those that the session has. */
export interface SequenceGap {
  readonly source: string;
  readonly instance: string;
  readonly from: number;
  readonly to: number;
}

/** Everything that the trail has of one session. */
export interface SessionRecord {
  readonly tenant: string;
  readonly sessionId: string;
  /** In the order of the ledger. */
  readonly entries: readonly SessionEntry[];
  readonly gaps: readonly SequenceGap[];
  /** True when there are more entries than are compared. */
  readonly isCut: boolean;
}

const VANTAGE_OF: Readonly<Record<string, VantagePoint>> = {
  hook: "hook",
  import: "import",
  otlp: "otlp",
  proxy: "proxy",
  sdk: "sdk",
  http: "sdk",
  mcp: "sdk",
  queue: "sdk",
};

/** @param via `received.via`. @returns undefined for what the server itself wrote: it saw nothing of the session. */
export function vantagePointOf(via: string): VantagePoint | undefined {
  return Object.hasOwn(VANTAGE_OF, via) ? VANTAGE_OF[via] : undefined;
}
