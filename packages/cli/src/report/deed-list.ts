import { type JsonObject, microsOf, type SearchHit } from "@vouchtrail/events";
import { timeText } from "../clock.ts";
import { paintStatus, secondsText } from "../hit-table.ts";
import type { SheetColumn } from "../sheet.ts";
import type { Terminal } from "../terminal.ts";
import { textAt } from "../text-at.ts";
import { newestDeeds } from "./newest-deeds.ts";
import { type Report, type ReportQuestion, type ReportReader, withCondition } from "./report.ts";

/** A column, and where its value stands in an entry. */
interface DeedColumn {
  readonly column: SheetColumn;
  readonly value: (hit: SearchHit) => unknown;
}

/** What agents did last. The seeds' query "Recent Activity by Agent". */
export function recentReport(reader: ReportReader, question: ReportQuestion, terminal: Terminal): Promise<Report> {
  const { color } = terminal;
  const status: DeedColumn = {
    column: { name: "outcomeStatus", title: "OUTCOME", paint: (text, value) => paintStatus(text, String(value), color) },
    value: ({ event }) => textAt(event, "outcome", "status"),
  };
  return listReport(reader, question, [timestamp(terminal), agent, actionType, actionName, status]);
}

/** What went wrong. The seeds' query "Failed Actions". */
export function failuresReport(reader: ReportReader, question: ReportQuestion, terminal: Terminal): Promise<Report> {
  const error: DeedColumn = {
    column: { name: "outcomeError", title: "ERROR", text: errorText, paint: terminal.color.red },
    value: ({ event }) => outcomeError(event),
  };
  const filter = withCondition(question.filter, { name: "outcome", wanted: ["failure"], unwanted: [] });
  return listReport(reader, { ...question, filter }, [timestamp(terminal), agent, actionName, error]);
}

/** Who touched sensitive data. The seeds' query "Security Audit". */
export function sensitiveReport(reader: ReportReader, question: ReportQuestion, terminal: Terminal): Promise<Report> {
  const resources: DeedColumn = {
    column: { name: "resourcesAccessed", title: "RESOURCES", text: resourcesText },
    value: ({ event }) => (event.security as JsonObject | undefined)?.resourcesAccessed,
  };
  const filter = withCondition(question.filter, { name: "sensitive", wanted: ["true"], unwanted: [] });
  return listReport(reader, { ...question, filter }, [timestamp(terminal), agent, actionName, resources]);
}

async function listReport(reader: ReportReader, question: ReportQuestion, columns: readonly DeedColumn[]): Promise<Report> {
  const found = await newestDeeds(reader, question, (hit) => columns.map(({ value }) => value(hit)));
  const { rows, total, series, isExact, treeSize, searchedTo } = found;
  return {
    columns: columns.map(({ column }) => column),
    rows,
    total,
    noun: "action",
    ...(series === undefined ? {} : { series }),
    treeSize,
    searchedTo,
    ...(isExact
      ? {}
      : {
          notice:
            "So many happened within one minute that not all could be put in the order of their times. Narrow it with --since or --agent.",
        }),
  };
}

function timestamp({ color }: Terminal): DeedColumn {
  return {
    column: { name: "timestamp", title: "TIME (UTC)", isWhole: true, text: (value) => secondsText(String(value)), paint: color.dim },
    value: ({ event }) => utcText(textAt(event, "occurredAt") ?? ""),
  };
}

const agent: DeedColumn = { column: { name: "agentId", title: "AGENT" }, value: ({ event }) => textAt(event, "actor", "id") };
const actionType: DeedColumn = { column: { name: "actionType", title: "TYPE" }, value: ({ event }) => textAt(event, "activity", "type") };
const actionName: DeedColumn = { column: { name: "actionName", title: "ACTION" }, value: ({ event }) => textAt(event, "activity", "name") };

/** RFC 3339 in UTC, in milliseconds, or in microseconds where there are any: as SQL answers it. */
export function utcText(timestamp: string): string {
  const micros = microsOf(timestamp);
  const text = timeText(Number(micros / 1_000n));
  const rest = micros % 1_000n;
  return rest === 0n ? text : `${text.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

function outcomeError(event: JsonObject): JsonObject | undefined {
  const type = textAt(event, "outcome", "code");
  const message = textAt(event, "outcome", "message");
  if (type === undefined && message === undefined) return undefined;
  return { ...(type === undefined ? {} : { type }), ...(message === undefined ? {} : { message }) };
}

function errorText(value: unknown): string {
  return [textAt(value, "type"), textAt(value, "message")].filter((text) => text !== undefined).join(": ");
}

function resourcesText(value: unknown): string {
  if (!Array.isArray(value)) return "";
  return value.map((resource) => `${textAt(resource, "type") ?? "?"}:${textAt(resource, "identifier") ?? "?"}`).join(", ");
}
