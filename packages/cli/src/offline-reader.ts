import { AuditError, type AuditReader } from "@vouchtrail/events";

/** What the ledger itself answers, without a server. */
type LedgerReader = Pick<AuditReader, "get" | "bundle" | "inclusionProof" | "checkpoint" | "vkey">;

/**
 * The read contract over a data directory that no server has open: finding and counting need the search index, which only a server keeps.
 *
 * @throws {AuditError} `SEARCH_UNAVAILABLE` for these.
 */
export function openOfflineReader(ledger: LedgerReader): AuditReader {
  const unavailable = async (): Promise<never> => {
    throw new AuditError("SEARCH_UNAVAILABLE", {
      message: "Searching and counting need the server. Start it with: vouchtrail serve --data <dir>",
    });
  };
  return {
    ...ledger,
    search: unavailable,
    stats: unavailable,
    sources: unavailable,
    effects: unavailable,
    bundles: unavailable,
    sessions: unavailable,
    completeness: unavailable,
    session: unavailable,
    explain: unavailable,
  };
}
