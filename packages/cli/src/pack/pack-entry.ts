import { type EntryView, type JsonObject, joinEvent, type SectionTexts, sectionTexts } from "@vouchtrail/events";
import { type EvidenceBundle, encodeBase64, type SectionName, type VerifiedBundle } from "@vouchtrail/protocol";

/** One entry of a pack, after its bundle was verified. */
export interface PackEntry extends EntryView {
  /** What the filter `text` looks at. */
  readonly texts: SectionTexts;
}

/** Puts the event of a verified bundle together. */
export function packEntryOf(bundle: EvidenceBundle, { index, leafHash, origin, sections }: VerifiedBundle): PackEntry {
  const leaf = JSON.parse(bundle.leaf) as JsonObject & { received: JsonObject; redactions?: JsonObject; system?: JsonObject };
  const values: Partial<Record<SectionName, JsonObject>> = {};
  for (const name of ["personal", "content"] as const) {
    const disclosure = bundle.disclosures[name];
    if (disclosure !== undefined) values[name] = (JSON.parse(disclosure) as [string, string, JsonObject])[2];
  }
  return {
    index,
    leafHash: encodeBase64(leafHash),
    origin,
    event: joinEvent(leaf, values),
    received: leaf.received,
    ...(leaf.redactions === undefined ? {} : { redactions: leaf.redactions }),
    ...(leaf.system === undefined ? {} : { system: leaf.system }),
    sections,
    texts: sectionTexts(bundle.disclosures),
  };
}
