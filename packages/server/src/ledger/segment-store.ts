import { AuditError } from "@vouchtrail/events";
import type { SectionName } from "@vouchtrail/protocol";
import { type DurableFile, type FileSystem, TEMPORARY_SUFFIX } from "./file-system.ts";
import { SEGMENTS_FOLDER, segmentPath } from "./layout.ts";
import type { StoredEntry } from "./ledger.ts";
import { BLOCK_CACHE_CHARS_MAX, BLOCK_CACHE_MAX, BLOCK_ENTRIES, READ_BATCH_ENTRIES, SEGMENT_CACHE_MAX, SEGMENT_ENTRIES } from "./limits.ts";
import type { EntryOffsets } from "./segment-scan.ts";
import { openSealed, readBlock, type SealedSegment, writeSealed } from "./segment-sealed.ts";
import { formatHeader, parseEntry } from "./segment-text.ts";

/** A segment that is still text: the active one, and full ones that wait to be sealed. Its file stays open. */
export interface TextSegment {
  readonly kind: "text";
  readonly first: number;
  readonly file: DurableFile;
  readonly offsets: EntryOffsets;
  /** Indexes of the server's own entries, ascending. */
  readonly system: number[];
  /** Durable entries. */
  count: number;
  /** Bytes up to the end of the last durable group. */
  bytes: number;
}

interface Retirable {
  readers: number;
  isRetired: boolean;
}

export interface SegmentStore {
  /** First indexes of all segments, ascending. */
  firsts(): readonly number[];
  /** The segment that begins there, if it is still text. */
  text(first: number): TextSegment | undefined;
  addText(segment: TextSegment): void;
  addSealed(first: number): void;
  /** Entries `[from, to)` of one batch, which ends at a block or segment border at the latest. */
  readBatch(from: number, to: number): Promise<readonly StoredEntry[]>;
  /** Writes the sealed form beside the text form and puts it in its place by one rename. */
  seal(first: number): Promise<void>;
  /** Rewrites a sealed segment without the sections that `isErased` names. Resolves with false if nothing was there to remove. */
  eraseSealed(first: number, isErased: (index: number, section: SectionName) => boolean): Promise<boolean>;
  /** The same for a text segment; nobody may append meanwhile. */
  eraseText(first: number, isErased: (index: number, section: SectionName) => boolean): Promise<boolean>;
  /** Indexes of the server's own entries in a segment, ascending. */
  systemEntries(first: number): Promise<readonly number[]>;
  drop(first: number): Promise<void>;
  close(): Promise<void>;
}

/** A new file may or may not stand under the segment's name: the open one must not be written to any more. */
export class UncertainSwitchError extends Error {
  override readonly name = "UncertainSwitchError";
  constructor(first: number, cause: unknown) {
    super(`The segment that begins at entry ${first} could not be replaced for certain.`, { cause });
  }
}

