import { hash } from "node:crypto";
import type { EntryView } from "@vouchtrail/events";

/**
 * Names what an answer says of one entry: its leaf never changes, and its sections only by erasure. The tag is weak, because the answer also says
 * how large the ledger was at the moment.
 */
export function entryTag({ origin, index, leafHash, sections }: Pick<EntryView, "origin" | "index" | "leafHash" | "sections">): string {
  return `W/"${hash("sha256", JSON.stringify([origin, index, leafHash, sections]), "base64url").slice(0, 22)}"`;
}

/** True when the asker has that state already. @param ifNoneMatch The header, a list of tags or `*`; compared weakly. Source: RFC 9110, 13.1.2. */
export function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const plain = (text: string): string => text.trim().replace(/^W\//, "");
  return ifNoneMatch.split(",").some((one) => one.trim() === "*" || plain(one) === plain(tag));
}
