import { crc32 } from "node:zlib";
import type { OutgoingEvent } from "../../transport.ts";

const HEAD = '{"id":';
const MIDDLE = ',"event":';
const CRC_CHARS = 8;
const SPACE = 0x20;

/**
 * One event as one line: the CRC-32 of the rest in eight hexadecimal digits, a space, `{"id":…,"event":…}` and a line break. What `redact` gives back is
 * written as it is, so that the same event is sent again byte for byte.
 *
 * Rule: SDK-11.
 */
export function encodeRecord({ id, json }: OutgoingEvent, redact: (json: string) => string): Buffer {
  // Between the values of JSON a line break is white space; within a string there can be none.
  const body = `${HEAD}${JSON.stringify(id)}${MIDDLE}${redact(json).replaceAll("\n", " ")}}`;
  return Buffer.from(`${crc32(body).toString(16).padStart(CRC_CHARS, "0")} ${body}\n`);
}

/** The event of a line without its line break; undefined when the line is damaged. */
export function decodeRecord(line: Buffer): OutgoingEvent | undefined {
  if (line.length <= CRC_CHARS || line[CRC_CHARS] !== SPACE) return undefined;
  const body = line.subarray(CRC_CHARS + 1);
  if (line.toString("latin1", 0, CRC_CHARS) !== crc32(body).toString(16).padStart(CRC_CHARS, "0")) return undefined;
  const text = body.toString();
  // Quotation marks within the id have a backslash before them, so that the first of these ends it.
  const middle = text.indexOf(`"${MIDDLE}`);
  if (!text.startsWith(HEAD) || middle < HEAD.length || !text.endsWith("}")) return undefined;
  const id = readId(text.slice(HEAD.length, middle + 1));
  return id === undefined ? undefined : { id, json: text.slice(middle + 1 + MIDDLE.length, -1) };
}

function readId(json: string): string | undefined {
  try {
    const id: unknown = JSON.parse(json);
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}
