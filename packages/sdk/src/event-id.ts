import { v7 } from "uuid";

/** Random bytes are asked for a thousand ids at a time: asking for each costs more than everything else about it. */
const POOL_BYTES = 16 * 1_024;
const ID_BYTES = 16;

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/**
 * A new UUID of version 7: sorted by the millisecond in which it was made.
 *
 * @param msecs Milliseconds since 1970.
 */
export function newEventId(msecs: number): string {
  if (used === POOL_BYTES) {
    // Web Crypto, which every platform has.
    crypto.getRandomValues(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + ID_BYTES);
  used += ID_BYTES;
  return v7({ msecs, random });
}
