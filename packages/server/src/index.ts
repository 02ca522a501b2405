// The whole public surface of the server. A new line here is public API.
export { type ConfigOption, configOptions, environmentName, type LoadedConfig, loadConfig } from "./config/config.ts";
export { type Config, ConfigSchema } from "./config/schema.ts";
export {
  type DataPaths,
  dataPaths,
  type Fork,
  forkLedger,
  LEDGER_NAME,
  openDataDirectory,
  prepareDataDirectory,
  readDataDirectory,
} from "./data-directory.ts";
export { type Principal, SCOPES, type Scope } from "./intake/principal.ts";
export { sealEvent, sealSystemEntry } from "./intake/seal.ts";
export { type KeyRecord, type KeyStore, openKeyStore } from "./keys.ts";
export { generateSeed, signerFromSeed, verifyEd25519 } from "./ledger/ed25519.ts";
export { type FileLedger, type FileLedgerOptions, openFileLedger } from "./ledger/file-ledger.ts";
export { sha256 } from "./ledger/hashing.ts";
export type { AppendResult, Erasure, Head, Ledger, Receipt, SealedEntry, StoredEntry } from "./ledger/ledger.ts";
export { type DataLock, lockDataDirectory } from "./ledger/lock.ts";
export { defaultStateFolder, openRememberedCheckpoints, type RememberedCheckpoints } from "./ledger/remembered-checkpoint.ts";
export { createLogger } from "./logger.ts";
export { viewEntry } from "./reading/entry-view.ts";
export { type LedgerReader, openLedgerReader } from "./reading/ledger-reader.ts";
export type { LedgerLogger } from "./running-ledger.ts";
export {
  ADMIN_KEY_VARIABLE,
  type McpRecorded,
  type McpRouteCaller,
  type McpService,
  type RunningServer,
  type StartOptions,
  startServer,
} from "./server.ts";
export { type OpenTrailOptions, openTrail, type Trail, type TrailAnswer, type TrailConfig, type TrailEvent } from "./trail.ts";
export {
  findLedgerFolder,
  type Verdict,
  type VerifyBundleOptions,
  type VerifyFinding,
  type VerifyFolderOptions,
  type VerifyProgress,
  type VerifyReport,
  type VerifyServerOptions,
  verifyBundleFile,
  verifyLedgerFolder,
  verifyServer,
} from "./verify/index.ts";
export { VERSION } from "./version.ts";
