import type { DurableFile } from "../ledger/file-system.ts";
import { SEGMENT_ENTRIES } from "../ledger/limits.ts";
import { formatHeader, scanLines } from "../ledger/segment-text.ts";
import { checkLine, type Walk, type WalkStop } from "./walk.ts";

/** The last group marker whose root was re-derived. */
export interface GoodEnd {
  readonly size: number;
  /** Standard base64. */
  readonly root: string;
}

const LINES_BETWEEN_PAUSES = 1_024;

/**
 * Walks over a text segment: header, every entry, and the root after every group.
 *
 * @param origin Empty when unknown: then the header's origin is not compared.
 * @param onGood Called after each group whose root recomputes.
 * @returns Why it stopped early, or undefined when the file ends with a good group.
 */
export async function walkText(
  walk: Walk,
  file: DurableFile,
  segment: { readonly origin: string; readonly first: number; readonly file: string },
  onGood: (end: GoodEnd) => void,
): Promise<WalkStop | undefined> {
  const { origin, first } = segment;
  const { tree } = walk;
  let good = first;
  let stop: Omit<WalkStop, "file" | "isAtEnd"> | undefined;
  let isMarkerBehind = false;
  let isMoreBehind = false;
  let hasHeader = false;
  let lines = 0;
  const fail = (code: string, index: number, reason: string, isCut = false): void => {
    stop = { code, index, reason, isCut };
  };

  for await (const line of scanLines(file)) {
    lines += 1;
    if (lines % LINES_BETWEEN_PAUSES === 0) await walk.pause();
    if (stop !== undefined) {
      // Only the last group can be a torn write: one marker and nothing behind it. More is damage.
      if (isMarkerBehind) isMoreBehind = true;
      else if (line.kind === "marker") isMarkerBehind = true;
      continue;
    }
    if (line.start === 0) {
      hasHeader = true;
      if (line.kind !== "header" || !isHeader(line.bytes.toString("utf8"), origin, first)) {
        fail("HEADER_WRONG", first, "the header of its segment is not what it should be: it was changed or is of another ledger");
        isMarkerBehind = true;
        isMoreBehind = true;
      }
    } else if (line.kind === "entry") {
      const checked = tree.size - first < SEGMENT_ENTRIES ? checkLine(line.bytes) : "its segment holds more entries than a segment can";
      if (typeof checked === "string") fail("ENTRY_INVALID", tree.size, checked);
      else walk.take(checked.entry, checked.line);
    } else if (line.kind === "marker") {
      const root = tree.rootText();
      if (tree.size > good && line.treeSize === tree.size && line.root === root) {
        good = tree.size;
        onGood({ size: good, root });
      } else {
        const reason = "the root written after its group is not the one that the entries up to there have";
        fail(tree.size > good ? "GROUP_ROOT_MISMATCH" : "STRANGE_LINE", good, reason);
        isMarkerBehind = true;
      }
    } else if (line.kind === "unfinished") fail("TORN_GROUP", tree.size, "its line is cut off", true);
    else fail("STRANGE_LINE", tree.size, "there is a line that is neither an entry nor a marker");
  }
  if (!hasHeader) fail("HEADER_WRONG", first, "its segment is empty", true);
  else if (stop === undefined && tree.size > good) fail("TORN_GROUP", tree.size, "it and the marker of its group are not there", true);
  return stop === undefined ? undefined : { ...stop, file: segment.file, isAtEnd: hasHeader && !isMoreBehind };
}

function isHeader(line: string, origin: string, first: number): boolean {
  if (origin !== "") return `${line}\n` === formatHeader(origin, first);
  return line.startsWith("# vouchtrail-segment/1 ") && line.endsWith(` ${first}`);
}
