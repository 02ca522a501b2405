// What verifying offers to the command line and to tests. A new line here is public API.
export { findLedgerFolder } from "./ledger-files.ts";
export { type VerifyBundleOptions, verifyBundleFile } from "./verify-bundle-file.ts";
export { type VerifyFolderOptions, verifyLedgerFolder } from "./verify-ledger-folder.ts";
export type { Verdict, VerifyFinding, VerifyProgress, VerifyReport } from "./verify-report.ts";
export { type VerifyServerOptions, verifyServer } from "./verify-server.ts";
