/**
 * The frame of a leaf: the members that every leaf has, in one order and one spelling, so that rebuilding and verifying need no
 * JSON parser. What follows them is JSON that this package does not look at. Rules: LEAF-1, LEAF-2.
 */

import { SECTION_NAMES, type SectionName } from "./disclosure.ts";
import { ProtocolError } from "./errors.ts";
import { ACTION_CHARS_MAX, DIGEST_CHARS, ENTRY_BYTES_MAX, OCCURRED_AT_CHARS_MAX, TENANT_CHARS_MAX } from "./limits.ts";
import { decodeUtf8 } from "./utf8.ts";

/** The version of the leaf's form. It is part of what is hashed: a later form cannot change what this one means. */
export const LEAF_SCHEMA = "vouchtrail/1";

/** How an action can have ended. */
export const OUTCOME_STATUSES = ["success", "failure", "partial", "pending", "denied"] as const;

/** One of {@link OUTCOME_STATUSES}. */
export type OutcomeStatus = (typeof OUTCOME_STATUSES)[number];

/** What the frame of a leaf says. */
export interface LeafFrame {
  readonly schema: typeof LEAF_SCHEMA;
  /** A UUID in the spelling its sender chose; 36 characters. */
  readonly id: string;
  /** The sections that were sealed with this leaf, `personal` before `content`. */
  readonly sections: readonly SectionName[];
  /** One digest a section, in the same order; 43 characters of base64url each. */
  readonly digests: readonly string[];
  readonly tenant: string;
  /** RFC 3339, not checked further here. */
  readonly occurredAt: string;
  readonly action: string;
  readonly status: OutcomeStatus;
}

const START = `{"schema":"${LEAF_SCHEMA}","id":"`;
const ID_CHARS = 36;
const ID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const TENANT = /^[A-Za-z0-9._-]+$/;
const ACTION = /^[A-Za-z0-9._:/-]+$/;
/** Printable ASCII that JSON does not escape. */
const OCCURRED_AT = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

/** Every list of sections a leaf may have, with its one spelling. */
const SECTION_LISTS: readonly { readonly sections: readonly SectionName[]; readonly json: string }[] = [
  ["personal", "content"] as const,
  ["content"] as const,
  ["personal"] as const,
  [],
].map((sections) => ({ sections, json: `","sections":${JSON.stringify(sections)},"_sd":[` }));

/** More bytes than the longest frame has, so that only these need decoding. */
const FRAME_BYTES_MAX = 768;

/**
 * Writes the start of a leaf, up to and including the `_sd` array. The caller goes on with `,"tenant":"…","occurredAt":"…",
 * "action":"…","outcome":{"status":"…"`, in this order and without white space, then anything, then `}`.
 *
 * @throws {ProtocolError} `LEAF_INVALID` for an id, list of sections or digest of another form.
 */
export function encodeLeafFrame(frame: {
  readonly id: string;
  readonly sections: readonly SectionName[];
  readonly digests: readonly string[];
}): string {
  const { id, sections, digests } = frame;
  const list = SECTION_LISTS.find(
    (known) => known.sections.length === sections.length && known.sections.every((name, i) => name === sections[i]),
  );
  if (list === undefined) throw new ProtocolError("LEAF_INVALID", { reason: "the sections are not in their order" });
  if (!ID.test(id)) throw new ProtocolError("LEAF_INVALID", { reason: "the id is not a UUID" });
  assertDigests(sections, digests);
  const [first, second] = digests;
  if (first === undefined) return `${START}${id}${list.json}]`;
  return second === undefined ? `${START}${id}${list.json}"${first}"]` : `${START}${id}${list.json}"${first}","${second}"]`;
}

/**
 * Reads the frame of a leaf by slicing. What follows the frame is not parsed; only the closing brace is looked at.
 *
 * @param leaf The leaf as stored, bytes or text.
 * @throws {ProtocolError} `LEAF_INVALID` for any other form, also for one that is the same JSON; `UTF8_INVALID`.
 */
