import type { EvidenceBundle, SectionName, SectionState } from "@vouchtrail/protocol";
import type { JsonObject } from "./event.ts";

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

/**
 * The one read contract, opened for a principal. The server implements it in process, clients over HTTP: whoever uses it cannot tell which.
 *
 * @throws {AuditError} `NOT_FOUND` also for what the principal may not see: it must not learn that it exists.
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
}
