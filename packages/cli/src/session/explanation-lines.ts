import type { Explanation, ExplanationLink, JsonObject } from "@vouchtrail/events";
import { paintStatus, secondsText } from "../hit-table.ts";
import { printable, type Terminal } from "../terminal.ts";
import { textAt } from "../text-at.ts";
import { cutToWidth } from "../text-width.ts";
import type { LinkCheck } from "./explanation-check.ts";
import { approvalText } from "./step-lines.ts";

/** Columns that what was said or done fills at most, and characters of it that are looked at. */
const WORDS_WIDTH_MAX = 160;
const WORDS_CHARS_MAX = 1_000;
/** Members of an input that tell most, the first one that is there. */
const TELLING = ["command", "file_path", "pattern", "path", "url", "query", "description", "prompt"];

/** An explanation as people read it: one link after the other with who, when, what, and whether its proof holds. */
export function explanationLines({ chain, missing, approval }: Explanation, checks: readonly LinkCheck[], { color }: Terminal): string[] {
  const lines: string[] = [];
  let role = "";
  for (const [position, link] of chain.entries()) {
    if (link.role !== role) lines.push(color.bold(link.role.toUpperCase()));
    ({ role } = link);
    lines.push(...linkLines(link, checks[position], color));
  }
  if (approval !== undefined) lines.push("", `Approval  ${approvalText(approval)}`);
  if (missing.length > 0) lines.push("", color.bold("NOT IN THE TRAIL"));
  for (const { role: absent, message } of missing) lines.push(`  ${color.yellow(absent.padEnd(8))}  ${printable(message)}`);
  return lines;
}

function linkLines({ entry, basis, why }: ExplanationLink, check: LinkCheck | undefined, color: Terminal["color"]): string[] {
  const { event, received, index } = entry;
  const status = textAt(event, "outcome", "status") ?? "?";
  const code = textAt(event, "outcome", "code");
  const actor = `${textAt(event, "actor", "type") ?? "?"}:${textAt(event, "actor", "id") ?? "(erased)"}`;
  const at = textAt(event, "occurredAt");
  const outcome = paintStatus(printable(code === undefined ? status : `${status} ${code}`), status, color);
  const proof =
    check?.isGood === true ? color.green("proof holds") : color.red(`PROOF FAILS: ${printable(check?.reason ?? "not checked")}`);
  const words = wordsOf(event);
  const erased = Object.entries(entry.sections).filter(([, { state }]) => state === "erased");
  return [
    `  ${color.dim(`#${index}`)}  ${color.dim(at === undefined ? "?" : secondsText(at))}  ${color.bold(printable(textAt(event, "action") ?? "?"))}  ${printable(actor)}  ${outcome}`,
    ...(words === undefined ? [] : [`      ${words}`]),
    ...erased.map(([name, state]) => color.yellow(`      ${name} erased by entry ${"index" in state ? state.index : "?"}`)),
    `      ${color.dim(`via ${printable(textAt(received, "via") ?? "?")}; ${basis}: ${printable(why)}`)}; ${proof}`,
  ];
}

/** What was said, decided or done, in a few words that are harmless to print; undefined where it was erased or there is nothing to say. */
function wordsOf(event: JsonObject): string | undefined {
  const name = textAt(event, "activity", "name");
  const input = memberAt(event, "activity", "tool", "parameters");
  const question = textAt(event, "activity", "decision", "question");
  const chosen = textAt(event, "activity", "decision", "chosen");
  const words =
    textAt(event, "activity", "message", "text") ??
    (chosen === undefined ? undefined : `${question ?? name ?? "decision"} → ${chosen}`) ??
    TELLING.map((member) => textAt(input, member)).find((text) => text !== undefined) ??
    (input === undefined ? undefined : JSON.stringify(input));
  const whole = words === undefined ? name : name === undefined || chosen !== undefined ? words : `${name}: ${words}`;
  if (whole === undefined || whole === "") return undefined;
  return cutToWidth(printable(whole.slice(0, WORDS_CHARS_MAX).replace(/\s+/g, " ")), WORDS_WIDTH_MAX);
}

function memberAt(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) found = typeof found === "object" && found !== null ? (found as JsonObject)[name] : undefined;
  return found;
}
