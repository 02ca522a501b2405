import { type JsonObject, READ_ACTION } from "@vouchtrail/events";
import { type FileLedger, viewEntry } from "@vouchtrail/server";

/** What an entry of the trail tells of reads. */
export interface NotedReads {
  readonly index: number;
  readonly id: string;
  readonly tenant: string;
  /** Id of the key, or `loopback`. */
  readonly reader: string;
  readonly via: string;
  readonly reads: readonly { readonly route: string; readonly parameters: JsonObject; readonly count: number }[];
  readonly unnamed: number;
}

interface ReadEvent {
  readonly id: string;
  readonly tenant: string;
  readonly action: string;
  readonly actor: { readonly id: string };
  readonly details?: { readonly reads: NotedReads["reads"]; readonly unnamedReads?: readonly { readonly count: number }[] };
}

/** The entries of reads from an index on, from the ledger itself: looking that way leaves nothing behind. */
export async function notedReads(ledger: FileLedger, from = 0): Promise<NotedReads[]> {
  const { treeSize } = await ledger.head();
  const noted: NotedReads[] = [];
  for await (const batch of ledger.read(from, treeSize)) {
    for (const stored of batch) {
      const view = viewEntry(ledger, stored);
      const { id, tenant, action, actor, details } = view.event as unknown as ReadEvent;
      if (action !== READ_ACTION) continue;
      const unnamed = (details?.unnamedReads ?? []).reduce((sum, { count }) => sum + count, 0);
      noted.push({ index: view.index, id, tenant, reader: actor.id, via: String(view.received.via), reads: details?.reads ?? [], unnamed });
    }
  }
  return noted;
}

/** One line for each read, as `3 GET /api/v1/events {"limit":"5"}`. */
export function linesOf(noted: readonly NotedReads[]): string[] {
  return noted.flatMap(({ reads }) => reads.map(({ route, parameters, count }) => `${count} ${route} ${JSON.stringify(parameters)}`));
}
