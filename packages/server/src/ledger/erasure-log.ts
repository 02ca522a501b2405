import { dirname } from "node:path";
import type { SectionName } from "@vouchtrail/protocol";
import { parseErasures } from "@vouchtrail/protocol";
import { type FileSystem, isMissing, replaceFile } from "./file-system.ts";
import type { Erasure } from "./ledger.ts";

/** One erasure entry: which ranges, and when it was received. */
export interface ErasureRecord {
  readonly index: number;
  readonly at: string;
  readonly ranges: Erasure;
  /** True once no file of the ledger holds the sections any more. */
  isDone: boolean;
}

interface SavedErasures {
  readonly format: "vouchtrail-erasures/1";
  readonly origin: string;
  readonly next: number;
  readonly erasures: readonly ErasureRecord[];
}

/**
 * What the ledger's erasure entries say, kept so that a start need not look for them in every segment.
 *
 * *Untrusted*: it is derived from the ledger; losing it costs one look through the footers of all segments and one repeated, idle erasure.
 */
export interface ErasureLog {
  /** Entries below it have been looked at. */
  readonly next: number;
  readonly records: readonly ErasureRecord[];
  /** Drops what was saved of the entries from there on; whether they are done is kept for when they are added again. */
  forgetFrom(index: number): void;
  /** Looks at a system entry; does nothing unless it erases. */
  add(index: number, leaf: string): void;
  /** The first erasure entry that covers a section. */
  erasedBy(index: number, section: SectionName): ErasureRecord | undefined;
  /** Marks one as done and writes everything down. */
  done(index: number): Promise<void>;
  save(next: number): Promise<void>;
}

export async function openErasureLog(fileSystem: FileSystem, path: string, origin: string): Promise<ErasureLog> {
  const saved = await load(fileSystem, path, origin);
  let records: ErasureRecord[] = saved === undefined ? [] : [...saved.erasures];
  let next = saved?.next ?? 0;
  /** Told apart by content, not by index alone: in an older copy that was put back another entry may have it. */
  const doneBefore = new Set<string>();

  const save = async (): Promise<void> => {
    const content: SavedErasures = { format: "vouchtrail-erasures/1", origin, next, erasures: records };
    await fileSystem.makeDirectory(dirname(path));
    await replaceFile(fileSystem, path, Buffer.from(JSON.stringify(content)), 0o600);
  };

  return {
    get next() {
      return next;
    },
    get records() {
      return records;
    },
    forgetFrom(index) {
      for (const record of records) if (record.index >= index && record.isDone) doneBefore.add(nameOf(record));
      records = records.filter((record) => record.index < index);
      next = Math.min(next, index);
    },
    add(index, leaf) {
      if (records.some((record) => record.index === index)) return;
      const ranges = parseErasures(leaf);
      if (ranges === undefined) return;
      const { received } = JSON.parse(leaf) as { received?: { at?: string } };
      const record = { index, at: received?.at ?? "", ranges };
      records.push({ ...record, isDone: doneBefore.has(nameOf(record)) });
    },
    erasedBy: (index, section) =>
      records.find((record) => index < record.index && record.ranges[section]?.some(([from, to]) => index >= from && index < to)),
    async done(index) {
      for (const record of records) if (record.index === index) record.isDone = true;
      await save();
    },
    async save(size) {
      next = size;
      await save();
    },
  };
}

function nameOf({ index, at, ranges }: Pick<ErasureRecord, "index" | "at" | "ranges">): string {
  return JSON.stringify([index, at, ranges]);
}

async function load(fileSystem: FileSystem, path: string, origin: string): Promise<SavedErasures | undefined> {
  try {
    const saved = JSON.parse((await fileSystem.readFile(path)).toString("utf8")) as SavedErasures;
    return saved.format === "vouchtrail-erasures/1" && saved.origin === origin ? saved : undefined;
  } catch (error) {
    // A file that cannot be read is derived again, like a missing one.
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
