import { type DurableFile, nodeFileSystem } from "../ledger/file-system.ts";
import { SEGMENTS_FOLDER, segmentName, segmentPath } from "../ledger/layout.ts";
import { BLOCK_ENTRIES, SEGMENT_ENTRIES } from "../ledger/limits.ts";
import { isSealed } from "../ledger/segment-sealed.ts";
import { createSystemRecords, type SystemRecords } from "./erasure-cover.ts";
import { type LedgerFiles, listLedgerFiles, unreadable } from "./ledger-files.ts";
import { createSectionStates, type SectionStates } from "./section-states.ts";
import { createTreeWalk, isRoot, type TileFault, type TreeWalk } from "./tree-walk.ts";
import { openTrust, type SignedCheckpoint, type Trust } from "./trust.ts";
import { summarize } from "./verdict.ts";
import { createFindings, entriesText, type Findings, type VerifyProgress, type VerifyReport } from "./verify-report.ts";
import { createWalk, type Walk, type WalkStop } from "./walk.ts";
import { walkSealed } from "./walk-sealed.ts";
import { type GoodEnd, walkText } from "./walk-text.ts";

export interface VerifyFolderOptions {
  /** A ledger folder (`ledger/main`) or a copy of one. It may lack the checkpoint and the tiles. */
  readonly folder: string;
  /** A verifier key that came from elsewhere. */
  readonly vkey?: string;
  /** A signed checkpoint that was kept elsewhere. */
  readonly rememberedNote?: string;
  /** The origin that was last seen at this place. */
  readonly rememberedOrigin?: string;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Verifies a ledger folder offline. Everything is derived again from the segments, streaming; nothing is written and nothing repaired.
 * A folder that is not there, or empty, is verified like any other: what was signed before is then gone.
 *
 * @throws {AuditError} `DATA_UNREADABLE`. @throws {ProtocolError} `VKEY_INVALID` (the pinned key). Rules: VERDICT-1 to VERDICT-9.
 */
export async function verifyLedgerFolder(options: VerifyFolderOptions): Promise<VerifyReport> {
  const { folder, onProgress, signal } = options;
  const findings = createFindings();
  const files = await listLedgerFiles(folder, findings);
  if (files === undefined) findings.alarm("LEDGER_MISSING", "The ledger folder is not there.");
  const trust = openTrust(
    {
      vkeyFile: files?.vkey,
      checkpointFile: files?.checkpoint,
      pinnedVkey: options.vkey,
      rememberedNote: options.rememberedNote,
      rememberedOrigin: options.rememberedOrigin,
    },
    findings,
  );
  const signed = [trust.checkpoint, trust.remembered].filter((checkpoint) => checkpoint !== undefined);
  const tree = createTreeWalk(
    folder,
    files?.tiles ?? new Map(),
    signed.map(({ treeSize }) => treeSize),
  );
  const states = createSectionStates();
  const system = createSystemRecords(findings);
  const totalEntries = signed.length === 0 ? undefined : Math.max(...signed.map(({ treeSize }) => treeSize));
  const tell = (doneEntries: number): void => onProgress?.({ doneEntries, totalEntries });
  const walk = createWalk(tree, states, system, tell, signal);

  const walked = await walkSegments(walk, folder, files?.segments ?? [], trust.origin, findings);
  await tree.checkTiles();
  tell(walk.entries);
  const { good, stop } = walked;
  const isCut = stop === undefined || stop.isCut;
  const signedMost = Math.max(0, ...signed.map(({ treeSize }) => treeSize));
  // Otherwise what was not reached may excuse what was: an erasure stands behind the entries that it erases.
  const isComplete = good.size >= signedMost && (stop === undefined || stop.isAtEnd);
  const signedSize = compareSigned(trust, tree, good, isCut, findings);
  judgeStop(stop, signedMost, good.size, findings);
  judgeTiles({ tree, files, signedSize, goodSize: good.size, prunedEnd: walked.prunedEnd, isComplete }, findings);
  if (walked.prunedEnd > system.prunedTo(signedSize) && isComplete) {
    const file = `${SEGMENTS_FOLDER}/${segmentName(0)}`;
    findings.alarm(
      "SEGMENT_MISSING",
      `${sentence(entriesText(0, walked.prunedEnd))} are gone, and no signed entry says that they were pruned.`,
      {
        index: 0,
        file,
      },
    );
  }
  const erasedSections = judgeSections({ states, system, signedSize, goodSize: good.size, isComplete }, findings);
  if (good.size > signedSize && findings.alarms === 0) {
    const range = entriesText(signedSize, good.size);
    findings.note("NOT_SIGNED_YET", `${sentence(range)} came after the last checkpoint and are not signed yet.`, { index: signedSize });
  }
  return summarize({ trust, findings, treeSize: good.size, rootHash: good.root, signedSize, entries: walk.entries, erasedSections });
}

interface Walked {
  readonly good: GoodEnd;
  readonly stop: WalkStop | undefined;
  /** Entries below it have no segment. */
  readonly prunedEnd: number;
}

async function walkSegments(walk: Walk, folder: string, segments: readonly number[], origin: string, findings: Findings): Promise<Walked> {
  const { tree } = walk;
  let good: GoodEnd = { size: 0, root: tree.rootText() };
  const begin = segments[0] ?? 0;
  const stopped = (stop: WalkStop): Walked => ({ good, stop, prunedEnd: begin });
  if (begin % SEGMENT_ENTRIES !== 0) {
    const file = `${SEGMENTS_FOLDER}/${segmentName(begin)}`;
    findings.alarm("STRANGE_FILE", `No segment begins at entry ${begin}.`, { index: begin, file });
    return { good, stop: gapAt(0, begin), prunedEnd: 0 };
  }
  for (let n = 0; n < begin / BLOCK_ENTRIES; n++) {
    if (!(await tree.appendTile(n))) return stopped(gapAt(n * BLOCK_ENTRIES, begin));
    if (n % 256 === 255) await walk.pause();
  }
  good = { size: tree.size, root: tree.rootText() };

  for (const [position, first] of segments.entries()) {
    await walk.pause();
    if (first !== tree.size) return stopped(gapAt(tree.size, first));
    const path = segmentPath(folder, first);
    const segment = { origin, first, file: `${SEGMENTS_FOLDER}/${segmentName(first)}` };
    const file = await openSegment(path);
    if (file === undefined) return stopped(gapAt(first, first + SEGMENT_ENTRIES));
    let stop: WalkStop | undefined;
    try {
      if (await isSealed(file)) {
        stop = await walkSealed(walk, file, segment);
        if (stop === undefined) good = { size: tree.size, root: tree.rootText() };
      } else {
        stop = await walkText(walk, file, segment, (end) => {
          good = end;
        });
      }
    } finally {
      await file.close();
    }
    const next = segments[position + 1];
    if (stop !== undefined) return stopped(next === undefined ? stop : { ...stop, isAtEnd: false, isCut: false });
    if (next !== undefined && tree.size !== first + SEGMENT_ENTRIES) return stopped(gapAt(tree.size, next));
  }
  return { good, stop: undefined, prunedEnd: begin };
}

function gapAt(from: number, to: number): WalkStop {
  const first = Math.floor(from / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
  const file = `${SEGMENTS_FOLDER}/${segmentName(first)}`;
  const end = Math.max(to, from + 1);
  return {
    code: "SEGMENT_MISSING",
    index: from,
    reason: `up to entry ${end - 1} are gone: their segment is missing or ends early`,
    file,
    isCut: false,
    isAtEnd: false,
  };
}

async function openSegment(path: string): Promise<DurableFile | undefined> {
  try {
    return await nodeFileSystem.openFile(path, "read");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw unreadable(path, error);
  }
}

/** Compares the tree with both checkpoints. Resolves with how many entries are under a good signature. */
function compareSigned(trust: Trust, tree: TreeWalk, good: GoodEnd, isCut: boolean, findings: Findings): number {
  let signedSize = 0;
  const compare = (checkpoint: SignedCheckpoint | undefined, isRemembered: boolean): void => {
    if (checkpoint === undefined) return;
    const { treeSize, rootHash } = checkpoint;
    const what = isRemembered ? "which were signed before" : "which its checkpoint covers";
    if (treeSize > good.size) {
      // When the walk stopped at damage, that says more than how many entries could not be reached.
      if (!isCut) return;
      const gone = `${sentence(entriesText(good.size, treeSize))}, ${what}, ${treeSize - good.size === 1 ? "is" : "are"} gone.`;
      findings.alarm(isRemembered ? "SHORTER_THAN_REMEMBERED" : "SHORTER_THAN_SIGNED", gone, { index: good.size });
      return;
    }
    const root = tree.rootAt(treeSize);
    if (root !== undefined && isRoot(root, rootHash)) signedSize = Math.max(signedSize, treeSize);
    else if (isRemembered) {
      findings.alarm(
        "DIFFERS_FROM_REMEMBERED",
        `The first ${treeSize} entries are not the ones that were signed before: at least one was changed, removed, added or moved.`,
      );
    } else {
      const message = `The first ${treeSize} entries do not have the root that was signed for them: at least one was changed, removed, added or moved.`;
      findings.alarm("ROOT_MISMATCH", message, { file: "checkpoint" });
    }
  };
  compare(trust.remembered, true);
  compare(trust.checkpoint, false);
  const { checkpoint, remembered } = trust;
  if (checkpoint !== undefined && remembered !== undefined && checkpoint.treeSize < remembered.treeSize) {
    findings.note(
      "CHECKPOINT_OLDER",
      `The checkpoint in the folder covers ${checkpoint.treeSize} entries, the remembered one ${remembered.treeSize}; the newer one counts.`,
      { file: "checkpoint" },
    );
  }
  return signedSize;
}

function judgeStop(stop: WalkStop | undefined, signedMost: number, goodSize: number, findings: Findings): void {
  if (stop === undefined) return;
  const { index, file } = stop;
  if (stop.isAtEnd && goodSize >= signedMost) {
    const message = `Behind entry ${goodSize - 1} stands a write that did not finish (entry ${index}: ${stop.reason}); nothing was ever acknowledged for it.`;
    findings.note("TORN_GROUP", message, { index, file });
    return;
  }
  // A marker or header that is wrong is no entry's fault; the others are about the entry itself.
  const subject = stop.code === "SEGMENT_MISSING" ? `Entries from ${index} ` : `Entry ${index}: `;
  findings.alarm(stop.code, `${subject}${stop.reason}.`, { index, file });
  if (!stop.isCut)
    findings.note("CHECK_STOPPED", `What follows entry ${goodSize === 0 ? 0 : goodSize - 1} could not be checked.`, { index: goodSize });
}

interface TilesToJudge {
  readonly tree: TreeWalk;
  readonly files: LedgerFiles | undefined;
  readonly signedSize: number;
  readonly goodSize: number;
  readonly prunedEnd: number;
  readonly isComplete: boolean;
}

/** Tiles are derived from entries: where the entries hold, a tile that differs is damaged; where they do not, it tells which entry. */
function judgeTiles(tiles: TilesToJudge, findings: Findings): void {
  const { tree, files, signedSize, goodSize, prunedEnd, isComplete } = tiles;
  const faults = [...tree.faults].sort((left, right) => left.level - right.level || left.n - right.n);
  const missing: TileFault[] = [];
  const ahead: { readonly file: string }[] = [];
  for (const fault of faults) {
    const { index, end, file, kind } = fault;
    if (kind === "missing") {
      if (end <= signedSize) missing.push(fault);
    } else if (end <= signedSize) {
      findings.alarm(
        "TILE_DAMAGED",
        `${file} is not the tile that the signed entries give; entry ${index} is the first that it contradicts.`,
        { index, file },
      );
    } else if (end <= goodSize && findings.alarms > 0) {
      findings.alarm("TILE_DIFFERS", `${file} and the entries contradict each other, first at entry ${index}: one of them was changed.`, {
        index,
        file,
      });
    } else ahead.push(fault);
  }
  if (isComplete) ahead.push(...tree.unmet());
  for (const { file } of ahead)
    findings.note("TILE_AHEAD", `${file} covers entries that are not signed; a crash can leave it, and it is written again.`, { file });

  const [first] = missing;
  if (first === undefined) return;
  const { index, file } = first;
  if (files?.checkpoint !== undefined || index < prunedEnd) {
    findings.alarm(
      "TILE_MISSING",
      `${file} is missing, and ${missing.length - 1} more; a checkpoint promises that every full tile is there.`,
      { index, file },
    );
  } else {
    findings.note("TILES_MISSING", `${missing.length} tiles are not there. They can be derived from the segments, and were not needed.`, {
      file,
    });
  }
}

interface SectionsToJudge {
  readonly states: SectionStates;
  readonly system: SystemRecords;
  readonly signedSize: number;
  readonly goodSize: number;
  readonly isComplete: boolean;
}

function judgeSections(sections: SectionsToJudge, findings: Findings): number {
  const { states, system, signedSize, goodSize, isComplete } = sections;
  let undecided = 0;
  let erasedSections = 0;
  for (const section of ["personal", "content"] as const) {
    const answers = states.answers(section, system.cover(section, signedSize), goodSize);
    erasedSections += answers.erased;
    const unsigned = system.cover(section, goodSize);
    for (const { from, to } of answers.missing) {
      if (!isComplete) {
        undecided += to - from;
        continue;
      }
      const claimed = unsigned.find((range) => range.from <= from && from < range.to);
      const why = claimed === undefined ? "no entry erases it" : `only entry ${claimed.by}, which nobody has signed, erases it`;
      findings.alarm("SECTION_MISSING", `The ${section} section of ${entriesText(from, to)} is missing, and ${why}.`, { index: from });
    }
    for (const { from, to, by } of answers.unfinished) {
      findings.note(
        "ERASURE_UNFINISHED",
        `The ${section} section of ${entriesText(from, to)} is still there although entry ${by} erases it; the server finishes that when it starts.`,
        { index: from },
      );
    }
  }
  if (undecided > 0) {
    findings.note(
      "SECTIONS_UNDECIDED",
      `${undecided} sections are missing; whether an entry erases them stands in the part that could not be read.`,
    );
  }
  return erasedSections;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
