import type { Measured, TreeUsage } from "./child.ts";
import { measureData } from "./disk.ts";
import { readProcessTree, sumUsage } from "./process-tree.ts";

/** A server under load, at one moment. */
export interface GrowthPoint {
  readonly acked: number;
  readonly searchedTo: number;
  /** Of the events since the point before. */
  readonly serverCpuUsPerEvent: number;
  readonly searchCpuUsPerEvent: number;
  readonly serverBytes: number;
  readonly searchBytes: number;
  /** Files: the ledger's, in which segments wait to be sealed, and the search index's. */
  readonly ledgerFileBytes: number;
  readonly searchFileBytes: number;
}

export interface Growth {
  readonly points: readonly GrowthPoint[];
  /** Both processes together, at the worst moment that was seen. */
  readonly residentPeakBytes: number;
  /** Entries that were durable and not searchable, at the worst moment that was seen. */
  readonly lagPeakEntries: number;
}

/** Watches a server while it works. */
export interface GrowthWatch {
  /** Told how many events were acked since the start. */
  acked(events: number): void;
  /** Ends the watch. */
  stop(): Promise<Growth>;
}

/** Short enough to see a batch of work come and go; a look costs about a millisecond. */
const LOOK_INTERVAL_MS = 200;

/** @param pointEvents Events between two points. */
export function watchGrowth(server: Measured, data: string, pointEvents: number): GrowthWatch {
  const points: GrowthPoint[] = [];
  let ackedEvents = 0;
  let residentPeakBytes = 0;
  let lagPeakEntries = 0;
  let last: { readonly usage: TreeUsage; readonly acked: number } | undefined;
  let isStopped = false;
  const looking = look();

  async function look(): Promise<void> {
    last = { usage: await server.usage(), acked: 0 };
    while (!isStopped) {
      const { treeSize, searchedTo } = await server.progress();
      lagPeakEntries = Math.max(lagPeakEntries, treeSize - searchedTo);
      const tree = await readProcessTree(server.pid);
      residentPeakBytes = Math.max(residentPeakBytes, sumUsage(tree).residentBytes);
      if (ackedEvents - (last?.acked ?? 0) >= pointEvents) await addPoint(searchedTo, tree);
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  async function addPoint(searchedTo: number, tree: Awaited<ReturnType<typeof readProcessTree>>): Promise<void> {
    const acked = ackedEvents;
    const usage = await server.usage();
    const files = await measureData(data);
    const before = last;
    if (before === undefined) return;
    const events = acked - before.acked;
    points.push({
      acked,
      searchedTo,
      serverCpuUsPerEvent: (usage.own.cpuUs - before.usage.own.cpuUs) / events,
      searchCpuUsPerEvent: (usage.children.cpuUs - before.usage.children.cpuUs) / events,
      serverBytes: tree[0]?.residentBytes ?? 0,
      searchBytes: sumUsage(tree.slice(1)).residentBytes,
      ledgerFileBytes: files.ledgerBytes,
      searchFileBytes: files.searchBytes,
    });
    last = { usage, acked };
  }

  return {
    acked(events) {
      ackedEvents = events;
    },
    async stop() {
      isStopped = true;
      await looking;
      return { points, residentPeakBytes, lagPeakEntries };
    },
  };
}
