import {
  AuditError,
  type AuditEvent,
  type JsonObject,
  LEAF_BYTES_MAX,
  type PrivacyPolicy,
  type Received,
  SYSTEM_LEAF_BYTES_MAX,
  splitEvent,
} from "@vouchtrail/events";
import { encodeLeafFrame, type SectionName } from "@vouchtrail/protocol";
import { v7 as uuidv7 } from "uuid";
import { digestOfDisclosure, hashLeafText } from "../ledger/hashing.ts";
import type { SealedEntry } from "../ledger/ledger.ts";
import { nextSalt } from "./salt.ts";

/** What redaction did to an event, for its leaf (rules and hits) and its content section (lengths in buckets). */
export interface RedactionRecord {
  readonly hits: JsonObject;
  readonly lengthBuckets: JsonObject;
}

const BOTH: readonly SectionName[] = ["personal", "content"];
const CONTENT: readonly SectionName[] = ["content"];
const PERSONAL: readonly SectionName[] = ["personal"];

/**
 * Seals one event: splits it, salts the sections, builds the leaf and hashes it. Pure but for the salts.
 *
 * @param event Valid, redacted and minimised; its id in lower case.
 * @throws {AuditError} `EVENT_TOO_LARGE` when the leaf would be too long, which the limits of its fields should not allow.
 */
export function sealEvent(event: AuditEvent, received: Received, policy: PrivacyPolicy, redaction?: RedactionRecord): SealedEntry {
  const split = splitEvent(event, received, policy, redaction?.hits, redaction?.lengthBuckets);
  const disclosures: { personal?: string; content?: string } = {};
  const digests: string[] = [];
  if (split.personal !== undefined) {
    disclosures.personal = `["${nextSalt()}","personal",${split.personal}]`;
    digests.push(digestOfDisclosure(disclosures.personal));
  }
  // An event without sections gets an empty salted one: the open hash tiles must not confirm a guess of the whole leaf.
  if (split.content !== undefined || split.personal === undefined) {
    disclosures.content = `["${nextSalt()}","content",${split.content ?? "{}"}]`;
    digests.push(digestOfDisclosure(disclosures.content));
  }
  const sections = digests.length === 2 ? BOTH : split.personal === undefined ? CONTENT : PERSONAL;
  const leaf = `${encodeLeafFrame({ id: event.id, sections, digests })}${split.leafMembers}}`;
  if (leaf.length > LEAF_BYTES_MAX / 3 && Buffer.byteLength(leaf) > LEAF_BYTES_MAX) {
    throw new AuditError("EVENT_TOO_LARGE", {
      message: "The ids and names of the event are too long together.",
      detail: { bytesMax: LEAF_BYTES_MAX },
    });
  }
  return {
    id: event.id,
    tenant: event.tenant,
    leaf,
    leafHash: hashLeafText(leaf),
    disclosures,
    occurredAt: event.occurredAt,
    action: event.action,
    status: event.outcome.status,
    isSystem: false,
  };
}

/** What the server itself records. `system` is the member that no caller can write. */
export interface SystemRecord {
  /** `ledger.created`, `ledger.erased` … */
  readonly action: string;
  readonly ledger: string;
  readonly system: JsonObject;
  readonly status?: "success" | "failure" | "partial";
}

/** Tenant of the server's own entries: it belongs to nobody's events. */
export const SYSTEM_TENANT = "vouchtrail";

/**
 * Seals an entry of the server itself. It has no sections, so it cannot be erased; its random id keeps it from being guessed.
 * @throws {AuditError} `EVENT_TOO_LARGE`.
 */
export function sealSystemEntry(record: SystemRecord, at: string): SealedEntry {
  const id = uuidv7();
  const status = record.status ?? "success";
  const leaf =
    `${encodeLeafFrame({ id, sections: [], digests: [] })},"tenant":"${SYSTEM_TENANT}","occurredAt":"${at}","action":"${record.action}"` +
    `,"outcome":{"status":"${status}"},"received":{"at":"${at}","via":"server"},"actor":{"type":"system","id":"vouchtrail"}` +
    `,"target":{"type":"ledger","id":${JSON.stringify(record.ledger)}},"system":${JSON.stringify(record.system)}}`;
  if (Buffer.byteLength(leaf) > SYSTEM_LEAF_BYTES_MAX)
    throw new AuditError("EVENT_TOO_LARGE", { detail: { bytesMax: SYSTEM_LEAF_BYTES_MAX } });
  return {
    id,
    tenant: SYSTEM_TENANT,
    leaf,
    leafHash: hashLeafText(leaf),
    disclosures: {},
    occurredAt: at,
    action: record.action,
    status,
    isSystem: true,
  };
}
