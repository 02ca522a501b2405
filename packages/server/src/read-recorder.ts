import {
  type AuditEvent,
  DISCLOSURE_BYTES_MAX,
  type JsonObject,
  type PrivacyPolicy,
  READ_ACTION,
  REDACTION_RULES_MAX,
  type Redactor,
} from "@vouchtrail/events";
import { v7 as uuidv7 } from "uuid";
import { fitContent } from "./intake/fit-content.ts";
import type { Principal } from "./intake/principal.ts";
import { type RedactionRecord, SYSTEM_TENANT, sealEvent } from "./intake/seal.ts";
import { sha256 } from "./ledger/hashing.ts";
import type { Ledger, SealedEntry } from "./ledger/ledger.ts";
import { type CountedRead, charsOfRead, createReadSummary, type ReadSummary } from "./read-summary.ts";

/** The span within which the reads of one reader are one story, in milliseconds. */
export const READ_SPAN_MS = 60_000;
/** Questions of one reader and span that are written before they are answered; further ones are written together. */
export const READS_WRITTEN_AT_ONCE_MAX = 20;
/** Entries of one reader and span, but for the last one at its end: asking in a loop must not fill the trail. */
export const READ_ENTRIES_MAX = 30;
/** Characters of the questions that one entry names: the longest SQL statement has room. */
const READ_CHARS_MAX = 131_072;
/** Bytes of an entry's content for what stands around the questions: times, salt, routes of what is not named. */
const FRAME_BYTES = 2_048;
/** Bytes of one character of JSON text: controls are escaped there. */
const CHAR_BYTES_MAX = 3;

