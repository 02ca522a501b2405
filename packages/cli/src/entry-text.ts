import type { EntryView } from "@vouchtrail/events";
import type { SectionState } from "@vouchtrail/protocol";
import { printable, printableLines, type Terminal } from "./terminal.ts";
import { textAt } from "./text-at.ts";

/** Colours of a stream. */
type Colors = Terminal["color"];

/** One entry as one line: index, time, what, who, on what, how it ended. */
export function entryLine(view: EntryView, color: Colors): string {
  const { event } = view;
  const actor = named(event.actor);
  const target = named(event.target);
  const status = textAt(event, "outcome", "status") ?? "?";
  const tool = textAt(event, "activity", "name");
  const parts = [
    color.dim(`#${view.index}`),
    color.dim(textAt(event, "occurredAt") ?? ""),
    color.bold(printable(textAt(event, "action") ?? "?")),
    `${actor} → ${target}${tool === undefined || target.endsWith(`:${printable(tool)}`) ? "" : ` (${printable(tool)})`}`,
    statusText(status, color),
  ];
  const code = textAt(event, "outcome", "code");
  if (code !== undefined) parts.push(color.dim(printable(code)));
  return parts.join("  ");
}

/** One entry with everything that is kept of it. */
export function entryPage(view: EntryView, color: Colors): string {
  const sections = Object.entries(view.sections).map(([name, answer]) => `${name}: ${sectionText(answer)}`);
  const lines = [
    entryLine(view, color),
    "",
    `id         ${printable(textAt(view.event, "id") ?? "?")}`,
    `tenant     ${printable(textAt(view.event, "tenant") ?? "?")}`,
    `received   ${printable(textAt(view.received, "at") ?? "?")} via ${printable(textAt(view.received, "via") ?? "?")}`,
    `ledger     ${printable(view.origin)}`,
    `leaf hash  ${view.leafHash}`,
    `sections   ${sections.join("; ") || "none"}`,
  ];
  if (view.redactions !== undefined) lines.push(`redacted   ${printable(JSON.stringify(view.redactions))}`);
  if (view.system !== undefined) lines.push(`system     ${printable(JSON.stringify(view.system))}`);
  lines.push("", printableLines(JSON.stringify(view.event, undefined, 2)));
  return lines.join("\n");
}

function sectionText(answer: SectionState): string {
  if (answer.state === "erased") return `erased by entry ${answer.index} at ${answer.at}`;
  if (answer.state === "missing") return "MISSING without an erasure entry";
  if (answer.state === "unfinished") return `present although entry ${answer.index} erases it`;
  return "present and matching";
}

function statusText(status: string, color: Colors): string {
  if (status === "success") return color.green(status);
  if (status === "failure" || status === "denied") return color.red(printable(status));
  return color.yellow(printable(status));
}

function named(party: unknown): string {
  return `${printable(textAt(party, "type") ?? "?")}:${printable(textAt(party, "id") ?? "(erased)")}`;
}
