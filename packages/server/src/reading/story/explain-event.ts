import type { AuditReader, Explanation, ExplanationLink } from "@vouchtrail/events";
import type { FileLedger } from "../../ledger/file-ledger.ts";
import type { StoredEntry } from "../../ledger/ledger.ts";
import { viewEntry } from "../entry-view.ts";
import { damagedEntry, readPage } from "../page-entries.ts";
import { createProofs } from "../proofs.ts";
import { chainOf } from "./explanation-chain.ts";
import { findParentEntry, gatherRelated } from "./related-entries.ts";

export interface ExplainOptions {
  readonly ledger: FileLedger;
  readonly reader: Pick<AuditReader, "get" | "search">;
  /** Only entries of this tenant are read. */
  readonly tenant: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Explains an event: what led to it, who allowed it, what became of it. Every entry of the chain is read from the ledger, checked against its leaf, and proved
 * under one checkpoint.
 *
 * @throws {AuditError} As `get` for the event; `SEARCH_BEHIND` when what is stored cannot be found in time; `CHECKPOINT_TIMEOUT`. Rules: EXPLAIN-1, EXPLAIN-7, EXPLAIN-8.
 */
export async function explainEvent(id: string, named: string | undefined, options: ExplainOptions): Promise<Explanation> {
  const { ledger, reader, tenant, signal } = options;
  const { treeSize: _size, searchedTo: _searched, ...view } = await reader.get(id, named);
  const { hits, searchedTo } = await gatherRelated(reader, view);
  const parent = await findParentEntry(reader, view);
  if (parent !== undefined && !hits.some(({ index }) => index === parent.index)) hits.push(parent);
  const { links, missing, approval } = chainOf(view.index, hits);

  const ascending = [...links].sort((left, right) => left.index - right.index);
  const stored: StoredEntry[] = [];
  for await (const group of readPage(ledger, ascending, { tenant, signal }))
    for (const { stored: entry } of group) if (entry !== undefined) stored.push(entry);
  const { checkpoint, bundles } = await createProofs(ledger).bundles(stored, signal);

  const proved = new Map<number, Pick<ExplanationLink, "entry" | "inclusionProof" | "bundle">>();
  for (const [position, entry] of stored.entries()) {
    const bundle = bundles[position];
    if (bundle !== undefined) proved.set(entry.index, { entry: viewOf(ledger, entry), inclusionProof: bundle.inclusionProof, bundle });
  }
  const { treeSize } = await ledger.head();
  return {
    event: view,
    // What retention removed meanwhile is left out.
    chain: links.flatMap(({ role, index, basis, why }) => {
      const proof = proved.get(index);
      return proof === undefined ? [] : [{ role, ...proof, basis, why }];
    }),
    missing,
    ...(approval === undefined ? {} : { approval }),
    checkpoint,
    treeSize,
    searchedTo,
  };
}

function viewOf(ledger: FileLedger, stored: StoredEntry): ReturnType<typeof viewEntry> {
  try {
    return viewEntry(ledger, stored);
  } catch (cause) {
    throw damagedEntry(stored.index, cause);
  }
}
