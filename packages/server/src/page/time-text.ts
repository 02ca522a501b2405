/** Times and amounts as people read them. */

const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
const count = new Intl.NumberFormat("en");

/** `2026-11-21 05:31:19` in the zone of the reader; a text that is no time is given back as it is. */
export function localTime(timestamp: string): string {
  const ms = Date.parse(timestamp);
  return Number.isNaN(ms) ? timestamp : local.format(ms);
}

const STEPS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** `3 min ago`. A time that has not come yet, as another clock may tell one, is `just now`. */
export function ageText(timestamp: string, nowMs: number): string {
  const seconds = Math.floor((nowMs - Date.parse(timestamp)) / 1_000);
  const step = STEPS.find(([, size]) => seconds >= size);
  return step === undefined ? "just now" : `${Math.floor(seconds / step[1])} ${step[0]} ago`;
}

/** `12,345`. */
export function countText(value: number): string {
  return count.format(value);
}

/** A share from 0 to 1 as `98.7 %`, cut and not rounded: 100 % means all. */
export function shareText(share: number): string {
  return `${(Math.floor(share * 1_000 + 1e-9) / 10).toFixed(share === 1 ? 0 : 1)} %`;
}

/** `$12.34`; four digits below a dollar. */
export function costText(costUsd: number): string {
  return `$${costUsd.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: costUsd < 1 ? 4 : 2 })}`;
}

/** `1.2 s` or `350 ms`. */
export function durationText(durationMs: number): string {
  return durationMs < 1_000 ? `${durationMs} ms` : `${(durationMs / 1_000).toFixed(1)} s`;
}
