import { type AuditEvent, cutText, type JsonObject } from "@vouchtrail/events";
import { sha256 } from "../ledger/hashing.ts";

/** Characters kept of a text that is cut because its section is too large. */
const PREVIEW_CHARS = 500;
/** Texts shorter than this are not worth cutting. */
const CUT_CHARS_MIN = 2_000;
const CUTTABLE = ["details", "changes", "proof", "outcome", "activity", "extensions", "labels", "security"] as const;

/**
 * Cuts what makes the content of an event larger than a disclosure may be: long texts first, the longest first, and where that is not enough
 * whole members. What is cut becomes a preview with the length and SHA-256 of the whole, after redaction. Rule: SECTION-4.
 *
 * @param bytesMax Bytes of one disclosure.
 * @returns The same event if it fits.
 */
export function fitContent(event: AuditEvent, bytesMax: number): { event: AuditEvent; cuts: number } {
  // A code unit is at most six bytes in JSON; most events are far below and never looked at.
  const size = contentBytes(event);
  if (size <= bytesMax) return { event, cuts: 0 };
  const fitted = structuredClone(event) as AuditEvent & JsonObject;
  let excess = size - bytesMax;
  let cuts = 0;
  const texts: { chars: number; cut: () => void }[] = [];
  for (const member of CUTTABLE)
    collectTexts(fitted, member, texts, member === "activity" || member === "outcome" || member === "security" ? 1 : 0);
  texts.sort((left, right) => right.chars - left.chars);
  for (const text of texts) {
    if (excess <= 0) break;
    text.cut();
    excess -= text.chars - PREVIEW_CHARS - 200;
    cuts += 1;
  }
  // Millions of small values: the member as a whole becomes one cut text, the largest first.
  for (const { parent, key, json } of freeFormMembers(fitted)) {
    if (contentBytes(fitted) <= bytesMax) break;
    parent[key] = cutText(json, PREVIEW_CHARS, "size", sha256);
    cuts += 1;
  }
  return { event: fitted, cuts };
}

/** The members that hold any number of values, the largest first. */
function freeFormMembers(event: AuditEvent & JsonObject): readonly { parent: JsonObject; key: string; json: string }[] {
  const body = event.activity?.[event.activity.type] as JsonObject | undefined;
  const places: readonly (readonly [JsonObject | undefined, ...string[]])[] = [
    [event, "details", "changes", "extensions"],
    [event.outcome, "result"],
    [event.proof, "data"],
    [event.security, "resourcesAccessed"],
    [body, "parameters", "shown", "optionsConsidered"],
  ];
  return places
    .flatMap(([parent, ...keys]) => keys.map((key) => ({ parent, key })))
    .flatMap(({ parent, key }) => (parent?.[key] === undefined ? [] : [{ parent, key, json: JSON.stringify(parent[key]) }]))
    .sort((left, right) => right.json.length - left.json.length);
}

function contentBytes(event: AuditEvent): number {
  let bytes = 0;
  for (const member of CUTTABLE) if (event[member] !== undefined) bytes += Buffer.byteLength(JSON.stringify(event[member]));
  return bytes + 512;
}

/** Remembers how to cut each long text below a member; `leafLevels` levels from the top hold texts of the leaf, which stay. */
function collectTexts(parent: JsonObject, key: string, texts: { chars: number; cut: () => void }[], leafLevels: number): void {
  const value = parent[key];
  if (typeof value === "string") {
    if (value.length < CUT_CHARS_MIN) return;
    const cut = (): void => {
      parent[key] = cutText(value, PREVIEW_CHARS, "size", sha256);
    };
    texts.push({ chars: value.length, cut });
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const name of Object.keys(value)) {
    if (leafLevels > 0 && (name === "status" || name === "code" || name === "type" || name === "name")) continue;
    collectTexts(value as JsonObject, name, texts, leafLevels - 1);
  }
}
