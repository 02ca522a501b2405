import { createHmac, timingSafeEqual } from "node:crypto";
import { AuditError, type EventFilter, filterParameters } from "@vouchtrail/events";

/** What a cursor belongs to. With another one of these it is not valid. */
export interface CursorQuestion {
  readonly kind: "search" | "effects" | "bundles" | "sessions";
  /** The tenant that the asker is bound to. */
  readonly tenant: string | undefined;
  readonly filter: EventFilter;
  readonly order: "newest" | "oldest";
  readonly deeds?: boolean | undefined;
  readonly deed?: string | undefined;
  readonly state?: string | undefined;
}

/** Makes and reads cursors of one ledger. */
export interface Cursors {
  /** @param position Index of the last entry that was answered. */
  format(question: CursorQuestion, position: number): string;
  /** @throws {AuditError} `CURSOR_INVALID` for what {@link Cursors.format} did not make for this very question. */
  parse(question: CursorQuestion, cursor: string): number;
}

const VERSION = 1;
const POSITION_BYTES = 8;
/** 128 bits of HMAC-SHA-256: forging one takes more requests than can be sent. */
const CODE_BYTES = 16;
/** 24 bytes are 32 characters of base64url with no spare bits: one cursor has one spelling. */
const FORM = /^[A-Za-z0-9_-]{32}$/;

/**
 * Cursors as 32 characters of base64url: the position (8 bytes) and a code over it and the question, so that a cursor is neither chosen nor taken
 * from one question, tenant or ledger to another. It says nothing of the question. Rules: READING-4, READING-5.
 *
 * @param key 32 bytes, from `loadCursorKey`.
 */
export function createCursors(key: Uint8Array, origin: string): Cursors {
  function codeOf(question: CursorQuestion, position: Buffer): Buffer {
    const { kind, tenant = null, filter, order, deeds = false, deed = null, state = null } = question;
    const text = JSON.stringify([VERSION, origin, kind, tenant, canonical(filter), order, deeds, deed, state]);
    return createHmac("sha256", key).update(position).update(text).digest().subarray(0, CODE_BYTES);
  }

  return {
    format(question, position) {
      const bytes = Buffer.alloc(POSITION_BYTES);
      bytes.writeBigUInt64BE(BigInt(position));
      return Buffer.concat([bytes, codeOf(question, bytes)]).toString("base64url");
    },
    parse(question, cursor) {
      const bytes = FORM.test(cursor) ? Buffer.from(cursor, "base64url") : Buffer.alloc(0);
      const position = bytes.subarray(0, POSITION_BYTES);
      const code = bytes.subarray(POSITION_BYTES);
      if (code.length !== CODE_BYTES || !timingSafeEqual(code, codeOf(question, position)))
        throw new AuditError("CURSOR_INVALID", { path: "cursor" });
      return Number(position.readBigUInt64BE());
    },
  };
}

/** The filter without what does not change its meaning: the order of its parts, and values that stand twice. */
function canonical(filter: EventFilter): readonly string[] {
  return [...new Set(filterParameters(filter).map((parameter) => JSON.stringify(parameter)))].sort();
}
