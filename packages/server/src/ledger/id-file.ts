import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { type DurableFile, type FileSystem, TEMPORARY_SUFFIX } from "./file-system.ts";
import type { IdQuery, IdWords } from "./id-table.ts";

/*
 * Ids of a range of entries, sorted, on disk:
 *
 *   header (64 bytes)  magic, first index, end index, records, smallest and largest UUIDv7 time, records that are not UUIDv7, CRC-32
 *   blocks (4,096 bytes)  157 records of 26 bytes (UUID, tenant hash, 48-bit index), padding, CRC-32
 *
 * *Untrusted*: a hit is confirmed by reading the entry, and a block with a wrong CRC makes the file be derived again from the ledger.
 */
const MAGIC = Buffer.from("VTIDS/1\n");
const HEADER_BYTES = 64;
const RECORD_BYTES = 26;
const BLOCK_BYTES = 4_096;
const BLOCK_RECORDS = 157;
/** 32-bit words of a key: the id and the tenant. */
const FENCE_WORDS = 5;
const STRETCH_BLOCKS = 64;
const MERGE_BATCH_RECORDS = 4_096;

/** A block of an id file fails its CRC: the file is derived again from the ledger. */
export class BrokenIdFileError extends Error {
  override readonly name = "BrokenIdFileError";
  constructor(path: string) {
    super(`A block of ${path} fails its CRC.`);
  }
}

/** One id: its words and its index. */
export interface IdRecord extends IdWords {
  readonly index: number;
}

/** Milliseconds of a UUIDv7, or undefined for another version. */
export function uuidTime({ a, b }: Pick<IdWords, "a" | "b">): number | undefined {
  return ((b >>> 12) & 0xf) === 7 ? a * 0x10000 + (b >>> 16) : undefined;
}

function encodeRecord(record: IdRecord, buffer: Buffer, at: number): void {
  buffer.writeUInt32BE(record.a, at);
  buffer.writeUInt32BE(record.b, at + 4);
  buffer.writeUInt32BE(record.c, at + 8);
  buffer.writeUInt32BE(record.d, at + 12);
  buffer.writeUInt32BE(record.tenant, at + 16);
  buffer.writeUIntBE(record.index, at + 20, 6);
}

/** Order of records: their bytes. */
export function compareIds(left: IdRecord, right: IdRecord): number {
  return (
    left.a - right.a || left.b - right.b || left.c - right.c || left.d - right.d || left.tenant - right.tenant || left.index - right.index
  );
}

/** Writes sorted records for the entries `[first, end)`; nothing but one stretch of blocks is held in memory. */
export async function writeIdFile(
  fileSystem: FileSystem,
  path: string,
  range: { first: number; end: number },
  records: AsyncIterable<readonly IdRecord[]>,
): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX;
  await fileSystem.remove(temporary);
  const file = await fileSystem.openFile(temporary, "create", 0o600);
  let timeMin = 2 ** 48 - 1;
  let timeMax = 0;
  let others = 0;
  let count = 0;
  let position = HEADER_BYTES;
  let stretch = Buffer.alloc(STRETCH_BLOCKS * BLOCK_BYTES);
  let filled = 0; // Records in the stretch.

  const flush = async (): Promise<void> => {
    const blocks = Math.ceil(filled / BLOCK_RECORDS);
    for (let block = 0; block < blocks; block++) {
      const start = block * BLOCK_BYTES;
      stretch.writeUInt32BE(crc32(stretch.subarray(start, start + BLOCK_BYTES - 4)), start + BLOCK_BYTES - 4);
    }
    await file.write(stretch.subarray(0, blocks * BLOCK_BYTES), position);
    position += blocks * BLOCK_BYTES;
    stretch = Buffer.alloc(STRETCH_BLOCKS * BLOCK_BYTES);
    filled = 0;
  };

  try {
    for await (const batch of records) {
      for (const record of batch) {
        encodeRecord(record, stretch, Math.floor(filled / BLOCK_RECORDS) * BLOCK_BYTES + (filled % BLOCK_RECORDS) * RECORD_BYTES);
        filled += 1;
        count += 1;
        const time = uuidTime(record);
        if (time === undefined) others += 1;
        else {
          if (time < timeMin) timeMin = time;
          if (time > timeMax) timeMax = time;
        }
        if (filled === STRETCH_BLOCKS * BLOCK_RECORDS) await flush();
      }
    }
    await flush();
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header, 0);
    header.writeUIntBE(range.first, 8, 6);
    header.writeUIntBE(range.end, 16, 6);
    header.writeUIntBE(count, 24, 6);
    header.writeUIntBE(timeMin, 32, 6);
    header.writeUIntBE(timeMax, 40, 6);
    header.writeUIntBE(others, 48, 6);
    header.writeUInt32BE(crc32(header.subarray(0, 60)), 60);
    await file.write(header, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fileSystem.rename(temporary, path);
  await fileSystem.syncDirectory(dirname(path));
}

/** Merges sorted batches into one sorted sequence. */
export async function* mergeRecords(sources: readonly AsyncIterable<readonly IdRecord[]>[]): AsyncGenerator<readonly IdRecord[]> {
  const heads: { batch: readonly IdRecord[]; at: number; next: AsyncIterator<readonly IdRecord[]> }[] = [];
  for (const source of sources) {
    const next = source[Symbol.asyncIterator]();
    const first = await next.next();
    if (first.done !== true) heads.push({ batch: first.value, at: 0, next });
  }
  let merged: IdRecord[] = [];
  while (heads.length > 0) {
    let smallest = heads[0]!;
    for (const head of heads) if (compareIds(head.batch[head.at]!, smallest.batch[smallest.at]!) < 0) smallest = head;
    merged.push(smallest.batch[smallest.at]!);
    smallest.at += 1;
    if (smallest.at === smallest.batch.length) {
      const following = await smallest.next.next();
      if (following.done === true) heads.splice(heads.indexOf(smallest), 1);
      else {
        smallest.batch = following.value;
        smallest.at = 0;
      }
    }
    if (merged.length === MERGE_BATCH_RECORDS) {
      yield merged;
      merged = [];
    }
  }
  if (merged.length > 0) yield merged;
}

