import type { JsonObject } from "../event.ts";
import type { SearchHit } from "./reader.ts";

/**
 * The columns of CSV, in order; a new one goes to the end. Text of sections that are erased is empty. `labels` is JSON. Times are as the event has
 * them. The rest of an event (details, changes, bodies) does not fit into cells: NDJSON has all of it.
 */
const COLUMNS: Readonly<Record<string, (hit: SearchHit) => unknown>> = {
  index: ({ index }) => index,
  id: ({ event }) => event.id,
  occurredAt: ({ event }) => event.occurredAt,
  receivedAt: ({ received }) => received.at,
  tenant: ({ event }) => event.tenant,
  action: ({ event }) => event.action,
  actorType: ({ event }) => at(event, "actor", "type"),
  actorId: ({ event }) => at(event, "actor", "id"),
  actorName: ({ event }) => at(event, "actor", "name"),
  targetType: ({ event }) => at(event, "target", "type"),
  targetId: ({ event }) => at(event, "target", "id"),
  targetName: ({ event }) => at(event, "target", "name"),
  status: ({ event }) => at(event, "outcome", "status"),
  code: ({ event }) => at(event, "outcome", "code"),
  message: ({ event }) => at(event, "outcome", "message"),
  activityType: ({ event }) => at(event, "activity", "type"),
  activityName: ({ event }) => at(event, "activity", "name"),
  sessionId: ({ event }) => at(event, "context", "sessionId"),
  callId: ({ event }) => at(event, "context", "callId"),
  durationMs: ({ event }) => at(event, "usage", "durationMs"),
  tokensInput: ({ event }) => at(event, "usage", "tokensInput"),
  tokensOutput: ({ event }) => at(event, "usage", "tokensOutput"),
  costUsd: ({ event }) => at(event, "usage", "costUsd"),
  via: ({ received }) => received.via,
  counted: ({ counted }) => counted,
  deed: ({ deed }) => deed,
  phase: ({ event }) => event.phase,
  model: ({ event }) => at(event, "usage", "model"),
  conversationId: ({ event }) => at(event, "context", "conversationId"),
  requestId: ({ event }) => at(event, "context", "requestId"),
  traceId: ({ event }) => at(event, "context", "traceId"),
  ipAddress: ({ event }) => at(event, "context", "ipAddress"),
  sensitiveDataAccessed: ({ event }) => at(event, "security", "sensitiveDataAccessed"),
  sourceName: ({ event }) => at(event, "source", "name"),
  sourceInstance: ({ event }) => at(event, "source", "instance"),
  sourceSequence: ({ event }) => at(event, "source", "sequence"),
  labels: ({ event }) => (event.labels === undefined ? undefined : JSON.stringify(event.labels)),
  leafHash: ({ leafHash }) => leafHash,
};

/** Names of the columns of CSV, in order. */
export const CSV_COLUMNS: readonly string[] = Object.keys(COLUMNS);

/** Tells Excel that the file is UTF-8; whoever reads CSV by program skips it. */
const BYTE_ORDER_MARK = "\ufeff";
const LINE_END = "\r\n";

/** The first line, after a byte order mark. Rule: CSV-1. */
export function formatCsvHeader(): string {
  return `${BYTE_ORDER_MARK}${CSV_COLUMNS.join(",")}${LINE_END}`;
}

/** The line of one entry. Rules: CSV-1, CSV-2. */
export function formatCsvRow(hit: SearchHit): string {
  return formatCsvLine(Object.values(COLUMNS).map((read) => read(hit)));
}

/**
 * One line of CSV (RFC 4180) with its line end. Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay
 * numbers. Missing values are empty, objects are their JSON. Rules: CSV-1, CSV-2.
 */
export function formatCsvLine(cells: readonly unknown[]): string {
  return `${cells.map(formatCell).join(",")}${LINE_END}`;
}

/**
 * Where a cell begins, for spreadsheets of every language: many take a semicolon or a tab for the separator and then do not heed our quotes, so
 * text behind one of these, and behind quotes or spaces there, may become a cell of its own. The last four are the full-width forms, which some
 * take for the plain ones.
 */
const FORMULA_START = /(?<=^|[;\t\r\n])(?=[" ]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])/g;

function formatCell(cell: unknown): string {
  if (cell === undefined || cell === null) return "";
  // Numbers of ours stay numbers, a negative one too: it is no text that somebody wrote.
  if (typeof cell === "number" || typeof cell === "boolean" || typeof cell === "bigint") return String(cell);
  const harmless = (typeof cell === "string" ? cell : JSON.stringify(cell)).replace(FORMULA_START, "'");
  return /[",\r\n;\t]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function at(event: JsonObject, ...path: readonly string[]): unknown {
  let found: unknown = event;
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as JsonObject)[name];
  }
  return found;
}
