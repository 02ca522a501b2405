// `@vouchtrail/server/ledger`: a trail in the process of an application, without HTTP, search index or native code. A new line here is public API.
export type { FileLedger } from "./ledger/file-ledger.ts";
export type { AppendResult, Erasure, Head, Ledger, Receipt, SealedEntry, StoredEntry } from "./ledger/ledger.ts";
export { type LedgerReader, openLedgerReader } from "./reading/ledger-reader.ts";
export type { LedgerLogger } from "./running-ledger.ts";
export { type OpenTrailOptions, openTrail, type Trail, type TrailAnswer, type TrailConfig, type TrailEvent } from "./trail.ts";
export { VERSION } from "./version.ts";
