import { AuditError } from "@vouchtrail/events/errors";
import { parseLeafFrame } from "@vouchtrail/protocol";
import { type FileSystem, readOrMissing, replaceFile } from "../ledger/file-system.ts";
import type { StoredEntry } from "../ledger/ledger.ts";
import type { Failure } from "./failure.ts";

/** An entry that a follower has set aside: its store lacks it. The ledger has it; nothing of its content stands here. */
export interface DeadLetter {
  /** Of the ledger. An index means nothing in another one. */
  readonly origin: string;
  readonly index: number;
  /** Absent only when the leaf cannot be read. */
  readonly id?: string;
  readonly tenant?: string;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  /** RFC 3339. */
  readonly at: string;
}

/**
 * The dead letters of one follower, in `followers/<name>.dead.ndjson`, one JSON object a line, mode 0600.
 *
 * Invariants: a letter is durable before the cursor passes its entry; an index stands there once. After a call that rejected, the next one reads
 * the file again. *Untrusted*: changing the file changes what is told, never what is recorded. Rules: FOLLOW-10, FOLLOW-11, FOLLOW-12.
 */
export interface DeadLetters {
  /**
   * Reads the file. A damaged last line is the rest of a write that was cut off: it was never durable, and is passed over.
   * @throws {AuditError} `DATA_UNREADABLE` for any other damage.
   */
  load(): Promise<void>;
  /** In the order in which they were set aside. */
  list(): readonly DeadLetter[];
  has(index: number): boolean;
  isFull(): boolean;
  /** Durable when resolved. Does nothing for an index that is there. */
  add(letter: Omit<DeadLetter, "origin">): Promise<void>;
  /** Takes out those in `[from, to)`, durably: the store holds them after all. */
  removeRange(from: number, to: number): Promise<void>;
}

export interface DeadLettersOptions {
  readonly fileSystem: FileSystem;
  readonly path: string;
  readonly origin: string;
  readonly countMax: number;
}

const MODE = 0o600;

export function createDeadLetters({ fileSystem, path, origin, countMax }: DeadLettersOptions): DeadLetters {
  let letters = new Map<number, DeadLetter>();
  /** Of ledgers that stood here before: they stay in the file and count for nothing. */
  let foreign: readonly DeadLetter[] = [];
  /** Bytes of whole lines. */
  let goodBytes = 0;
  let isWhole = true;
  let isCurrent = false;

  async function load(): Promise<void> {
    isCurrent = false;
    const bytes = (await readOrMissing(fileSystem, path)) ?? Buffer.alloc(0);
    const found = parseLines(bytes, path);
    letters = new Map(found.letters.filter((letter) => letter.origin === origin).map((letter) => [letter.index, letter]));
    foreign = found.letters.filter((letter) => letter.origin !== origin);
    goodBytes = found.goodBytes;
    isWhole = found.goodBytes === bytes.length;
    isCurrent = true;
  }

  /** Runs one change of the file. Whether a failed one took place, only the file knows. */
  async function change(job: () => Promise<void>): Promise<void> {
    if (!isCurrent) await load();
    isCurrent = false;
    await job();
    isCurrent = true;
  }

  async function replace(kept: Map<number, DeadLetter>): Promise<void> {
    const bytes = textOf([...foreign, ...kept.values()]);
    await replaceFile(fileSystem, path, bytes, MODE);
    letters = kept;
    goodBytes = bytes.length;
    isWhole = true;
  }

  async function append(added: DeadLetter): Promise<void> {
    const bytes = textOf([added]);
    const file = await fileSystem.openFile(path, "write");
    try {
      if ((await file.size()) !== goodBytes) {
        throw new AuditError("DATA_UNREADABLE", { message: `${path} was changed by somebody else. It is read again.` });
      }
      await file.write(bytes, goodBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    letters.set(added.index, added);
    goodBytes += bytes.length;
  }

  return {
    load,
    list: () => [...letters.values()],
    has: (index) => letters.has(index),
    isFull: () => letters.size >= countMax,
    add: (letter) =>
      change(async () => {
        if (letters.has(letter.index)) return;
        const added: DeadLetter = { origin, ...letter };
        // A line behind a cut-off one would be lost with it, and a first one needs a file with a durable name.
        if (!isWhole || goodBytes === 0) await replace(new Map(letters).set(letter.index, added));
        else await append(added);
      }),
    async removeRange(from, to) {
      if (isCurrent && letters.size === 0) return;
      await change(async () => {
        const kept = new Map([...letters].filter(([index]) => index < from || index >= to));
        if (kept.size < letters.size) await replace(kept);
      });
    },
  };
}

function textOf(letters: readonly DeadLetter[]): Buffer {
  return Buffer.from(letters.map((letter) => `${JSON.stringify(letter)}\n`).join(""));
}

/** What is told of an entry. Its id and tenant stand in the frame of its leaf; a leaf without one is told by its index alone. */
export function deadLetterOf({ index, leaf }: StoredEntry, failure: Failure, attempts: number, at: string): Omit<DeadLetter, "origin"> {
  const told = { code: failure.code, message: failure.message, attempts, at };
  try {
    const { id, tenant } = parseLeafFrame(leaf);
    return { index, id, tenant, ...told };
  } catch {
    return { index, ...told };
  }
}

function parseLines(bytes: Buffer, path: string): { letters: readonly DeadLetter[]; goodBytes: number } {
  const letters: DeadLetter[] = [];
  let start = 0;
  while (start < bytes.length) {
    const lineFeed = bytes.indexOf(0x0a, start);
    const letter = lineFeed < 0 ? undefined : parseLetter(bytes.toString("utf8", start, lineFeed));
    if (letter === undefined) {
      // Sectors of one write reach the disk in any order: the line feed may be there without what stands before it.
      if (lineFeed < 0 || lineFeed + 1 === bytes.length) break;
      throw new AuditError("DATA_UNREADABLE", { message: `${path} is damaged in line ${letters.length + 1}. Move it away to go on.` });
    }
    letters.push(letter);
    start = lineFeed + 1;
  }
  return { letters, goodBytes: start };
}

function parseLetter(line: string): DeadLetter | undefined {
  let content: Partial<Record<keyof DeadLetter, unknown>>;
  try {
    content = Object(JSON.parse(line));
  } catch {
    return undefined;
  }
  const { origin, index, id, tenant, code, message, attempts, at } = content;
  if (typeof origin !== "string" || typeof code !== "string" || typeof message !== "string" || typeof at !== "string") return undefined;
  if (typeof index !== "number" || !Number.isSafeInteger(index) || index < 0 || typeof attempts !== "number") return undefined;
  return {
    origin,
    index,
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof tenant === "string" ? { tenant } : {}),
    code,
    message,
    attempts,
    at,
  };
}
