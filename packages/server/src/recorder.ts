import type { ErrorCode, JsonObject } from "@vouchtrail/events";
import { type SystemRecord, sealSystemEntry } from "./intake/seal.ts";
import type { Ledger } from "./ledger/ledger.ts";

/** How often refusals are summed up in the trail. */
export const SUMMARY_INTERVAL_MS = 60_000;

/**
 * Writes the server's own entries: starts and stops, erasures, clock jumps, heartbeats, and once a minute what was refused, per code.
 * Nothing is dropped silently: what cannot be written now is summed up and written when it can.
 */
export interface Recorder {
  /** Appends one entry and resolves with its index. Rejects as `Ledger.append` does. */
  record(record: Omit<SystemRecord, "ledger">): Promise<number>;
  /** Counts what was refused or repaired, for the next summary. */
  count(what: ErrorCode | "EXTENSIONS_KEPT" | "INPUT_REPAIRED" | "TELEMETRY_NOT_KEPT", count?: number): void;
  /** Tells that something was appended, so that no heartbeat is due. */
  active(): void;
  /** Writes the summary that is due and stops the timers. */
  close(): Promise<void>;
}

export interface RecorderOptions {
  readonly ledger: Ledger;
  readonly ledgerName: string;
  readonly now: () => string;
  readonly heartbeatMs: number;
  /** {@link SUMMARY_INTERVAL_MS} unless given. */
  readonly summaryMs?: number;
  readonly onError: (error: unknown) => void;
}

export function createRecorder({
  ledger,
  ledgerName,
  now,
  heartbeatMs,
  summaryMs = SUMMARY_INTERVAL_MS,
  onError,
}: RecorderOptions): Recorder {
  let counts: JsonObject & Record<string, number> = {};
  let since = now();
  let isSilent = true;

  async function record(entry: Omit<SystemRecord, "ledger">): Promise<number> {
    const [result] = await ledger.append([sealSystemEntry({ ...entry, ledger: ledgerName }, now())]);
    if (result === undefined || !("receipt" in result)) throw new Error("A system entry met its own id.");
    return result.receipt.index;
  }

  async function summarise(): Promise<void> {
    if (Object.keys(counts).length === 0) return;
    const summary = counts;
    const from = since;
    counts = {};
    since = now();
    try {
      await record({ action: "intake.summary", system: { from, to: since, counts: summary }, status: "partial" });
    } catch (error) {
      for (const [what, count] of Object.entries(summary)) counts[what] = (counts[what] ?? 0) + count;
      since = from;
      onError(error);
    }
  }

  async function beat(): Promise<void> {
    if (!isSilent) {
      isSilent = true;
      return;
    }
    try {
      await record({ action: "ledger.heartbeat", system: { treeSize: (await ledger.head()).treeSize } });
    } catch (error) {
      onError(error);
    }
  }

  const summaryTimer = setInterval(() => void summarise(), summaryMs);
  const heartbeatTimer = setInterval(() => void beat(), heartbeatMs);

  return {
    record,
    count(what, count = 1) {
      if (Object.keys(counts).length === 0) since = now();
      counts[what] = (counts[what] ?? 0) + count;
    },
    active() {
      isSilent = false;
    },
    async close() {
      clearInterval(summaryTimer);
      clearInterval(heartbeatTimer);
      await summarise();
    },
  };
}
