import type { AuditReader, EventFilter, FilterCondition, ReadState } from "@vouchtrail/events";
import type { SheetColumn, SheetRow } from "../sheet.ts";

/** The part of the read contract that reports are made from: the right to read is enough, and tenants stay apart. */
export type ReportReader = Pick<AuditReader, "search" | "stats">;

/** Which deeds a report is about. */
export interface ReportQuestion {
  /** What agents did: deeds with an activity. */
  readonly filter: EventFilter;
  /** How far it reaches back, in milliseconds. */
  readonly spanMs: number;
  /** Rows in the answer. */
  readonly limit: number;
  /** First wait until everything that was recorded can be found. */
  readonly wait: boolean;
}

/** How many deeds there were in spans of equal length, one after the other. */
export interface DeedSeries {
  readonly counts: readonly number[];
  /** RFC 3339: where the first and the last span with a deed begin. */
  readonly from: string;
  readonly to: string;
}

/** The answer of a report, ready to be printed. */
export interface Report extends ReadState {
  readonly columns: readonly SheetColumn[];
  readonly rows: readonly SheetRow[];
  /** How many rows there are in all. */
  readonly total: number;
  /** What `total` counts, in the singular. */
  readonly noun: string;
  /** Deeds over time, for a line over the table. */
  readonly series?: DeedSeries;
  /** What the reader must know to read it right. */
  readonly notice?: string;
}

/** A filter with one more condition. */
export function withCondition(filter: EventFilter, condition: FilterCondition): EventFilter {
  return { ...filter, conditions: [...filter.conditions, condition] };
}
