const MS_FORM_LENGTH = "2026-01-31T12:00:00.000Z".length;

/**
 * The moment that an RFC 3339 text names, in whole microseconds since 1970 UTC; digits beyond the sixth are cut off. A leap second is the
 * first moment of the next minute. One function for the search index and for whoever compares with it, so that both cut alike.
 *
 * @param timestamp Valid, as `TimestampSchema` accepts it.
 */
export function microsOf(timestamp: string): bigint {
  // The form that nearly all senders use: the engine reads it as it is.
  if (timestamp.length === MS_FORM_LENGTH) {
    const ms = Date.parse(timestamp);
    if (!Number.isNaN(ms) && timestamp.endsWith("Z")) return BigInt(ms) * 1_000n;
  }
  const [, date = "", fraction = "", zone = ""] = /^(.{19})(?:\.(\d+))?(.+)$/.exec(timestamp.toUpperCase()) ?? [];
  const isLeap = date.endsWith(":60");
  const seconds = Date.parse(`${isLeap ? `${date.slice(0, -2)}59` : date}${zone}`) + (isLeap ? 1_000 : 0);
  return BigInt(seconds) * 1_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}