/** What somebody asks to read. */
export interface Read {
  /** As the routes are written: `GET /api/v1/events`. */
  readonly route: string;
  /** Filters and options as pairs, without the place within pages: all pages of a question are one read. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** Who reads: an API key with the tenant that it is bound to, or keyless loopback. */
type ReaderName = Pick<Principal, "key" | "tenant">;

/**
 * Writes into the trail who asked for what. A question that a reader has not asked within the span is durable before it is answered; asking
 * the same thing again, and what comes after the first {@link READS_WRITTEN_AT_ONCE_MAX} questions, is summed up when the span ends.
 *
 * A ledger that takes nothing now does not keep anybody from reading it: what could not be written is kept and written later.
 * Rules: READ-1 to READ-10.
 */
export interface ReadRecorder {
  /** Resolves when the read may be answered. Never rejects. */
  note(reader: ReaderName, read: Read): Promise<void>;
  /** Writes what is summed up so far, and stops the timer. What the ledger does not take even now is told to `onError`. */
  close(): Promise<void>;
}

export interface ReadRecorderOptions {
  readonly ledger: Pick<Ledger, "append">;
  readonly ledgerName: string;
  readonly redactor: Redactor;
  readonly policy: PrivacyPolicy;
  /** Bytes of the content of one entry; {@link DISCLOSURE_BYTES_MAX} unless given. */
  readonly disclosureBytesMax?: number;
  /** RFC 3339, never going back. */
  readonly now: () => string;
  /** Calls every so many milliseconds until what it returns is called; the system's timer unless given. */
  readonly every?: (run: () => void, intervalMs: number) => () => void;
  readonly onError: (error: unknown) => void;
}

/** One reader within one span. */
interface Reader extends ReaderName {
  /** Questions that were written at once: resolves when the one is in the trail, or could not be written. */
  readonly asked: Map<string, Promise<void>>;
  /** What the end of the span still has to tell. */
  summary: ReadSummary;
  /** Entries that were tried. */
  entries: number;
}

export function createReadRecorder(options: ReadRecorderOptions): ReadRecorder {
  const { ledger, now, onError, every = everyInterval, disclosureBytesMax = DISCLOSURE_BYTES_MAX } = options;
  const seal = createReadSealer(options, disclosureBytesMax);
  const charsMax = Math.min(READ_CHARS_MAX, Math.floor((disclosureBytesMax - FRAME_BYTES) / CHAR_BYTES_MAX));
  const newSummary = (): ReadSummary => createReadSummary(charsMax);
  // As many as there are keys, which the server holds in memory anyway.
  let readers = new Map<string, Reader>();
  let flushing: Promise<void> = Promise.resolve();
  const stop = every(() => void flush(), READ_SPAN_MS);

  function readerOf({ key, tenant }: ReaderName): Reader {
    const name = JSON.stringify([key ?? null, tenant ?? null]);
    const known = readers.get(name);
    if (known !== undefined) return known;
    const reader: Reader = { key, tenant, asked: new Map(), summary: newSummary(), entries: 0 };
    readers.set(name, reader);
    return reader;
  }

  /** Writes one entry. What the ledger does not take is told with the reader's next summary. */
  async function write(reader: Reader, details: (to: string) => JsonObject, unwritten: ReadSummary): Promise<void> {
    reader.entries += 1;
    try {
      const at = now();
      await ledger.append([seal(reader, details(at), at)]);
    } catch (error) {
      onError(error);
      readerOf(reader).summary.merge(unwritten);
    }
  }

  function writeAtOnce(reader: Reader, question: string, read: CountedRead): Promise<void> {
    const unwritten = newSummary();
    unwritten.add(question, read, now());
    // Not what the summary says: a question that is too long for one has room in an entry of its own.
    const { route, parameters, count } = read;
    return write(reader, (at) => ({ from: at, to: at, reads: [{ route, parameters, count }] }), unwritten);
  }

  async function sumUp(reader: Reader, question: string, read: CountedRead): Promise<void> {
    const isFull = !reader.summary.hasRoom(question, read) && charsOfRead(read) <= charsMax;
    if (!isFull || reader.entries >= READ_ENTRIES_MAX) {
      reader.summary.add(question, read, now());
      return;
    }
    // Questions beyond the bound would only be counted, and one among many that nobody means must not hide that way.
    const full = reader.summary;
    reader.summary = newSummary();
    reader.summary.add(question, read, now());
    await write(reader, full.details, full);
  }

  async function flush(): Promise<void> {
    const ended = readers;
    readers = new Map();
    flushing = flushing.then(async () => {
      for (const reader of ended.values()) if (reader.summary.count() > 0) await write(reader, reader.summary.details, reader.summary);
    });
    await flushing;
  }

  return {
    async note(name, { route, parameters }) {
      const reader = readerOf(name);
      const read: CountedRead = { route, parameters: grouped(parameters), count: 1 };
      const question = Buffer.from(sha256(Buffer.from(JSON.stringify([route, read.parameters])))).toString("base64");
      const before = reader.asked.get(question);
      if (before !== undefined) {
        await sumUp(reader, question, read);
        // Whoever asks at the same time is answered no sooner than the first.
        await before;
      } else if (reader.asked.size < READS_WRITTEN_AT_ONCE_MAX) {
        const written = writeAtOnce(reader, question, read);
        reader.asked.set(question, written);
        await written;
      } else await sumUp(reader, question, read);
    },
    async close() {
      stop();
      await flush();
      const lost = [...readers.values()].reduce((sum, { summary }) => sum + summary.count(), 0);
      if (lost > 0) onError(new Error(`${lost} reads were not recorded: the ledger took no entry until the end.`));
    },
  };
}

/** Makes entries that tell of reads. Pure but for ids and salts. */
function createReadSealer(
  { ledgerName, redactor, policy }: ReadRecorderOptions,
  disclosureBytesMax: number,
): (reader: ReaderName, details: JsonObject, at: string) => SealedEntry {
  return ({ key, tenant = SYSTEM_TENANT }, details, at) => {
    const event: AuditEvent = {
      id: uuidv7(),
      occurredAt: at,
      tenant,
      action: READ_ACTION,
      actor: { type: "service", id: key ?? "loopback" },
      target: { type: "ledger", id: ledgerName },
      outcome: { status: "success" },
      details,
    };
    // Somebody may look for a secret that leaked: the trail must not become the place where it stands.
    const { event: redacted, hits, lengthBuckets } = redactor.redactEvent(event);
    const redaction: RedactionRecord | undefined =
      hits.size === 0 ? undefined : { hits: boundedHits(hits), lengthBuckets: Object.fromEntries(lengthBuckets) };
    const received = { at, via: "server", ...(key === undefined ? {} : { key }) } as const;
    return sealEvent(fitContent(redacted, disclosureBytesMax).event, received, policy, redaction);
  };
}

/** The leaf names a bounded number of rules; hits of further ones are added up. */
function boundedHits(hits: ReadonlyMap<string, number>): JsonObject {
  const named = [...hits].slice(0, REDACTION_RULES_MAX);
  const others = [...hits].slice(REDACTION_RULES_MAX).reduce((sum, [, count]) => sum + count, 0);
  return Object.fromEntries(others === 0 ? named : [...named, ["other", others]]);
}

/** Parameters by name; one that repeats is a list. Text of any request, so halves of surrogate pairs are replaced: JSON would carry them on. */
function grouped(parameters: Read["parameters"]): JsonObject {
  const members = new Map<string, string | string[]>();
  for (const [name, value] of parameters) {
    const text = Buffer.from(value).toString();
    const known = members.get(name);
    members.set(name, known === undefined ? text : [...[known].flat(), text]);
  }
  return Object.fromEntries(members);
}

function everyInterval(run: () => void, intervalMs: number): () => void {
  const timer = setInterval(run, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
