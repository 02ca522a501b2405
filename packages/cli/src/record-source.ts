import { RECORD_BYTES_MAX } from "./limits.ts";

/** One record of a file: a line, or a JSON value that may span several. */
export interface SourceRecord {
  /** Undefined when it is longer than {@link RECORD_BYTES_MAX} or not valid UTF-8. */
  readonly text: string | undefined;
  readonly fault: "too-long" | "not-utf8" | undefined;
  /** The line on which it starts, from 1. */
  readonly line: number;
}

/** How records stand in a file: one a line, or as JSON values, in an array or one after the other. */
export type Framing = "lines" | "values";

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Lines are the rule; one value over several lines, or an array, shows in that no line is a JSON value of its own. */
export function detectFraming(sample: string): Framing {
  const start = sample.trimStart();
  if (start.startsWith("[")) return "values";
  const lines = start.split("\n", 20).filter((line) => line.trim() !== "");
  return !start.startsWith("{") || lines.some(isJsonObject) ? "lines" : "values";
}

function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null;
  } catch {
    return false; // The question was whether it is one.
  }
}

/** Cuts a file into its records, in one pass and with memory for one record only. */
export async function* readRecords(chunks: AsyncIterable<Buffer>, framing: Framing): AsyncGenerator<SourceRecord> {
  const cut = framing === "lines" ? createLineCutter() : createValueCutter();
  let isFirst = true;
  for await (const chunk of chunks) {
    yield* cut.push(isFirst && chunk.subarray(0, 3).equals(BYTE_ORDER_MARK) ? chunk.subarray(3) : chunk);
    isFirst = false;
  }
  yield* cut.end();
}

/** Cuts the bytes of a file into its records, piece by piece. */
export interface Cutter {
  /** @returns the records that are complete now. They must be taken before the next piece is pushed. */
  push(chunk: Buffer): Iterable<SourceRecord>;
  /** @returns what stands behind the last end of a record. */
  end(): Iterable<SourceRecord>;
}

/** Gathers the bytes of one record. What is too long is dropped while it comes. */
function createGatherer(): { add(bytes: Buffer): void; take(line: number): SourceRecord | undefined } {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let parts: Buffer[] = [];
  let bytes = 0;
  return {
    add(part) {
      bytes += part.length;
      if (bytes > RECORD_BYTES_MAX) parts = [];
      else if (part.length > 0) parts.push(part);
    },
    take(line) {
      const [whole, length] = [parts, bytes];
      parts = [];
      bytes = 0;
      if (length > RECORD_BYTES_MAX) return { text: undefined, fault: "too-long", line };
      try {
        const text = decoder.decode(whole.length === 1 ? whole[0] : Buffer.concat(whole));
        return text.trim() === "" ? undefined : { text, fault: undefined, line };
      } catch {
        return { text: undefined, fault: "not-utf8", line };
      }
    },
  };
}

/** Cuts at line feeds. What stands behind the last one waits: a line that is being written is no record yet. Blank lines are none. */
export function createLineCutter(): Cutter {
  const gatherer = createGatherer();
  let line = 1;
  return {
    *push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
        gatherer.add(chunk.subarray(from, at));
        const record = gatherer.take(line);
        if (record !== undefined) yield record;
        line += 1;
        from = at + 1;
      }
      gatherer.add(chunk.subarray(from));
    },
    *end() {
      const record = gatherer.take(line);
      if (record !== undefined) yield record;
    },
  };
}

/**
 * Cuts at the ends of top-level objects; an array around them, commas and spaces between them are skipped. What is no object there is gathered
 * up to the next one, so that it is reported rather than lost.
 */
function createValueCutter(): Cutter {
  const gatherer = createGatherer();
  let line = 1;
  let startLine = 1;
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let hasContent = false;
  let isInArray: boolean | undefined;

  return {
    *push(chunk) {
      let from = 0;
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i]!;
        if (byte === LINE_FEED) line += 1;
        if (isInString) {
          if (isEscaped) isEscaped = false;
          else if (byte === BACKSLASH) isEscaped = true;
          else if (byte === QUOTE) isInString = false;
          continue;
        }
        const isSpace = byte === 0x20 || byte === 0x09 || byte === LINE_FEED || byte === 0x0d;
        if (depth === 0 && !isSpace) {
          if (isInArray === undefined) {
            isInArray = byte === 0x5b;
            if (isInArray) {
              from = i + 1;
              continue;
            }
          }
          if (byte === 0x2c || (byte === 0x5d && isInArray)) {
            if (hasContent) {
              gatherer.add(chunk.subarray(from, i));
              const record = gatherer.take(startLine);
              if (record !== undefined) yield record;
              hasContent = false;
            }
            from = i + 1;
            continue;
          }
          if (!hasContent) {
            hasContent = true;
            startLine = line;
            from = i;
          }
        }
        if (byte === QUOTE) isInString = true;
        else if (byte === 0x7b || byte === 0x5b) depth += 1;
        else if ((byte === 0x7d || byte === 0x5d) && depth > 0) {
          depth -= 1;
          if (depth === 0) {
            gatherer.add(chunk.subarray(from, i + 1));
            const record = gatherer.take(startLine);
            if (record !== undefined) yield record;
            hasContent = false;
            from = i + 1;
          }
        }
      }
      if (hasContent) gatherer.add(chunk.subarray(from));
    },
    *end() {
      const record = hasContent ? gatherer.take(startLine) : undefined;
      if (record !== undefined) yield record;
    },
  };
}