export function createSegmentStore(directory: string, origin: string, fileSystem: FileSystem): SegmentStore {
  const segments = new Map<number, TextSegment | { readonly kind: "sealed"; readonly first: number }>();
  const textReaders = new WeakMap<TextSegment, Retirable>();
  const footers = new Map<number, SealedSegment>();
  const blocks = new Map<string, readonly string[]>();
  let rewrites = 0;

  function remember<K, V>(cache: Map<K, V>, key: K, value: V, countMax: number): void {
    cache.delete(key);
    cache.set(key, value);
    if (cache.size > countMax) {
      const [oldest] = cache.keys();
      if (oldest !== undefined) cache.delete(oldest);
    }
  }

  function forget(first: number): void {
    rewrites += 1;
    footers.delete(first);
    for (const key of blocks.keys()) if (key.startsWith(`${first}:`)) blocks.delete(key);
  }

  async function withSealed<T>(first: number, use: (file: DurableFile, segment: SealedSegment) => Promise<T>): Promise<T> {
    const seen = rewrites;
    const file = await fileSystem.openFile(segmentPath(directory, first), "read");
    try {
      const known = footers.get(first);
      if (known !== undefined) {
        try {
          return await use(file, known);
        } catch (error) {
          // The segment may have been rewritten since its footer was read; a fresh look decides.
          if (!(error instanceof AuditError)) throw error;
        }
      }
      const fresh = await openSealed(file, origin, first);
      if (seen === rewrites) remember(footers, first, fresh, SEGMENT_CACHE_MAX);
      return await use(file, fresh);
    } finally {
      await file.close();
    }
  }

  async function readSealedBlock(first: number, block: number): Promise<readonly string[]> {
    const key = `${first}:${block}`;
    const cached = blocks.get(key);
    if (cached !== undefined) {
      remember(blocks, key, cached, BLOCK_CACHE_MAX);
      return cached;
    }
    const seen = rewrites;
    const text = (await withSealed(first, (file, segment) => readBlock(file, segment, block))).toString("utf8");
    const lines = text.split("\n");
    lines.pop();
    // What was read from a file that is replaced by now may hold erased sections: it is answered once, but not kept.
    if (text.length <= BLOCK_CACHE_CHARS_MAX && seen === rewrites) remember(blocks, key, lines, BLOCK_CACHE_MAX);
    return lines;
  }

  async function useText<T>(segment: TextSegment, use: () => Promise<T>): Promise<T> {
    const state = textReaders.get(segment) ?? { readers: 0, isRetired: false };
    textReaders.set(segment, state);
    state.readers += 1;
    try {
      return await use();
    } finally {
      state.readers -= 1;
      if (state.isRetired && state.readers === 0) await segment.file.close();
    }
  }

  async function retire(segment: TextSegment): Promise<void> {
    const state = textReaders.get(segment) ?? { readers: 0, isRetired: false };
    state.isRetired = true;
    textReaders.set(segment, state);
    if (state.readers === 0) await segment.file.close();
  }

  /** Bytes of the entries' lines from the first to the last, and where they begin in the file. */
  async function readSpan(segment: TextSegment, from: number, to: number): Promise<{ bytes: Buffer; start: number }> {
    const { starts, lengths } = segment.offsets;
    const start = starts[from]!;
    const bytes = Buffer.alloc(starts[to - 1]! + lengths[to - 1]! - start);
    const filled = await segment.file.read(bytes, start);
    if (filled < bytes.length) {
      throw new AuditError("LEDGER_DAMAGED", {
        message: `The segment that begins at entry ${segment.first} lost bytes while the server ran.`,
      });
    }
    return { bytes, start };
  }

  async function* textBlocks(segment: TextSegment, edit?: (index: number, line: Buffer) => Buffer): AsyncGenerator<Buffer> {
    const { starts, lengths } = segment.offsets;
    for (let from = 0; from < segment.count; from += BLOCK_ENTRIES) {
      const to = Math.min(from + BLOCK_ENTRIES, segment.count);
      const { bytes, start } = await readSpan(segment, from, to);
      const parts: Buffer[] = [];
      for (let i = from; i < to; i++) {
        const line = bytes.subarray(starts[i]! - start, starts[i]! - start + lengths[i]!);
        parts.push(edit === undefined ? line : edit(segment.first + i, line), LINE_FEED);
      }
      yield Buffer.concat(parts);
    }
  }

  /** Writes a file under a temporary name, puts it in its place and makes that durable. */
  async function replaceSegment(first: number, fill: (file: DurableFile) => Promise<void>): Promise<void> {
    const path = segmentPath(directory, first);
    const temporary = path + TEMPORARY_SUFFIX;
    await fileSystem.remove(temporary);
    try {
      const file = await fileSystem.openFile(temporary, "create");
      try {
        await fill(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      // It may hold what an erasure is about to remove. If this fails too, the next start removes it.
      await fileSystem.remove(temporary).catch(() => {});
      throw error;
    }
    try {
      await fileSystem.rename(temporary, path);
      await fileSystem.syncDirectory(`${directory}/${SEGMENTS_FOLDER}`);
    } catch (error) {
      throw new UncertainSwitchError(first, error);
    }
  }

  return {
    firsts: () => [...segments.keys()].sort((left, right) => left - right),
    text(first) {
      const segment = segments.get(first);
      return segment?.kind === "text" ? segment : undefined;
    },
    addText(segment) {
      segments.set(segment.first, segment);
    },
    addSealed(first) {
      segments.set(first, { kind: "sealed", first });
    },
    async readBatch(from, to) {
      const first = Math.floor(from / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
      const segment = segments.get(first);
      if (segment === undefined) throw new AuditError("ENTRY_PRUNED", { detail: { index: from } });
      const entries: StoredEntry[] = [];
      if (segment.kind === "sealed") {
        const block = Math.floor((from - first) / BLOCK_ENTRIES);
        const blockFirst = first + block * BLOCK_ENTRIES;
        const lines = await readSealedBlock(first, block);
        const end = Math.min(to, blockFirst + lines.length);
        for (let index = from; index < end; index++) entries.push(parseEntry(index, lines[index - blockFirst]!));
        return entries;
      }
      return useText(segment, async () => {
        const end = Math.min(to - first, segment.count, from - first + READ_BATCH_ENTRIES);
        const { starts, lengths } = segment.offsets;
        const { bytes, start } = await readSpan(segment, from - first, end);
        for (let i = from - first; i < end; i++) {
          const at = starts[i]! - start;
          entries.push(parseEntry(first + i, bytes.toString("utf8", at, at + lengths[i]!)));
        }
        return entries;
      });
    },
    async seal(first) {
      const segment = segments.get(first);
      if (segment?.kind !== "text") return;
      await useText(segment, () =>
        replaceSegment(first, (file) =>
          writeSealed(file, { origin, first, count: segment.count, system: segment.system }, textBlocks(segment)),
        ),
      );
      segments.set(first, { kind: "sealed", first });
      await retire(segment);
    },
    async eraseSealed(first, isErased) {
      let removed = false;
      const edit = (index: number, line: Buffer): Buffer => {
        const shorter = withoutSections(line, (section) => isErased(index, section));
        if (shorter !== line) removed = true;
        return shorter;
      };
      forget(first);
      const { footer } = await withSealed(first, async (_file, segment) => segment);
      async function* edited(): AsyncGenerator<Buffer> {
        for (let block = 0; block < footer.blocks.length; block++) {
          const lines = await withSealed(first, (file, segment) => readBlock(file, segment, block));
          const parts: Buffer[] = [];
          let index = first + block * BLOCK_ENTRIES;
          for (let at = 0; at < lines.length; index++) {
            const end = lines.indexOf(0x0a, at);
            parts.push(edit(index, lines.subarray(at, end)), LINE_FEED);
            at = end + 1;
          }
          yield Buffer.concat(parts);
        }
      }
      await replaceSegment(first, (file) => writeSealed(file, { origin, first, count: footer.count, system: footer.system }, edited()));
      forget(first);
      return removed;
    },
    async eraseText(first, isErased) {
      const segment = segments.get(first);
      if (segment?.kind !== "text") return false;
      let removed = false;
      const { starts, lengths } = segment.offsets;
      const newStarts = new Float64Array(SEGMENT_ENTRIES);
      const newLengths = new Uint32Array(SEGMENT_ENTRIES);
      let position = 0;
      await replaceSegment(first, async (file) => {
        const put = async (bytes: Uint8Array): Promise<void> => {
          await file.write(bytes, position);
          position += bytes.length;
        };
        await put(Buffer.from(formatHeader(origin, first)));
        let at = position; // In the old file: the header is the same.
        for (let from = 0; from < segment.count; from += BLOCK_ENTRIES) {
          const to = Math.min(from + BLOCK_ENTRIES, segment.count);
          const { bytes, start } = await readSpan(segment, from, to);
          const parts: Buffer[] = [];
          let filled = position;
          for (let i = from; i < to; i++) {
            // What lies between two entries are markers; they stay as they are, because roots are made of leaves.
            const between = i === from ? await readBytes(segment.file, at, starts[i]!) : bytes.subarray(at - start, starts[i]! - start);
            const line = bytes.subarray(starts[i]! - start, starts[i]! - start + lengths[i]!);
            const edited = withoutSections(line, (section) => isErased(first + i, section));
            if (edited !== line) removed = true;
            newStarts[i] = filled + between.length;
            newLengths[i] = edited.length;
            parts.push(between, edited, LINE_FEED);
            filled += between.length + edited.length + 1;
            at = starts[i]! + lengths[i]! + 1;
          }
          await put(Buffer.concat(parts));
        }
        await put(await readBytes(segment.file, at, segment.bytes));
        await file.sync();
      });
      const file = await fileSystem.openFile(segmentPath(directory, first), "write").catch((error: unknown) => {
        throw new UncertainSwitchError(first, error);
      });
      segments.set(first, {
        kind: "text",
        first,
        file,
        offsets: { starts: newStarts, lengths: newLengths },
        system: segment.system,
        count: segment.count,
        bytes: position,
      });
      await retire(segment);
      return removed;
    },
    async systemEntries(first) {
      const segment = segments.get(first);
      if (segment?.kind === "text") return segment.system.filter((index) => index < first + segment.count);
      return segment === undefined ? [] : withSealed(first, async (_file, { footer }) => footer.system);
    },
    async drop(first) {
      const segment = segments.get(first);
      segments.delete(first);
      forget(first);
      if (segment?.kind === "text") await retire(segment);
      await fileSystem.remove(segmentPath(directory, first));
    },
    async close() {
      for (const segment of segments.values()) if (segment.kind === "text") await retire(segment);
      segments.clear();
    },
  };
}

const LINE_FEED = Buffer.from("\n");
const TAB = Buffer.from("\t");
const NOTHING = Buffer.alloc(0);

async function readBytes(file: DurableFile, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.alloc(end - start);
  await file.read(bytes, start);
  return bytes;
}

function withoutSections(line: Buffer, isErased: (section: SectionName) => boolean): Buffer {
  const first = line.indexOf(0x09);
  const second = line.indexOf(0x09, first + 1);
  const hasPersonal = second > first + 1;
  const hasContent = second + 1 < line.length;
  const dropPersonal = hasPersonal && isErased("personal");
  const dropContent = hasContent && isErased("content");
  if (!dropPersonal && !dropContent) return line;
  return Buffer.concat([
    line.subarray(0, first),
    TAB,
    dropPersonal ? NOTHING : line.subarray(first + 1, second),
    TAB,
    dropContent ? NOTHING : line.subarray(second + 1),
  ]);
}
