import { AuditError } from "@vouchtrail/events";
import { ANSWER_CHARS_MAX, ANSWER_DEPTH_MAX, MEMBERS_STEPS, TEXT_CHARS_STEPS } from "../limits.ts";

interface Bounds {
  readonly textChars: number;
  readonly members: number;
}

const WITHOUT_BOUND: Bounds = { textChars: Number.POSITIVE_INFINITY, members: Number.POSITIVE_INFINITY };
const CUT_NOTE = "Cut to fit: long texts end with a note of what is missing, long lists are shortened. The trail holds all of it.";

/** Whether an answer fits as it is. */
export function isFitting(answer: object): boolean {
  return JSON.stringify(answer).length <= ANSWER_CHARS_MAX;
}

/**
 * An answer of at most {@link ANSWER_CHARS_MAX} characters of JSON: first texts are cut, then lists. What was cut says so in `note`.
 *
 * @param isListed False where a list that is shorter would be a lie about what comes next, such as a page: only texts are cut then.
 * @returns undefined when nothing helps. Rule: MCP-8.
 */
export function fitAnswer<Answer extends object>(answer: Answer, isListed = true): (Answer & { note?: string }) | undefined {
  if (isFitting(answer)) return answer;
  const textChars = TEXT_CHARS_STEPS.at(-1) ?? 0;
  const steps: readonly Bounds[] = [
    ...TEXT_CHARS_STEPS.map((chars) => ({ ...WITHOUT_BOUND, textChars: chars })),
    ...(isListed ? MEMBERS_STEPS.map((members) => ({ textChars, members })) : []),
  ];
  for (const bounds of steps) {
    const cut = { ...(cutValue(answer, bounds, 0) as Answer), note: CUT_NOTE };
    if (isFitting(cut)) return cut;
  }
  return undefined;
}

/** As {@link fitAnswer}. @throws {AuditError} `QUERY_TOO_LARGE` when nothing helps. */
export function fittingAnswer<Answer extends object>(answer: Answer): Answer & { note?: string } {
  const fitting = fitAnswer(answer);
  if (fitting !== undefined) return fitting;
  throw new AuditError("QUERY_TOO_LARGE", {
    message: "The answer is too large for a tool. Ask for less of it, or use the vouchtrail command.",
  });
}

function cutValue(value: unknown, bounds: Bounds, depth: number): unknown {
  if (typeof value === "string") return cutText(value, bounds.textChars);
  if (typeof value !== "object" || value === null) return value;
  if (depth > ANSWER_DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.slice(0, bounds.members).map((one) => cutValue(one, bounds, depth + 1));
  const members = Object.entries(value);
  // Members that a schema names are few: only free objects are longer than this.
  const kept = members.length > bounds.members * 4 ? members.slice(0, bounds.members) : members;
  return Object.fromEntries(kept.map(([name, one]) => [name, cutValue(one, bounds, depth + 1)]));
}

function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return `${text.slice(0, charsMax).replace(/[\ud800-\udbff]$/, "")}… [${text.length - charsMax} characters more]`;
}
