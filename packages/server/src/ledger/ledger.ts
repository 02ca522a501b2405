import type { SectionName } from "@vouchtrail/protocol";

/** What identifies an event and tells whether a second one with its id is the same (design: equal occurredAt, action and outcome.status). */
export interface EntryKey {
  readonly tenant: string;
  /** UUID in lower case. */
  readonly id: string;
}

export type Sections<T> = { readonly [Name in SectionName]?: T };

/** An event as sealed, before it has an index. All texts are JSON without raw tabs or line feeds. */
export interface SealedEntry extends EntryKey {
  readonly leaf: string;
  /** 32 bytes: SHA-256(0x00 || leaf). */
  readonly leafHash: Uint8Array;
  readonly disclosures: Sections<string>;
  readonly occurredAt: string;
  readonly action: string;
  readonly status: string;
  /** True for entries that the server writes itself: the leaf has the member `system`. */
  readonly isSystem: boolean;
}

/** An entry as read back. An absent disclosure was never there or is erased: the leaf's `sections` tells which. */
export interface StoredEntry {
  readonly index: number;
  readonly leaf: string;
  readonly disclosures: Sections<string>;
}

/** What the sender gets. Unsigned: evidence against the operator begins with an inclusion proof under a checkpoint. */
export interface Receipt {
  readonly origin: string;
  readonly id: string;
  readonly index: number;
  /** Standard base64 of 32 bytes. */
  readonly leafHash: string;
}

export type AppendResult = { readonly receipt: Receipt; readonly isDuplicate: boolean } | { readonly conflictIndex: number };

/** Half-open index ranges `[from, to)` per section. */
export type Erasure = { readonly [Name in SectionName]?: readonly (readonly [from: number, to: number])[] };

export interface Head {
  readonly treeSize: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Entries below it were pruned; their hashes remain. 0 if never pruned. */
  readonly minimumIndex: number;
}

/**
 * The append-only, ordered sequence of entries: the one source of truth.
 *
 * *Trusted*: whoever can change it and holds the signing key can forge history that no remembered checkpoint covers.
 */
export interface Ledger {
  readonly origin: string;
  /**
   * Appends in order. Durable when resolved.
   * @throws {AuditError} `OUTCOME_UNKNOWN` (the disk failed; retry with the same ids), `PUSHBACK`, `DISK_FULL`, `LEDGER_READ_ONLY`, `SHUTTING_DOWN`.
   */
  append(entries: readonly SealedEntry[]): Promise<readonly AppendResult[]>;
  /** Durable entries `[from, to)` in batches. @throws {AuditError} `ENTRY_PRUNED`, `RANGE_INVALID`. */
  read(from: number, to: number, signal?: AbortSignal): AsyncIterable<readonly StoredEntry[]>;
  /** Indexes of durable entries, undefined where there is none. */
  find(keys: readonly EntryKey[]): Promise<readonly (number | undefined)[]>;
  /** The durable head, never the one in memory. */
  head(): Promise<Head>;
  /** Resolves once the durable size is at least `treeSize`. Rejects when the signal aborts or the ledger closes. */
  waitFor(treeSize: number, signal: AbortSignal): Promise<void>;
  /** The newest published signed note. */
  checkpoint(): Promise<string>;
  /** Compare-and-swap: refuses a note that is smaller than, or inconsistent with, the published one. For cosigned notes. */
  publish(note: string): Promise<void>;
  /** Hashes of a tile as of the published checkpoint, `width` * 32 bytes. @throws {AuditError} `TILE_UNKNOWN`. */
  tile(level: number, n: number, width: number): Promise<Uint8Array>;
  /** Removes disclosures. The erasure entry at `erasureIndex` is durable already and names the same ranges. */
  erase(ranges: Erasure, erasureIndex: number): Promise<void>;
  /**
   * Removes whole segments below `minimumIndex`. A prune entry that reaches as far is durable already.
   * @throws {AuditError} `RANGE_INVALID` beyond the checkpoint, or without such an entry when there is something to remove.
   */
  prune(minimumIndex: number): Promise<void>;
  /** Finishes what was accepted and signs a final checkpoint. */
  close(): Promise<void>;
}
