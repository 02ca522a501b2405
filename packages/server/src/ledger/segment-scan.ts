import type { SectionName } from "@vouchtrail/protocol";
import { type CheckedEntry, checkEntry } from "./entry-check.ts";
import type { DurableFile } from "./file-system.ts";
import type { LedgerTree } from "./ledger-tree.ts";
import { SEGMENT_ENTRIES } from "./limits.ts";
import { formatHeader, type SegmentLine, scanLines, splitLine } from "./segment-text.ts";

/** Where the entries of a text segment lie in its file. `starts[i]` and `lengths[i]` (without line feed) in bytes. */
export interface EntryOffsets {
  readonly starts: Float64Array;
  readonly lengths: Uint32Array;
}

export interface SegmentDamage {
  /** The first entry that is bad, or the first one that is missing. */
  readonly index: number;
  readonly reason: string;
}

export interface TextSegmentScan {
  /** Entries in good groups. */
  readonly count: number;
  /** Bytes up to the end of the last good group. */
  readonly goodBytes: number;
  readonly offsets: EntryOffsets;
  /** The tree with all good groups. */
  readonly tree: LedgerTree;
  readonly missing: readonly { readonly index: number; readonly section: SectionName }[];
  /** Leaves of the server's own entries. */
  readonly systemEntries: readonly { readonly index: number; readonly leaf: string }[];
  /** Bytes behind the last good group that nothing was acked for: a write that a crash cut off. */
  readonly torn: { readonly start: number; readonly end: number; readonly reason: string } | undefined;
  readonly damage: SegmentDamage | undefined;
}

// "# ", a tree size, a space and the base64 of 32 bytes; one more on either side for a byte that changed into two or was lost.
const MARKER_BYTES_MIN = 47;
const MARKER_BYTES_MAX = 64;
const SWALLOWED_MARKER = /# (0|[1-9]\d{0,15}) [A-Za-z0-9+/]{43}=$/;

/**
 * Whether a line behind, or at, the first bad one may be the marker of its group, damaged or not: then whatever follows belongs to a later
 * group, which was written only when this one was durable. A torn write leaves gaps of whole sectors, never such a line.
 */
function mayEndGroup(line: SegmentLine): boolean {
  if (line.kind === "marker") return true;
  if (line.kind === "unfinished") return false;
  const { bytes } = line;
  if (bytes.length >= MARKER_BYTES_MIN && bytes.length <= MARKER_BYTES_MAX && !bytes.includes(TAB) && !bytes.includes(NUL)) return true;
  // The line feed before the marker may be the byte that changed.
  return SWALLOWED_MARKER.test(bytes.toString("latin1", Math.max(0, bytes.length - MARKER_BYTES_MAX)));
}

const TAB = 0x09;
const NUL = 0x00;

export interface TextSegmentScanOptions {
  readonly file: DurableFile;
  readonly origin: string;
  readonly first: number;
  /** The tree below `first`; it is not changed. */
  readonly tree: LedgerTree;
  /** Called for each entry of a good group, in order, once its group is known to be good. */
  readonly onEntry?: (index: number, entry: CheckedEntry) => void;
  /** Called after each good group. */
  readonly onGroup?: (treeSize: number, rootText: string) => void;
}

/**
 * Reads a text segment from its start and re-derives everything: a group is good if its marker's root recomputes and every disclosure matches
 * its digest. Absent disclosures are listed; whether they are rightly erased, the caller knows.
 *
 * A group is written only after the one before it was synced, so only the last one can be torn: a bad group with another marker or more bytes
 * behind its own is damage. Rule: LEDGER-6.
 */
export async function scanTextSegment(options: TextSegmentScanOptions): Promise<TextSegmentScan> {
  const { file, origin, first, onEntry, onGroup } = options;
  const starts = new Float64Array(SEGMENT_ENTRIES);
  const lengths = new Uint32Array(SEGMENT_ENTRIES);
  const missing: { index: number; section: SectionName }[] = [];
  const systemEntries: { index: number; leaf: string }[] = [];
  let good = { count: 0, bytes: 0, tree: options.tree.clone(), missing: 0, system: 0 };
  const trial = good.tree.clone();
  let group: CheckedEntry[] = [];
  let bad: SegmentDamage | undefined;
  let markerBehindBad = false;
  let bytesBehindMarker = false;
  let end = 0;
  const header = formatHeader(origin, first);

  for await (const line of scanLines(file)) {
    end = line.end;
    if (bad !== undefined) {
      if (markerBehindBad) bytesBehindMarker = true;
      else markerBehindBad = mayEndGroup(line);
      continue;
    }
    const index = first + good.count + group.length;
    const fail = (reason: string): void => {
      bad = { index, reason };
      markerBehindBad = mayEndGroup(line);
    };
    if (line.start === 0) {
      // Never torn: the file gets its name only when its header is durable.
      if (line.kind !== "header" || `${line.bytes.toString("latin1")}\n` !== header) {
        fail("the header of its segment is not what it should be");
        bytesBehindMarker = true;
      } else good = { ...good, bytes: line.end };
      continue;
    }
    if (line.kind === "entry") {
      if (good.count + group.length >= SEGMENT_ENTRIES) {
        fail("its segment holds more entries than a segment can");
        continue;
      }
      const parts = splitLine(line.bytes);
      const checked = parts === undefined ? "its line does not have three fields" : checkEntry(parts);
      if (typeof checked === "string") {
        fail(checked);
        continue;
      }
      const position = good.count + group.length;
      starts[position] = line.start;
      lengths[position] = line.bytes.length;
      for (const section of checked.missing) missing.push({ index, section });
      if (checked.isSystem && parts !== undefined) systemEntries.push({ index, leaf: parts.leaf.toString("utf8") });
      trial.append(checked.leafHash);
      group.push(checked);
    } else if (line.kind === "marker") {
      if (group.length === 0 || line.treeSize !== first + good.count + group.length || line.root !== trial.rootText()) {
        bad = { index: first + good.count, reason: "the root after its group is not the one that was written with it" };
        markerBehindBad = true;
        continue;
      }
      group.forEach((entry, i) => {
        onEntry?.(first + good.count + i, entry);
      });
      good = {
        count: good.count + group.length,
        bytes: line.end,
        tree: trial.clone(),
        missing: missing.length,
        system: systemEntries.length,
      };
      group = [];
      onGroup?.(line.treeSize, line.root);
    } else {
      fail(line.kind === "unfinished" ? "its line is cut off" : "there is a line that is neither an entry nor a marker");
    }
  }
  if (bad === undefined && group.length > 0) bad = { index: first + good.count, reason: "its group has no end" };
  const size = await file.size();
  if (end < size) bytesBehindMarker = true; // A line longer than any that is written.

  const isDamaged = bad !== undefined && bytesBehindMarker;
  return {
    count: good.count,
    goodBytes: good.bytes,
    offsets: { starts, lengths },
    tree: good.tree,
    missing: missing.slice(0, good.missing),
    systemEntries: systemEntries.slice(0, good.system),
    torn: bad !== undefined && !isDamaged ? { start: good.bytes, end: size, reason: bad.reason } : undefined,
    damage: isDamaged ? bad : undefined,
  };
}
