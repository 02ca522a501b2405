import { type EntryView, type JsonObject, joinEvent } from "@vouchtrail/events";
import { encodeBase64, type SectionName, verifyEntry } from "@vouchtrail/protocol";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { sha256 } from "../ledger/hashing.ts";
import type { StoredEntry } from "../ledger/ledger.ts";

/** Verifies an entry against its leaf and puts its event together again. @throws {ProtocolError} for an entry that does not match itself. */
export function viewEntry(ledger: FileLedger, stored: StoredEntry): EntryView {
  const verified = verifyEntry(
    {
      leaf: Buffer.from(stored.leaf),
      disclosures: stored.disclosures,
      erasedBy: (section) => {
        const record = ledger.erasedBy(stored.index, section);
        return record === undefined ? undefined : { index: record.index, at: record.at };
      },
    },
    sha256,
  );
  const leaf = JSON.parse(stored.leaf) as JsonObject & { received: JsonObject; redactions?: JsonObject; system?: JsonObject };
  const sections: Partial<Record<SectionName, JsonObject>> = {};
  for (const section of ["personal", "content"] as const) {
    const disclosure = stored.disclosures[section];
    if (disclosure !== undefined) sections[section] = (JSON.parse(disclosure) as [string, string, JsonObject])[2];
  }
  return {
    index: stored.index,
    leafHash: encodeBase64(verified.leafHash),
    origin: ledger.origin,
    event: joinEvent(leaf, sections),
    received: leaf.received,
    ...(leaf.redactions === undefined ? {} : { redactions: leaf.redactions }),
    ...(leaf.system === undefined ? {} : { system: leaf.system }),
    sections: verified.sections,
  };
}
