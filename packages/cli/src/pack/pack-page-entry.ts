import { PACK_PAGE_JSON_CHARS_MAX } from "../limits.ts";
import { textAt } from "../text-at.ts";
import { htmlLines, htmlText } from "./html-text.ts";
import type { PackEntry } from "./pack-entry.ts";

/** One entry as a row of the summary page; all of it folds out below. */
export function entryRow(entry: PackEntry): string {
  const { index, leafHash, event, received, redactions, system, sections } = entry;
  const whole = { leafHash, sections, received, redactions, system, event };
  const json = JSON.stringify(whole, undefined, 2);
  const isCut = json.length > PACK_PAGE_JSON_CHARS_MAX;
  const shown = isCut ? `${json.slice(0, PACK_PAGE_JSON_CHARS_MAX)}\n… cut here: the whole entry is in bundles.ndjson` : json;
  const status = textAt(event, "outcome", "status") ?? "?";
  const session = textAt(event, "context", "sessionId") ?? "";
  return `<tbody>
<tr><td class="number">${index}</td><td class="time">${htmlText(textAt(event, "occurredAt") ?? "?")}</td><td>${cell(textAt(event, "action"))}</td><td>${named(event.actor)}</td><td>${named(event.target)}</td><td class="status ${/^[a-z]+$/.test(status) ? status : ""}">${cell(status)}</td><td>${cell(session)}</td></tr>
<tr class="more"><td></td><td colspan="6"><details><summary>Whole entry</summary><pre>${htmlLines(shown)}</pre></details></td></tr>
</tbody>
`;
}

function named(party: unknown): string {
  return cell(`${textAt(party, "type") ?? "?"}:${textAt(party, "id") ?? "(erased)"}`);
}

function cell(text = "?"): string {
  return `<bdi>${htmlText(text)}</bdi>`;
}
