import { join } from "node:path";
import { type FileSystem, TEMPORARY_SUFFIX } from "./file-system.ts";
import { BrokenIdFileError, compareIds, type IdFile, type IdRecord, mergeRecords, openIdFile, writeIdFile } from "./id-file.ts";
import { createIdTable, type IdTable, type IdQuery, toWords } from "./id-table.ts";
import type { EntryKey } from "./ledger.ts";
import { ID_FILES_PER_TIER, ID_GENERATION_MAX } from "./limits.ts";

/** Reads the keys of entries `[from, to)`, in order; how the index is derived from the ledger. */
export type ReadKeys = (from: number, to: number) => AsyncIterable<readonly { readonly index: number; readonly key: EntryKey }[]>;

/**
 * Finds entries by (tenant, id): the newest million in two generations in memory, all sealed ones in sorted files, which are merged so that
 * there are at most {@link ID_FILES_PER_TIER} - 1 of a size.
 *
 * Invariant: every index below the smallest one in memory is in exactly one file. A generation leaves memory only when files cover it.
 */
export interface IdIndex {
  /** Adds the next entry. */
  add(key: EntryKey, index: number): void;
  /** Candidates, newest generation first: entries whose (tenant, id) may be this one. The caller reads them to be sure. */
  find(key: EntryKey): readonly number[] | Promise<readonly number[]>;
  /** Candidates of every tenant. */
  findAnyTenant(id: string): Promise<readonly number[]>;
  /** Writes the ids of a sealed segment to a file and merges what can be merged. */
  seal(first: number, end: number): Promise<void>;
  close(): Promise<void>;
}

const FILE_PATTERN = /^(\d+)-(\d+)\.ids$/;

export interface IdIndexOptions {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly readKeys: ReadKeys;
}

/**
 * @param sealedEnd Entries below it are in sealed segments; files must cover them and are derived where they do not.
 * @param treeSize Entries of the ledger; those at or above `sealedEnd` are added by the caller.
 */
