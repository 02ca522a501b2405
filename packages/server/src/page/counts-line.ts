/** The counts of what was searched for: over deeds, so that what was told twice counts once. Rule: PAGE-18. */

import type { Stats } from "@vouchtrail/events";
import { make } from "./elements.ts";
import { costText, countText, shareText } from "./time-text.ts";

/** One number with its word. */
type Count = readonly [value: string, word: string];

export function countsLine(stats: Stats): HTMLElement[] {
  const counts: Count[] = [
    [countText(stats.total), stats.total === 1 ? "deed" : "deeds"],
    ...(stats.successRate === null ? [] : [[shareText(stats.successRate), "succeeded"] as const]),
    ...(stats.failure === 0 ? [] : [[countText(stats.failure), "failed"] as const]),
    ...(stats.denied === 0 ? [] : [[countText(stats.denied), "denied"] as const]),
    ...(stats.tokensInput + stats.tokensOutput === 0
      ? []
      : [[`${countText(stats.tokensInput)} / ${countText(stats.tokensOutput)}`, "tokens in / out"] as const]),
    ...(stats.costUsd === 0 ? [] : [[costText(stats.costUsd), "cost"] as const]),
  ];
  return counts.map(([value, word]) => make("span", { class: "count" }, make("strong", {}, value), ` ${word}`));
}