export function parseLeafFrame(leaf: string | Uint8Array): LeafFrame {
  if (leaf.length > ENTRY_BYTES_MAX) throw new ProtocolError("LEAF_INVALID", { reason: "it is too long", bytes: leaf.length });
  const text = typeof leaf === "string" ? leaf : decodeStart(leaf);
  const closing = typeof leaf === "string" ? leaf.charCodeAt(leaf.length - 1) : leaf[leaf.length - 1];
  if (!text.startsWith(START)) throw new ProtocolError("LEAF_INVALID", { reason: "it does not start with the schema and the id" });
  if (closing !== 0x7d) throw new ProtocolError("LEAF_INVALID", { reason: "it does not end with a brace" });
  const idEnd = START.length + ID_CHARS;
  const id = text.slice(START.length, idEnd);
  if (!ID.test(id)) throw new ProtocolError("LEAF_INVALID", { reason: "the id is not a UUID" });

  const list = SECTION_LISTS.find(({ json }) => text.startsWith(json, idEnd));
  if (list === undefined) throw new ProtocolError("LEAF_INVALID", { reason: "the sections are missing or in another order" });
  let at = idEnd + list.json.length;
  const digests: string[] = [];
  for (const [i] of list.sections.entries()) {
    const opening = i === 0 ? '"' : ',"';
    const start = at + opening.length;
    at = start + DIGEST_CHARS + 1;
    if (!text.startsWith(opening, start - opening.length) || text[at - 1] !== '"')
      throw new ProtocolError("LEAF_INVALID", { reason: "a digest is missing" });
    digests.push(text.slice(start, at - 1));
  }
  assertDigests(list.sections, digests);

  const tenant = sliceString(text, at, '],"tenant":"', TENANT_CHARS_MAX, TENANT);
  const occurredAt = sliceString(text, tenant.end, ',"occurredAt":"', OCCURRED_AT_CHARS_MAX, OCCURRED_AT);
  const action = sliceString(text, occurredAt.end, ',"action":"', ACTION_CHARS_MAX, ACTION);
  const outcome = sliceString(text, action.end, ',"outcome":{"status":"', 16, TENANT);
  const status = OUTCOME_STATUSES.find((known) => known === outcome.value);
  const next = text[outcome.end];
  if (status === undefined || (next !== "," && next !== "}"))
    throw new ProtocolError("LEAF_INVALID", { reason: "the outcome has no known status" });
  return {
    schema: LEAF_SCHEMA,
    id,
    sections: list.sections,
    digests,
    tenant: tenant.value,
    occurredAt: occurredAt.value,
    action: action.value,
    status,
  };
}

function assertDigests(sections: readonly SectionName[], digests: readonly string[]): void {
  if (digests.length !== sections.length) throw new ProtocolError("LEAF_INVALID", { reason: "there is not one digest a section" });
  for (const digest of digests) {
    if (!DIGEST.test(digest)) throw new ProtocolError("LEAF_INVALID", { reason: "a digest is not 32 bytes of base64url" });
  }
  // RFC 9901: a digest that stands twice makes it undecidable which section a disclosure is.
  if (digests.length === SECTION_NAMES.length && digests[0] === digests[1])
    throw new ProtocolError("LEAF_INVALID", { reason: "a digest stands twice" });
}

function sliceString(text: string, at: number, opening: string, charsMax: number, pattern: RegExp): { value: string; end: number } {
  const start = at + opening.length;
  const end = text.startsWith(opening, at) ? text.indexOf('"', start) : -1;
  if (end <= start || end - start > charsMax)
    throw new ProtocolError("LEAF_INVALID", { reason: "a fixed member is missing, empty or too long", at });
  const value = text.slice(start, end);
  if (!pattern.test(value)) throw new ProtocolError("LEAF_INVALID", { reason: "a fixed member holds a character it may not hold", at });
  return { value, end: end + 1 };
}

/** Decodes no more than the frame; a character cut at the end is dropped, it cannot belong to the frame (which is ASCII). */
function decodeStart(leaf: Uint8Array): string {
  if (leaf.length <= FRAME_BYTES_MAX) return decodeUtf8(leaf);
  let end = FRAME_BYTES_MAX;
  while (end > 0 && (leaf[end]! & 0xc0) === 0x80) end -= 1;
  return decodeUtf8(leaf.subarray(0, end));
}
