import { asTimestamp } from "../claude-code-line.ts";
import type { OtlpRecord } from "./otlp-record.ts";

const NANOS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400n;
/** The largest unsigned 64-bit integer: a time in the year 2554. */
const NANOS_MAX = 18_446_744_073_709_551_615n;

/**
 * Nanoseconds since 1970 as RFC 3339 in UTC, with milliseconds, and with all nine digits where there is more.
 *
 * @returns undefined for what is not a decimal 64-bit number above 0: 0 means that the time is not known.
 */
export function timeOfNanos(text: string | undefined): string | undefined {
  const nanos = nanosOf(text);
  if (nanos === undefined) return undefined;
  const seconds = nanos / NANOS_PER_SECOND;
  const [year, month, day] = civilDate(Number(seconds / SECONDS_PER_DAY));
  const second = Number(seconds % SECONDS_PER_DAY);
  const fraction = String(nanos % NANOS_PER_SECOND)
    .padStart(9, "0")
    .replace(/0{6}$/, "");
  const clock = [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60].map(twoDigits).join(":");
  return `${String(year).padStart(4, "0")}-${twoDigits(month)}-${twoDigits(day)}T${clock}.${fraction}Z`;
}

/** Milliseconds between two times in nanoseconds; undefined when one is not known or they run backwards. */
export function durationOfNanos(from: string | undefined, to: string | undefined): number | undefined {
  const [start, end] = [nanosOf(from), nanosOf(to)];
  if (start === undefined || end === undefined || end < start) return undefined;
  return Number(end - start) / 1_000_000;
}

/** When a record says that it happened: its own time, what the agent wrote, when it was first seen. */
export function timeOfRecord({ timeUnixNano, observedTimeUnixNano, attributes }: OtlpRecord): string | undefined {
  return timeOfNanos(timeUnixNano) ?? asTimestamp(attributes["event.timestamp"]) ?? timeOfNanos(observedTimeUnixNano);
}

function nanosOf(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const nanos = BigInt(text);
  return nanos > 0n && nanos <= NANOS_MAX ? nanos : undefined;
}

/** The day of the Gregorian calendar, from days since 1970. Source: Howard Hinnant, chrono-compatible low-level date algorithms. */
function civilDate(daysSince1970: number): readonly [year: number, month: number, day: number] {
  const days = daysSince1970 + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

const twoDigits = (number: number): string => String(number).padStart(2, "0");
