import { AuditError, type AuditReader, EventIdSchema } from "@vouchtrail/events";
import { parseLeafFrame } from "@vouchtrail/protocol";
import type { Principal } from "../intake/principal.ts";
import type { FileLedger } from "../ledger/file-ledger.ts";
import type { StoredEntry } from "../ledger/ledger.ts";
import { viewEntry } from "./entry-view.ts";
import { createProofs } from "./proofs.ts";

/** What the ledger itself answers. */
export type LedgerReader = Pick<AuditReader, "get" | "bundle" | "inclusionProof" | "checkpoint" | "vkey">;

/** The part of the read contract that needs no search index, over a ledger in this process. */
export function openLedgerReader(ledger: FileLedger, principal: Pick<Principal, "tenant">): LedgerReader {
  const proofs = createProofs(ledger);

  async function findEntry(id: string, tenant: string | undefined): Promise<StoredEntry> {
    const unknown = (): AuditError => new AuditError("NOT_FOUND", { message: "There is no event with this id." });
    if (!EventIdSchema.safeParse(id).success)
      throw new AuditError("FILTER_INVALID", { path: "id", message: "The id of an event is a UUID." });
    if (principal.tenant !== undefined && tenant !== undefined && tenant !== principal.tenant) throw unknown();
    const wanted = tenant ?? principal.tenant;
    const matches: StoredEntry[] = [];
    for (const index of await ledger.findById(id.toLowerCase())) {
      for await (const batch of ledger.read(index, index + 1)) {
        for (const entry of batch) if (wanted === undefined || parseLeafFrame(entry.leaf).tenant === wanted) matches.push(entry);
      }
    }
    const [first, second] = matches;
    if (first === undefined) throw unknown();
    if (second !== undefined) {
      throw new AuditError("FILTER_INVALID", {
        path: "tenant",
        message: "More than one tenant has an event with this id. Name one with ?tenant=.",
      });
    }
    return first;
  }

  return {
    async get(id, tenant) {
      const entry = await findEntry(id, tenant);
      const { treeSize } = await ledger.head();
      return { ...viewEntry(ledger, entry), treeSize, searchedTo: treeSize };
    },
    bundle: async (id, tenant) => proofs.bundle(await findEntry(id, tenant)),
    inclusionProof: async (id, tenant) => proofs.inclusionProof((await findEntry(id, tenant)).index),
    checkpoint: () => ledger.checkpoint(),
    vkey: async () => ledger.vkey,
  };
}
