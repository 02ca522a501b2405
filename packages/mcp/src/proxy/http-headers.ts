import type { IncomingMessage } from "node:http";

/** Headers that belong to one connection. Source: RFC 9110 section 7.6.1. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The headers that are passed on, as names and values in turn: in their order and spelling, without those of the connection and those that `Connection` names.
 *
 * @param raw Names and values in turn, as Node.js gives them.
 * @param host In place of the `Host` of a request; undefined for an answer.
 */
export function passedHeaders(raw: readonly string[], host: string | undefined): string[] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i] as string, raw[i + 1] as string]);
  const named = pairs.filter(([name]) => name.toLowerCase() === "connection").flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/));
  const isChunked = pairs.some(([name]) => name.toLowerCase() === "transfer-encoding");
  const passed = pairs.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !named.includes(lower) && (host === undefined || lower !== "host");
  });
  if (host !== undefined) passed.unshift(["Host", host]);
  // A body of unknown length stays one.
  if (host !== undefined && isChunked) passed.push(["Transfer-Encoding", "chunked"]);
  return passed.flat();
}

/** A header of MCP, decoded: what is not plain ASCII travels as `=?base64?…?=`. Source: MCP 2026-07-28, Streamable HTTP, headers. */
export function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  if (typeof value !== "string" || value === "") return undefined;
  const [, encoded] = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value) ?? [];
  return encoded === undefined ? value : Buffer.from(encoded, "base64").toString("utf8");
}