export interface IdFile {
  readonly path: string;
  readonly first: number;
  readonly end: number;
  readonly count: number;
  /** Candidates for a key. @throws {BrokenIdFileError} when a block fails its CRC: derive the file again. */
  find(words: IdQuery): Promise<readonly number[]>;
  /** All records in order, a block at a time. @throws {BrokenIdFileError} when a block fails its CRC. */
  records(): AsyncGenerator<readonly IdRecord[]>;
  /** Whoever reads then gets a {@link BrokenIdFileError}. */
  close(): Promise<void>;
}

/** Opens an id file. Resolves with undefined if it is not whole: then it is derived again. */
export async function openIdFile(fileSystem: FileSystem, path: string): Promise<IdFile | undefined> {
  const file: DurableFile = await fileSystem.openFile(path, "read");
  const header = Buffer.alloc(HEADER_BYTES);
  const filled = await file.read(header, 0);
  const count = filled === HEADER_BYTES ? header.readUIntBE(24, 6) : 0;
  const blocks = Math.ceil(count / BLOCK_RECORDS);
  const isWhole =
    filled === HEADER_BYTES &&
    header.subarray(0, MAGIC.length).equals(MAGIC) &&
    header.readUInt32BE(60) === crc32(header.subarray(0, 60)) &&
    (await file.size()) === HEADER_BYTES + blocks * BLOCK_BYTES;
  if (!isWhole) {
    await file.close();
    return undefined;
  }
  const timeMin = header.readUIntBE(32, 6);
  const timeMax = header.readUIntBE(40, 6);
  const others = header.readUIntBE(48, 6);

  // The descriptor is closed only when nobody reads: its number may soon belong to another file, whose blocks pass their CRC too.
  let readers = 0;
  let isClosed = false;

  async function readBlock(block: number): Promise<Buffer> {
    const bytes = Buffer.alloc(BLOCK_BYTES);
    if (isClosed) throw new BrokenIdFileError(path);
    readers += 1;
    try {
      await file.read(bytes, HEADER_BYTES + block * BLOCK_BYTES);
    } finally {
      readers -= 1;
      if (isClosed && readers === 0) await file.close();
    }
    if (bytes.readUInt32BE(BLOCK_BYTES - 4) !== crc32(bytes.subarray(0, BLOCK_BYTES - 4))) throw new BrokenIdFileError(path);
    return bytes;
  }
  const recordsIn = (block: number): number => Math.min(BLOCK_RECORDS, count - block * BLOCK_RECORDS);
  // The last key of each block that a search has met, 20 bytes each: ids that tell no time are looked for in every file, and a search that reads
  // each step from the disk costs a dozen reads.
  const fences = new Uint32Array(blocks * FENCE_WORDS);
  const hasFence = new Uint8Array(blocks);

  async function lastKeyOf(block: number): Promise<IdRecord> {
    const at = block * FENCE_WORDS;
    if (hasFence[block] === 0) {
      const { a, b, c, d, tenant } = decode(await readBlock(block), recordsIn(block) - 1);
      fences.set([a, b, c, d, tenant], at);
      hasFence[block] = 1;
    }
    const [a = 0, b = 0, c = 0, d = 0, tenant = 0] = fences.subarray(at, at + FENCE_WORDS);
    return { a, b, c, d, tenant, index: 0 };
  }
  const decode = (bytes: Buffer, i: number): IdRecord => ({
    a: bytes.readUInt32BE(i * RECORD_BYTES),
    b: bytes.readUInt32BE(i * RECORD_BYTES + 4),
    c: bytes.readUInt32BE(i * RECORD_BYTES + 8),
    d: bytes.readUInt32BE(i * RECORD_BYTES + 12),
    tenant: bytes.readUInt32BE(i * RECORD_BYTES + 16),
    index: bytes.readUIntBE(i * RECORD_BYTES + 20, 6),
  });

  return {
    path,
    first: header.readUIntBE(8, 6),
    end: header.readUIntBE(16, 6),
    count,
    async find(words) {
      const time = uuidTime(words);
      if (time === undefined ? others === 0 : time < timeMin || time > timeMax) return [];
      const key = { ...words, tenant: words.tenant ?? 0, index: 0 };
      // The first block whose last record is not below the key.
      let low = 0;
      let high = blocks;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        if (compareIds(await lastKeyOf(middle), key) < 0) low = middle + 1;
        else high = middle;
      }
      const found: number[] = [];
      for (let block = low; block < blocks; block++) {
        const bytes = await readBlock(block);
        for (let i = 0; i < recordsIn(block); i++) {
          const record = decode(bytes, i);
          const order = compareIds({ ...record, tenant: words.tenant === undefined ? 0 : record.tenant, index: 0 }, key);
          if (order > 0) return found;
          if (order === 0) found.push(record.index);
        }
      }
      return found;
    },
    async *records() {
      for (let block = 0; block < blocks; block++) {
        const bytes = await readBlock(block);
        yield Array.from({ length: recordsIn(block) }, (_, i) => decode(bytes, i));
      }
    },
    close() {
      isClosed = true;
      return readers === 0 ? file.close() : Promise.resolve();
    },
  };
}
