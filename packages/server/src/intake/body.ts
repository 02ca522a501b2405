import { isUtf8 } from "node:buffer";
import { AuditError, REQUEST_EVENTS_MAX } from "@vouchtrail/events";
import { type ScannedValue, scanValue, skipSpace } from "./json-scan.ts";

const LINE_FEED = 0x0a;

/** A body cut into events, each still bytes, so that a fault in one leaves the others alone. */
export interface SplitBody {
  readonly values: readonly ScannedValue[];
}

/**
 * Cuts a body into its events: one object, an array, or NDJSON (one event a line).
 *
 * @throws {AuditError} `BODY_NOT_UTF8`, `BODY_INVALID` (empty, or neither of the three), `EVENTS_TOO_MANY`.
 */
export function splitBody(bytes: Buffer, isNdjson: boolean): SplitBody {
  if (!isUtf8(bytes)) throw new AuditError("BODY_NOT_UTF8");
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new AuditError("BODY_NOT_UTF8");
  const start = skipSpace(bytes, 0, bytes.length);
  if (start === bytes.length)
    throw new AuditError("BODY_INVALID", { message: "The body is empty. Send one event, an array, or one event a line." });
  if (isNdjson) return { values: splitLines(bytes, start) };
  if (bytes[start] === 0x5b) return { values: splitArray(bytes, start) };
  const value = scanValue(bytes, start, bytes.length);
  const end = skipSpace(bytes, value.end, bytes.length);
  if (end === bytes.length) return { values: [value] };
  // More than one value: NDJSON sent as JSON is understood, anything else is not JSON.
  if (bytes[end] === 0x7b && bytes.subarray(value.end, end).includes(LINE_FEED)) return { values: splitLines(bytes, start) };
  throw new AuditError("BODY_INVALID", { message: `There is something behind the JSON value, at byte ${end}.` });
}

function splitArray(bytes: Buffer, start: number): ScannedValue[] {
  const values: ScannedValue[] = [];
  const limit = bytes.length;
  let i = skipSpace(bytes, start + 1, limit);
  const malformed = (at: number): AuditError => new AuditError("BODY_INVALID", { message: `The array is not valid JSON at byte ${at}.` });
  if (bytes[i] !== 0x5d) {
    for (;;) {
      if (i >= limit) throw malformed(i);
      const value = scanValue(bytes, i, limit);
      if (value.end === value.start) throw malformed(i);
      values.push(value);
      if (values.length > REQUEST_EVENTS_MAX) throw tooMany();
      i = skipSpace(bytes, value.end, limit);
      if (bytes[i] === 0x2c) {
        i = skipSpace(bytes, i + 1, limit);
        continue;
      }
      if (bytes[i] === 0x5d) break;
      throw malformed(i);
    }
  }
  const end = skipSpace(bytes, i + 1, limit);
  if (end !== limit) throw new AuditError("BODY_INVALID", { message: `There is something behind the array, at byte ${end}.` });
  if (values.length === 0) throw new AuditError("BODY_INVALID", { message: "The array is empty." });
  return values;
}

function splitLines(bytes: Buffer, start: number): ScannedValue[] {
  const values: ScannedValue[] = [];
  for (let from = start; from < bytes.length; ) {
    const lineFeed = bytes.indexOf(LINE_FEED, from);
    const lineEnd = lineFeed < 0 ? bytes.length : lineFeed;
    const first = skipSpace(bytes, from, lineEnd);
    if (first < lineEnd) {
      const value = scanValue(bytes, first, lineEnd);
      // The whole line is the event: what stands behind the value makes it invalid, in JSON.parse.
      let last = lineEnd;
      while (last > value.end && skipSpace(bytes, last - 1, last) === last) last -= 1;
      values.push({ ...value, end: last });
      if (values.length > REQUEST_EVENTS_MAX) throw tooMany();
    }
    from = lineEnd + 1;
  }
  return values;
}

function tooMany(): AuditError {
  return new AuditError("EVENTS_TOO_MANY", { message: `A request holds at most ${REQUEST_EVENTS_MAX} events. Split it.` });
}
