import { join } from "node:path";
import { type FileSystem, TEMPORARY_SUFFIX } from "./file-system.ts";
import { BrokenIdFileError, compareIds, type IdFile, type IdRecord, mergeRecords, openIdFile, writeIdFile } from "./id-file.ts";
import { createIdTable, type IdQuery, type IdTable, toWords } from "./id-table.ts";
import type { EntryKey } from "./ledger.ts";
import { ID_FILES_PER_TIER, ID_GENERATION_MAX, SEGMENT_ENTRIES } from "./limits.ts";

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
  /** All candidates, however old. `find` stops at the newest generation that has one. */
  findAll(key: EntryKey): Promise<readonly number[]>;
  /** Candidates of every tenant. */
  findAnyTenant(id: string): Promise<readonly number[]>;
  /** Entries below `end` are in sealed segments now: writes their ids to files and merges what can be merged. */
  seal(end: number): Promise<void>;
  close(): Promise<void>;
}

const FILE_PATTERN = /^(\d+)-(\d+)\.ids$/;

export interface IdIndexOptions {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly readKeys: ReadKeys;
  /** Ids of one generation in memory. */
  readonly generationMax?: number;
}

/**
 * @param sealedEnd Entries below it are in sealed segments; files must cover them and are derived where they do not.
 * @param treeSize Entries of the ledger; those at or above `sealedEnd` are added by the caller.
 */
export async function openIdIndex(options: IdIndexOptions, minimumIndex: number, sealedEnd: number): Promise<IdIndex> {
  const { directory, fileSystem, readKeys, generationMax = ID_GENERATION_MAX } = options;
  await fileSystem.makeDirectory(directory, 0o700);
  const files = await openFiles();
  let current: IdTable = createIdTable();
  let previous: IdTable = createIdTable();
  let changing: Promise<void> = Promise.resolve();

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
      let merged: IdFile;
      try {
        merged = await writeRecords(first, end, mergeRecords(last.map((file) => file.records())));
      } catch (error) {
        if (!(error instanceof BrokenIdFileError)) throw error;
        merged = await writeRange(first, end);
      }
      files.splice(-ID_FILES_PER_TIER, ID_FILES_PER_TIER, merged);
      for (const file of last) {
        await file.close();
        await fileSystem.remove(file.path);
      }
    }
  }

  await deriveGaps(SEGMENT_ENTRIES);
  // The newest sealed ids go to memory as well, so that a restart does not make common look-ups slower.
  for (let i = files.length - 1; i >= 0; i--) {
    const file = files[i];
    if (file === undefined || previous.count + file.count > generationMax) break;
    const records: IdRecord[] = [];
    try {
      for await (const batch of file.records()) records.push(...batch);
    } catch (error) {
      if (!(error instanceof BrokenIdFileError)) throw error;
      await deriveAgain(file);
      i += 1; // Once more with the file that took its place.
      continue;
    }
    for (const record of records) previous.add(record, record.index);
  }

  async function findEverywhere(words: IdQuery): Promise<readonly number[]> {
    return [...new Set([...current.find(words), ...previous.find(words), ...(await findInFiles(words, memoryMinimum()))])];
  }

  /** Files change one job at a time: readers that meet the same broken file must not write it twice at once. */
  function inTurn(job: () => Promise<void>): Promise<void> {
    const result = changing.then(job);
    changing = result.catch(() => {});
    return result;
  }

  /** Writes a broken file again from the ledger, unless another file has taken its place already. */
  async function deriveAgain(file: IdFile): Promise<void> {
    if (!files.includes(file)) return;
    const again = await writeRange(file.first, file.end);
    files[files.indexOf(file)] = again;
    await file.close();
  }

  const memoryMinimum = (): number => Math.min(previous.minimumIndex, current.minimumIndex);

  async function findInFiles(words: IdQuery, below: number): Promise<readonly number[]> {
    const found: number[] = [];
    for (const file of [...files].reverse()) {
      if (file.first >= below) continue;
      try {
        found.push(...(await file.find(words)));
      } catch (error) {
        if (!(error instanceof BrokenIdFileError)) throw error;
        await inTurn(() => deriveAgain(file));
        return findInFiles(words, below);
      }
    }
    return found;
  }

  return {
    add(key, index) {
      const coveredEnd = files.at(-1)?.end ?? minimumIndex;
      if (current.count >= generationMax && (previous.count === 0 || coveredEnd >= current.minimumIndex)) {
        previous = current;
        current = createIdTable(generationMax);
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
    findAll: (key) => findEverywhere(toWords(key)),
    findAnyTenant: (id) => findEverywhere({ ...toWords({ tenant: "", id }), tenant: undefined }),
    seal: (end) =>
      inTurn(async () => {
        // From the last file on, not from the last segment: there must be no gap, even if a file could not be written in its time.
        for (let covered = files.at(-1)?.end ?? minimumIndex; covered < end; covered = Math.min(covered + SEGMENT_ENTRIES, end)) {
          files.push(await writeRange(covered, Math.min(covered + SEGMENT_ENTRIES, end)));
          await merge();
        }
      }),
    async close() {
      await Promise.all(files.map((file) => file.close()));
    },
  };
}

async function* oneBatch(records: readonly IdRecord[]): AsyncGenerator<readonly IdRecord[]> {
  if (records.length > 0) yield records;
}
