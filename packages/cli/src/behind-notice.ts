import type { ReadState } from "@vouchtrail/events";
import { BEHIND_ENTRIES_TOLD } from "./limits.ts";
import { countText, type Terminal } from "./terminal.ts";

/**
 * Says on standard error that an answer does not know the newest entries. A few are always under way, because reading is recorded too: they are told
 * only where nothing was found, when they may be what was looked for.
 */
export function tellBehind({ searchedTo, treeSize }: ReadState, isEmpty: boolean, { err, errColor }: Terminal): void {
  const behind = treeSize - searchedTo;
  if (behind <= (isEmpty ? 0 : BEHIND_ENTRIES_TOLD)) return;
  const entries = behind === 1 ? "1 newer entry is" : `${countText(behind)} newer entries are`;
  err(errColor.dim(`${entries} not searched yet; --wait waits for that.`));
}
