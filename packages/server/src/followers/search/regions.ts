import type { DuckDBConnection } from "@duckdb/node-api";
import { StoreUnsound } from "./damage.ts";
import { type HotTable, hotName } from "./hot-table.ts";
import { type IndexFile, tablesOf } from "./index-file.ts";
import { fileStart, type IndexLayout } from "./index-layout.ts";
import type { EngineCursor } from "./search-engine.ts";
import { viewsSql } from "./views.ts";

/**
 * Where the rows of the index stand: files, and behind them hot tables.
 *
 * Invariants: no entry stands in two places. Hot tables follow each other without a hole and begin where the files leave off: at the first entry
 * that no file has, counted from `minimum`. Files further on, which a repair left behind, stay untouched until the hole before them is closed.
 */
export interface Regions {
  readonly origin: string;
  readonly layout: IndexLayout;
  /** Entries below it were pruned. */
  minimum: number;
  readonly files: Map<number, IndexFile>;
  hot: readonly HotTable[];
}

export function filesInOrder({ files }: Regions): IndexFile[] {
  return [...files.values()].sort((a, b) => a.first - b.first);
}

/** Everything below it is in the index. */
export function reachOf(regions: Regions): EngineCursor {
  return follow(regions, true);
}

/** Everything below it is on disk. */
export function durableReachOf(regions: Regions): EngineCursor {
  return follow(regions, false);
}

/** The first entry from there on that is in the index already; infinity when there is none. */
export function nextOccupied({ files, hot }: Regions, index: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const { minimum, next } of files.values()) if (next > index && next > minimum) nearest = Math.min(nearest, Math.max(minimum, index));
  for (const { start, next } of hot) if (next > index && next > start) nearest = Math.min(nearest, Math.max(start, index));
  return nearest;
}

/**
 * Says anew what the views select from. To be called while no snapshot begins.
 * @throws {StoreUnsound} The views may show what is not there any more.
 */
export async function redefineViews(regions: Regions, connection: DuckDBConnection): Promise<void> {
  const tables = [...filesInOrder(regions).flatMap(tablesOf), ...regions.hot.map(hotName)];
  try {
    for (const sql of viewsSql(tables)) await connection.run(sql);
  } catch (cause) {
    throw new StoreUnsound("The views could not be defined.", { cause });
  }
}

function follow({ origin, layout, minimum, files, hot }: Regions, withHot: boolean): EngineCursor {
  let position = minimum;
  let leafHash: string | undefined;
  for (;;) {
    const file = files.get(fileStart(layout, position));
    const table = withHot ? hot.find(({ start, next }) => start <= position && position < next) : undefined;
    const region = file !== undefined && file.minimum <= position && position < file.next ? file : table;
    if (region === undefined) return { origin, next: position, ...(leafHash === undefined ? {} : { leafHash }) };
    position = region.next;
    leafHash = region.leafHash;
  }
}
