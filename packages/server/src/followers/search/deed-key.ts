import { hash } from "node:crypto";

/** What of an entry tells to which deed it belongs. It comes from the envelope alone, never from text that a model wrote. */
export interface DeedParts {
  readonly tenant: string;
  /** The entry's own id, a UUID in lower case. */
  readonly id: string;
  readonly phase?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly callId?: string | undefined;
  readonly parentEventId?: string | undefined;
}

/**
 * The key that entries of one deed share: (tenant, session, call), else for intent and outcome (tenant, id of the intent).
 *
 * A call id alone does not do: many programs number their calls from 1, and two deeds that were taken for one would hide one of them.
 *
 * @returns A signed 64-bit integer: the first 8 bytes of a SHA-256, so that nobody can choose ids that hide somebody else's deed; undefined
 * for an entry that stands alone. Rule: DEED-1.
 */
export function deedKey({ tenant, id, phase, sessionId, callId, parentEventId }: DeedParts): bigint | undefined {
  if (sessionId !== undefined && callId !== undefined) return keyOf("call", tenant, sessionId, callId);
  if (phase === "intent") return keyOf("effect", tenant, id);
  if (phase === "outcome" && parentEventId !== undefined) return keyOf("effect", tenant, parentEventId.toLowerCase());
  return undefined;
}

// Leaf text holds no control characters, so none of the parts can hold the separator.
function keyOf(...parts: readonly string[]): bigint {
  return hash("sha256", parts.join("\u0000"), "buffer").readBigInt64BE(0);
}

/** 16 hexadecimal digits, as answers name a deed. */
export function formatDeedKey(key: bigint): string {
  return BigInt.asUintN(64, key).toString(16).padStart(16, "0");
}

/** @returns undefined for text that is not 16 hexadecimal digits in lower case. */
export function parseDeedKey(text: string): bigint | undefined {
  return /^[0-9a-f]{16}$/.test(text) ? BigInt.asIntN(64, BigInt(`0x${text}`)) : undefined;
}
