import { type EffectView, type JsonObject, microsOf, type SearchHit } from "@vouchtrail/events";
import { timeText } from "./clock.ts";
import { type Column, createTable, type Table } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { textAt } from "./text-at.ts";

/** A terminal narrower than this has no room for ids, which would be cut and then good for nothing. */
const WIDTH_WITH_IDS = 130;

/**
 * Entries as rows of a table. What tells again of a deed that is counted elsewhere stands in brackets.
 *
 * @param extra Columns behind the outcome.
 */
export function createHitTable<Hit extends SearchHit>(terminal: Terminal, extra: readonly Column<Hit>[] = []): Table<Hit> {
  const { color, width } = terminal;
  const columns: Column<Hit>[] = [
    { title: "INDEX", text: ({ index }) => String(index), align: "right", isWhole: true, paint: color.dim },
    { title: "TIME (UTC)", text: ({ event }) => timeCell(event), isWhole: true, paint: color.dim },
    { title: "ACTION", text: ({ event }) => textAt(event, "action") ?? "?", paint: color.bold },
    { title: "ACTOR", text: ({ event }) => partyText(event.actor) },
    { title: "TARGET", text: ({ event }) => targetText(event) },
    {
      title: "OUTCOME",
      text: outcomeText,
      paint: (text, hit) => (hit.counted ? paintStatus(text, textAt(hit.event, "outcome", "status") ?? "", color) : color.dim(text)),
    },
    ...extra,
  ];
  if (width === undefined || width >= WIDTH_WITH_IDS) {
    columns.push({ title: "ID", text: ({ event }) => textAt(event, "id") ?? "?", isWhole: true, paint: color.dim });
  }
  return createTable(columns, { width, title: color.bold });
}

/** The column of effects: whether an outcome is known. */
export function effectColumn({ color }: Terminal): Column<EffectView> {
  return {
    title: "STATE",
    text: ({ state }) => state,
    isWhole: true,
    paint: (text, { state }) => (state === "open" ? color.yellow(text) : text),
  };
}

/** Green, red or yellow, as the outcome is. */
export function paintStatus(text: string, status: string, color: Terminal["color"]): string {
  if (status === "success") return color.green(text);
  if (status === "failure" || status === "denied") return color.red(text);
  return color.yellow(text);
}

/** A time to the second in UTC, for people: `2026-11-21 05:30:00`. */
export function secondsText(timestamp: string): string {
  return timeText(Number(microsOf(timestamp) / 1_000n))
    .slice(0, 19)
    .replace("T", " ");
}

function timeCell(event: JsonObject): string {
  const timestamp = textAt(event, "occurredAt");
  return timestamp === undefined ? "?" : secondsText(timestamp);
}

function outcomeText({ event, counted, deed }: SearchHit): string {
  const status = textAt(event, "outcome", "status") ?? "?";
  const code = textAt(event, "outcome", "code");
  const text = code === undefined ? status : `${status} ${code}`;
  return counted || deed === undefined ? text : `(${text})`;
}

/** The target, and the name of the activity where it says more. */
function targetText(event: JsonObject): string {
  const target = partyText(event.target);
  const tool = textAt(event, "activity", "name");
  return tool === undefined || target.endsWith(`:${tool}`) ? target : `${target} (${tool})`;
}

function partyText(party: unknown): string {
  return `${textAt(party, "type") ?? "?"}:${textAt(party, "id") ?? "(erased)"}`;
}
