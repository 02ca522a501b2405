import { createReadStream } from "node:fs";
import type { Shape } from "@vouchtrail/events";
import { detectShape } from "@vouchtrail/events";
import type { Client } from "./client.ts";
import { REFUSALS_LISTED_MAX, SAMPLE_BYTES_MAX } from "./limits.ts";
import { detectFraming, type Framing, readRecords } from "./record-source.ts";
import { createSender } from "./sender.ts";
import { createShapeReader, type ReadRecord, type Refusal, type ShapeReaderOptions } from "./shape-reader.ts";

/** What became of one file. */
export interface FileSummary {
  readonly file: string;
  /** Undefined for an empty file, and for one whose shape could not be told: then `problem` says so. */
  readonly format: Shape | undefined;
  readonly problem?: string;
  readonly records: number;
  readonly events: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly notUnderstood: number;
  readonly repaired: number;
  /** Places of a transcript where lines are missing. */
  readonly brokenChains: number;
  /** Requests of a transcript without a cost because no price is known, by the name of the model. */
  readonly unpricedRequests: Readonly<Record<string, number>>;
  /** The first refusals, by line. */
  readonly refusals: readonly Refusal[];
}

export interface ImportObserver {
  /** Bytes of this file read so far. */
  read(bytes: number): void;
  retrying(error: Error, delayMs: number): void;
}

export interface ImportOptions extends ShapeReaderOptions {
  /** Detected when absent. */
  readonly format?: Shape | undefined;
}

/** What became of a file of which nothing was read. */
export const NOTHING = {
  records: 0,
  events: 0,
  stored: 0,
  duplicates: 0,
  refused: 0,
  notUnderstood: 0,
  repaired: 0,
  brokenChains: 0,
  unpricedRequests: {},
  refusals: [],
} as const satisfies Omit<FileSummary, "file" | "format" | "problem">;

const SAMPLE_LINES = 20;
const LINE_FEED = 0x0a;

/**
 * Sends every event of one file. The file is read as a stream, so its size does not matter.
 *
 * @param file A path, or `-` for `stdin`.
 * @throws {AuditError} @throws {CommandError} As the sender; what was stored until then stays.
 */
export async function importFile(
  file: string,
  client: Pick<Client, "send">,
  options: ImportOptions,
  observer: ImportObserver,
  stdin: AsyncIterable<Buffer>,
): Promise<FileSummary> {
  const source = await openSource(counted(file === "-" ? stdin : createReadStream(file), observer), options.format);
  if (source.isEmpty) return { file, format: undefined, ...NOTHING };
  const { shape, framing } = source;
  if (shape === undefined) {
    return { file, format: undefined, ...NOTHING, problem: "Its format cannot be told from its first lines. Name it with --format." };
  }

  const counts = { records: 0, events: 0, stored: 0, duplicates: 0, refused: 0 };
  const refusals: Refusal[] = [];
  const refuse = (refusal: Refusal): void => {
    counts.refused += 1;
    refusals.push(refusal);
    // Two requests answer in any order: kept are the first lines, not the first answers.
    if (refusals.length > 2 * REFUSALS_LISTED_MAX) refusals.sort(byLine).splice(REFUSALS_LISTED_MAX);
  };
  const sender = createSender(client, {
    stored: (count) => (counts.stored += count),
    duplicate: (count) => (counts.duplicates += count),
    refused: refuse,
    retrying: observer.retrying,
  });
  const reader = createShapeReader(shape, options);
  async function take(results: readonly ReadRecord[]): Promise<void> {
    for (const result of results) {
      counts.events += 1;
      if ("refusal" in result) refuse(result.refusal);
      else await sender.add(result.event);
    }
  }
  for await (const record of readRecords(source.chunks, framing)) {
    counts.records += 1;
    await take(reader.push(record));
  }
  await take(reader.end());
  await sender.finish();
  const { unpricedRequests, ...told } = reader.counts;
  return {
    file,
    format: shape,
    ...counts,
    ...told,
    unpricedRequests: Object.fromEntries(unpricedRequests),
    refusals: refusals.sort(byLine).slice(0, REFUSALS_LISTED_MAX),
  };
}

interface Source {
  readonly chunks: AsyncIterable<Buffer>;
  readonly framing: Framing;
  readonly shape: Shape | undefined;
  readonly isEmpty: boolean;
}

/** Reads ahead as far as needed to tell the shape, and gives what was read back in front of the rest. */
async function openSource(chunks: AsyncIterable<Buffer>, format: Shape | undefined): Promise<Source> {
  const iterator = chunks[Symbol.asyncIterator]();
  const sample: Buffer[] = [];
  let bytes = 0;
  let lines = 0;
  while (bytes < SAMPLE_BYTES_MAX && lines < SAMPLE_LINES) {
    const next = await iterator.next();
    if (next.done === true) break;
    sample.push(next.value);
    bytes += next.value.length;
    for (const byte of next.value) if (byte === LINE_FEED) lines += 1;
  }
  const text = new TextDecoder().decode(Buffer.concat(sample));
  const framing = format === "claude-code-transcript" ? "lines" : detectFraming(text);
  return {
    chunks: joined(sample, iterator),
    framing,
    shape: format ?? (await shapeOf(sample, framing)),
    isEmpty: text.trim() === "",
  };
}

async function shapeOf(sample: readonly Buffer[], framing: Framing): Promise<Shape | undefined> {
  let seen = 0;
  for await (const { text } of readRecords(iterate(sample), framing)) {
    const shape = text === undefined ? undefined : detectShape(text);
    seen += 1;
    if (shape !== undefined || seen === SAMPLE_LINES) return shape;
  }
  return undefined;
}

async function* iterate(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function* joined(sample: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* sample;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* counted(chunks: AsyncIterable<Buffer>, observer: ImportObserver): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    observer.read(bytes);
    yield chunk;
  }
}

function byLine(left: Refusal, right: Refusal): number {
  return left.line - right.line;
}
