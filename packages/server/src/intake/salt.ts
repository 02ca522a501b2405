import { randomFillSync } from "node:crypto";

const SALT_BYTES = 16;
// One call to the system's generator for a thousand salts: a call each costs more than sealing the event.
const pool = Buffer.alloc(SALT_BYTES * 1_024);
let used = pool.length;

/** A fresh 128-bit salt in base64url, 22 characters (RFC 9901 section 4.2.1). No salt is ever used twice. */
export function nextSalt(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += SALT_BYTES;
  return pool.toString("base64url", used - SALT_BYTES, used);
}
