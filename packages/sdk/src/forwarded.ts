import { type IpBytes, parseIp } from "./ip-address.ts";

/** Characters that are read, from the end: 64 hops with all their parameters. What stands before was written by somebody farther away. */
const HEADER_CHARS_MAX = 16_384;

/** Name and value of a parameter of `Forwarded`. Source: RFC 7239 section 4. */
const PARAMETER = /\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*(?:;|$)/y;

/**
 * The addresses that a header names, nearest hop first: a hop that names none (`unknown`, `_hidden`, or garbage) is undefined. Never throws.
 *
 * It is read from its end: what a client wrote stands before what proxies added, and cannot change how that is read, for example by a quote that is not closed.
 *
 * @param hopsMax Hops that are read.
 */
export function forwardedFor(
  name: "x-forwarded-for" | "forwarded" | "x-real-ip",
  value: string,
  hopsMax: number,
): readonly (IpBytes | undefined)[] {
  if (name === "x-real-ip") return [parseNode(value.trim())];
  const text = value.slice(-HEADER_CHARS_MAX);
  const parse = name === "forwarded" ? parseElement : (element: string) => parseNode(element.trim());
  return splitFromEnd(text, hopsMax, name === "forwarded").map(parse);
}

/** Parts between commas that are not in quotes, last one first. */
function splitFromEnd(text: string, partsMax: number, hasQuotes: boolean): string[] {
  const parts: string[] = [];
  let end = text.length;
  let isQuoted = false;
  for (let index = text.length - 1; index >= 0 && parts.length < partsMax; index -= 1) {
    const char = text[index];
    if (hasQuotes && char === '"' && text[index - 1] !== "\\") isQuoted = !isQuoted;
    else if (char === "," && !isQuoted) {
      parts.push(text.slice(index + 1, end));
      end = index;
    }
  }
  if (parts.length < partsMax) parts.push(text.slice(0, end));
  // Empty members of a list mean nothing. Source: RFC 9110 section 5.6.1.
  return parts.filter((part) => part.trim() !== "");
}

/** The `for` of one element of `Forwarded`. */
function parseElement(element: string): IpBytes | undefined {
  let node: string | undefined;
  PARAMETER.lastIndex = 0;
  const text = element.trim();
  while (PARAMETER.lastIndex < text.length) {
    const match = PARAMETER.exec(text);
    if (match === null) return undefined;
    if (match[1]?.toLowerCase() !== "for") continue;
    if (node !== undefined) return undefined;
    node = match[2] ?? match[3] ?? "";
  }
  return node === undefined ? undefined : parseNode(node);
}

/** An address with or without a port: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`. */
function parseNode(node: string): IpBytes | undefined {
  if (node.length > 128) return undefined;
  const bracketed = /^\[([^\]]*)\](?::[0-9A-Za-z._-]{1,16})?$/.exec(node);
  if (bracketed !== null) return bracketed[1]?.includes(":") ? parseIp(bracketed[1]) : undefined;
  const withPort = /^([0-9.]+):[0-9A-Za-z._-]{1,16}$/.exec(node);
  return parseIp(withPort?.[1] ?? node);
}
