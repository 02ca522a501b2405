import type { SessionStep, StoryApproval } from "@vouchtrail/events";
import { durationText } from "../duration-text.ts";
import { secondsText } from "../hit-table.ts";
import { printable, type Terminal } from "../terminal.ts";
import { cutToWidth } from "../text-width.ts";

/** What a step is marked with: a sign on a terminal, a word elsewhere. */
const MARKS: Readonly<Record<string, { readonly sign: string; readonly word: string }>> = {
  success: { sign: "✓", word: "ok" },
  failure: { sign: "✗", word: "failed" },
  denied: { sign: "⊘", word: "denied" },
  partial: { sign: "◐", word: "partial" },
  pending: { sign: "…", word: "open" },
};
/** Each door of the trail as one letter. */
const LETTERS: Readonly<Record<string, string>> = {
  hook: "H",
  import: "T",
  otlp: "O",
  proxy: "P",
  sdk: "S",
  http: "A",
  mcp: "M",
  queue: "Q",
  server: "V",
};
const NAMES: Readonly<Record<string, string>> = { import: "transcript", otlp: "telemetry", http: "API" };
const INDENT = "  ";
/** Levels that are shown by indentation: deeper ones stand at the last. */
const INDENTS_MAX = 12;
const WORD_WIDTH = Math.max(...Object.values(MARKS).map(({ word }) => word.length));

/**
 * Steps as lines, each with those below it further in. On a terminal no line is longer than it is wide. Requests to the model are left out: there is
 * one before nearly every step, and their tokens are in the totals.
 */
export function* stepLines(steps: readonly SessionStep[], terminal: Terminal): Generator<string> {
  let day = "";
  const waiting = [...steps].reverse().map((step) => ({ step, depth: 0 }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { step, depth } = next;
    if (step.kind === "request") continue;
    const time = secondsText(step.at);
    if (time.slice(0, 10) !== day) {
      day = time.slice(0, 10);
      yield terminal.color.dim(`${day} (UTC)`);
    }
    yield stepLine(step, { time: time.slice(11), depth, terminal });
    for (const child of [...(step.children ?? [])].reverse()) waiting.push({ step: child, depth: depth + 1 });
  }
}

interface Place {
  readonly time: string;
  readonly depth: number;
  readonly terminal: Terminal;
}

function stepLine(step: SessionStep, { time, depth, terminal }: Place): string {
  const { color, width } = terminal;
  const { status } = step.outcome;
  const mark = MARKS[status] ?? { sign: "?", word: status };
  const sign = width === undefined ? mark.word.padEnd(WORD_WIDTH) : mark.sign;
  const letters = lettersOf(step.via).padEnd(2);
  const notes = notesOf(step, width !== undefined);
  const head = `${time}  ${letters}  ${INDENT.repeat(Math.min(depth, INDENTS_MAX))}`;
  const tail = notes.length === 0 ? "" : `  ${notes.join(", ")}`;
  const title = printable(step.title);
  const room = width === undefined ? undefined : Math.max(20, width - head.length - tail.length - 2);
  const shown = room === undefined ? title : cutToWidth(title, room);
  return `${color.dim(head)}${paint(sign, status, color)} ${step.kind === "prompt" ? color.bold(shown) : shown}${color.dim(tail)}`.trimEnd();
}

/** What is said beside the title: how it failed where only a sign says it, how long it took, who allowed it, what is not certain. */
function notesOf({ outcome, durationMs, approval, basis, parentBasis, entries, isErased }: SessionStep, hasSign: boolean): string[] {
  const notes: string[] = [];
  const { status, code } = outcome;
  if (status !== "success" && (hasSign || code !== undefined)) {
    const word = MARKS[status]?.word ?? status;
    notes.push([...(hasSign ? [word] : []), ...(code === undefined ? [] : [printable(code)])].join(" "));
  }
  if (durationMs !== undefined) notes.push(durationText(durationMs));
  if (approval !== undefined) notes.push(approvalText(approval));
  if (basis === "inferred" && entries.length > 1) notes.push("joined by its text");
  if (parentBasis === "inferred") notes.push("place inferred");
  if (isErased === true) notes.push("erased in part");
  return notes;
}

/** `approved by mode acceptEdits (inferred)` */
export function approvalText({ state, by, latencyMs, basis }: StoryApproval): string {
  const who = by.kind === "unknown" && by.id === undefined ? "" : ` by ${by.kind}${by.id === undefined ? "" : ` ${printable(by.id)}`}`;
  const after = latencyMs === undefined ? "" : ` after ${durationText(latencyMs)}`;
  return `${state === "requested" ? "approval asked for" : state}${who}${after}${basis === "inferred" ? " (inferred)" : ""}`;
}

function lettersOf(via: readonly string[]): string {
  return via
    .map((name) => LETTERS[name] ?? "?")
    .sort()
    .join("");
}

/** What the letters of some doors mean: `H hook, T transcript`. */
export function legendText(via: readonly string[]): string {
  return via.map((name) => `${LETTERS[name] ?? "?"} ${NAMES[name] ?? printable(name)}`).join(", ");
}

function paint(text: string, status: string, color: Terminal["color"]): string {
  if (status === "success") return color.green(text);
  if (status === "failure" || status === "denied") return color.red(text);
  return color.yellow(text);
}