export async function openIdIndex(options: IdIndexOptions, minimumIndex: number, sealedEnd: number): Promise<IdIndex> {
  const { directory, fileSystem, readKeys } = options;
  await fileSystem.makeDirectory(directory, 0o700);
  const files = await openFiles();
  let current: IdTable = createIdTable();
  let previous: IdTable = createIdTable();

  async function openFiles(): Promise<IdFile[]> {
    const found: IdFile[] = [];
    for (const name of await fileSystem.list(directory)) {
      const path = join(directory, name);
      if (name.endsWith(TEMPORARY_SUFFIX)) await fileSystem.remove(path);
      if (!FILE_PATTERN.test(name)) continue;
      const file = await openIdFile(fileSystem, path);
      if (file !== undefined && file.end <= sealedEnd) found.push(file);
      else {
        await file?.close();
        await fileSystem.remove(path);
      }
    }
    // A merge that was cut off leaves both the large file and its parts: the large one is whole, so the parts go.
    found.sort((left, right) => left.first - right.first || right.end - left.end);
    const kept: IdFile[] = [];
    let covered = 0;
    for (const file of found) {
      if (file.first >= covered) {
        kept.push(file);
        covered = file.end;
      } else {
        await file.close();
        await fileSystem.remove(file.path);
      }
    }
    return kept;
  }

  const pathOf = (first: number, end: number): string => join(directory, `${first}-${end}.ids`);

  async function writeRange(first: number, end: number): Promise<IdFile> {
    const records: IdRecord[] = [];
    for await (const batch of readKeys(first, end)) for (const { key, index } of batch) records.push({ ...toWords(key), index });
    records.sort(compareIds);
    return writeRecords(first, end, mergeRecords([oneBatch(records)]));
  }

  async function writeRecords(first: number, end: number, records: AsyncIterable<readonly IdRecord[]>): Promise<IdFile> {
    const path = pathOf(first, end);
    await writeIdFile(fileSystem, path, { first, end }, records);
    const file = await openIdFile(fileSystem, path);
    if (file === undefined) throw new Error(`The id file ${path} cannot be read back.`);
    return file;
  }

  async function deriveGaps(step: number): Promise<void> {
    let covered = minimumIndex;
    for (const file of [...files, undefined]) {
      const until = file?.first ?? sealedEnd;
      while (covered < until) {
        const end = Math.min(covered + step, until);
        files.push(await writeRange(covered, end));
        covered = end;
      }
      if (file !== undefined) covered = Math.max(covered, file.end);
    }
    files.sort((left, right) => left.first - right.first);
  }

  async function merge(): Promise<void> {
    for (;;) {
      const last = files.slice(-ID_FILES_PER_TIER);
      const size = last[0] === undefined ? 0 : last[0].end - last[0].first;
      if (last.length < ID_FILES_PER_TIER || last.some((file) => file.end - file.first !== size)) return;
      const first = last[0]?.first ?? 0;
      const end = last.at(-1)?.end ?? 0;
      const merged = await writeRecords(first, end, mergeRecords(last.map((file) => file.records())));
      files.splice(-ID_FILES_PER_TIER, ID_FILES_PER_TIER, merged);
      for (const file of last) {
        await file.close();
        await fileSystem.remove(file.path);
      }
    }
  }

  await deriveGaps(65_536);
  // The newest sealed ids go to memory as well, so that a restart does not make common look-ups slower.
  for (let i = files.length - 1; i >= 0; i--) {
    const file = files[i];
    if (file === undefined || previous.count + file.count > ID_GENERATION_MAX) break;
    for await (const batch of file.records()) for (const record of batch) previous.add(record, record.index);
  }

  const memoryMinimum = (): number => Math.min(previous.minimumIndex, current.minimumIndex);

  async function findInFiles(words: IdQuery, below: number): Promise<readonly number[]> {
    const found: number[] = [];
    for (const file of [...files].reverse()) {
      if (file.first >= below) continue;
      try {
        found.push(...(await file.find(words)));
      } catch (error) {
        // Merged away while it was read: ask what took its place.
        const position = files.indexOf(file);
        if (position < 0) return findInFiles(words, below);
        if (!(error instanceof BrokenIdFileError)) throw error;
        const again = await writeRange(file.first, file.end);
        files[files.indexOf(file)] = again;
        await file.close();
        found.push(...(await again.find(words)));
      }
    }
    return found;
  }

  return {
    add(key, index) {
      const coveredEnd = files.at(-1)?.end ?? minimumIndex;
      if (current.count >= ID_GENERATION_MAX && (previous.count === 0 || coveredEnd >= current.minimumIndex)) {
        previous = current;
        current = createIdTable(ID_GENERATION_MAX);
      }
      current.add(toWords(key), index);
    },
    find(key) {
      const words = toWords(key);
      const recent = current.find(words);
      if (recent.length > 0) return recent;
      const older = previous.find(words);
      if (older.length > 0 || files.length === 0) return older;
      const below = memoryMinimum();
      return (files[0]?.first ?? 0) >= below ? older : findInFiles(words, below);
    },
    async findAnyTenant(id) {
      const query: IdQuery = { ...toWords({ tenant: "", id }), tenant: undefined };
      return [...current.find(query), ...previous.find(query), ...(await findInFiles(query, memoryMinimum()))];
    },
    async seal(first, end) {
      const covered = files.at(-1)?.end ?? minimumIndex;
      if (covered >= end) return;
      files.push(await writeRange(Math.max(first, covered), end));
      await merge();
    },
    async close() {
      await Promise.all(files.map((file) => file.close()));
    },
  };
}

async function* oneBatch(records: readonly IdRecord[]): AsyncGenerator<readonly IdRecord[]> {
  if (records.length > 0) yield records;
}
