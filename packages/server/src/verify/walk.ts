import { type CheckedEntry, checkEntry } from "../ledger/entry-check.ts";
import { type EntryLine, splitLine } from "../ledger/segment-text.ts";
import type { SystemRecords } from "./erasure-cover.ts";
import { PROGRESS_ENTRIES } from "./limits.ts";
import type { SectionStates } from "./section-states.ts";
import type { TreeWalk } from "./tree-walk.ts";

/** Where and why the walk over the entries could not go on. */
export interface WalkStop {
  readonly code: string;
  /** The first entry that is bad or missing. */
  readonly index: number;
  /** What is wrong, as the end of a sentence that begins with the entry. */
  readonly reason: string;
  readonly file: string;
  /** True when the bytes simply end: nothing is wrong but what is not there. */
  readonly isCut: boolean;
  /** True when no further group stands behind it, so that it can be a write that a crash cut off. */
  readonly isAtEnd: boolean;
}

/** What a walk over the segments fills. */
export interface Walk {
  readonly tree: TreeWalk;
  readonly states: SectionStates;
  readonly system: SystemRecords;
  /** Takes the entry at the end of the tree. */
  take(entry: CheckedEntry, line: EntryLine): void;
  /** Looks at the signal, reports progress and compares the tiles that became full. */
  pause(): Promise<void>;
  /** Entries read so far. */
  readonly entries: number;
}

export function createWalk(
  tree: TreeWalk,
  states: SectionStates,
  system: SystemRecords,
  onEntries: (entries: number) => void,
  signal?: AbortSignal,
): Walk {
  let entries = 0;
  let told = 0;
  return {
    tree,
    states,
    system,
    take(entry, { leaf }) {
      states.set(tree.size, entry);
      if (entry.isSystem) system.add(tree.size, leaf.toString("utf8"));
      tree.append(entry.leafHash);
      entries += 1;
    },
    async pause() {
      signal?.throwIfAborted();
      await tree.checkTiles();
      if (entries - told < PROGRESS_ENTRIES) return;
      told = entries;
      onEntries(entries);
    },
    get entries() {
      return entries;
    },
  };
}

// Where `["<22 characters>","` ends, and what must follow: the section that the disclosure itself says it is.
const NAME_START = 27;
const NAMES = { personal: Buffer.from('personal",'), content: Buffer.from('content",') } as const;

/**
 * Checks the line of an entry against itself: its leaf's frame, and each disclosure against its digest and the section it stands for.
 * @returns In words what is wrong with it, where something is.
 */
export function checkLine(bytes: Buffer): { readonly entry: CheckedEntry; readonly line: EntryLine } | string {
  const line = splitLine(bytes);
  if (line === undefined) return "its line does not have three fields";
  const entry = checkEntry(line);
  if (typeof entry === "string") return entry;
  for (const section of ["personal", "content"] as const) {
    const name = NAMES[section];
    const disclosure = line[section];
    if (
      disclosure !== undefined &&
      (disclosure.length < NAME_START + name.length || name.compare(disclosure, NAME_START, NAME_START + name.length) !== 0)
    ) {
      return `what stands as its ${section} section is another section`;
    }
  }
  return { entry, line };
}
