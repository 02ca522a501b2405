import { CommandError } from "./command-error.ts";

/** Milliseconds of each unit. Months and years have no fixed length, so they are no units. */
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DAY_MS = 86_400_000;
const FORMS =
  "Write a time such as 2026-11-01T08:30:00Z, a date such as 2026-11-01 (midnight UTC), today, yesterday, now, or a span back from now: 30m, 2h, 7d, 2w.";

/** The one thing that is needed of a clock: a moment in milliseconds since 1970 as RFC 3339 text. */
export type FormatTime = (ms: number) => string;

/**
 * Reads a moment as people write it on a command line. `2h` is two hours before now; `today` and `yesterday` begin at midnight UTC, as dates do.
 *
 * @param text What was written. Absolute times are handed on as they are: the filter knows what is valid.
 * @param nowMs Milliseconds since 1970.
 * @throws {CommandError} When it is none of the forms, or reaches back before 1970.
 */
export function momentOf(text: string, nowMs: number, format: FormatTime): string {
  const written = text.trim();
  const midnight = nowMs - (((nowMs % DAY_MS) + DAY_MS) % DAY_MS);
  if (written === "now") return format(nowMs);
  if (written === "today") return format(midnight);
  if (written === "yesterday") return format(midnight - DAY_MS);
  if (/^\d{4}-\d{2}-\d{2}/.test(written)) return written;
  const [, count, unit = ""] = /^(\d{1,9}) ?([a-z]+)$/i.exec(written) ?? [];
  if (count === undefined) throw new CommandError(`"${text.slice(0, 64)}" is not a time. ${FORMS}`);
  const unitMs = Object.hasOwn(UNIT_MS, unit) ? UNIT_MS[unit] : undefined;
  if (unitMs === undefined) {
    throw new CommandError(
      /^(?:mo|M|months?|y|Y|yr|years?)$/.test(unit)
        ? `Months and years differ in length, so "${written}" is not a span. Write days, such as 30d or 365d, or a date.`
        : `"${written.slice(0, 64)}" has no unit that is known. Write s, m, h, d or w, such as 90s, 30m, 2h, 7d or 2w.`,
    );
  }
  const ms = nowMs - Number(count) * unitMs;
  if (ms < 0)
    throw new CommandError(`"${written}" reaches back before 1970. Write a shorter span, or leave it out to begin with the first entry.`);
  return format(ms);
}
