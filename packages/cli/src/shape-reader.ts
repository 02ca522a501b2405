import {
  type ApplicationShape,
  AuditError,
  type AuditEventInput,
  createTranscriptReader,
  type ErrorCode,
  type FindPrice,
  fromApplicationShape,
  parseExactJson,
  type Shape,
  stableId,
} from "@vouchtrail/events";
import { completeEvent } from "./event-text.ts";
import { RECORD_BYTES_MAX } from "./limits.ts";
import type { SourceRecord } from "./record-source.ts";

/** An event on its way to the server. */
export interface OutgoingEvent {
  /** One line of JSON with an id. */
  readonly json: string;
  /** The line of the file that it was complete on. */
  readonly line: number;
  /** The id was derived from the record's own text: another event cannot have it, so a conflict is the same record met again. */
  readonly hasOwnId: boolean;
  /** Of events that a transcript tells: what the same event would be sent with again. */
  readonly told?: { readonly id: string; readonly status: string };
}

export interface Refusal {
  readonly line: number;
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}

export type ReadRecord = { readonly event: OutgoingEvent } | { readonly refusal: Refusal };

/** Turns the records of one file into events. */
export interface ShapeReader {
  push(record: SourceRecord): readonly ReadRecord[];
  /** What waited for the end of the file. */
  end(): readonly ReadRecord[];
  readonly counts: ShapeCounts;
}

export interface ShapeCounts {
  /** Lines of a transcript that are no message, or of a type that this version does not know. */
  readonly notUnderstood: number;
  /** Numbers, texts and times that had to be changed so that the trail takes them. */
  readonly repaired: number;
  /** Places of a transcript where the line before is missing; known at the end. */
  readonly brokenChains: number;
  /** Requests of a transcript without a cost because no price is known, by the name of the model. */
  readonly unpricedRequests: ReadonlyMap<string, number>;
}

export interface ShapeReaderOptions {
  readonly tenant?: string | undefined;
  readonly agentId?: string | undefined;
  readonly userId?: string | undefined;
  /** For records that do not say when they happened. */
  readonly importedAt: string;
  /** For transcripts: the session and the subagent that the file's name tells, for lines that do not. */
  readonly sessionId?: string | undefined;
  readonly subagentId?: string | undefined;
  /** For transcripts: prices of models, for the cost of requests. */
  readonly prices?: FindPrice | undefined;
}

export function createShapeReader(shape: Shape, options: ShapeReaderOptions): ShapeReader {
  if (shape === "claude-code-transcript") return createTranscriptShapeReader(options);
  return createJsonShapeReader(options, shape === "event" ? eventOf : mappingOf(shape));
}

interface Mapped {
  readonly event: OutgoingEvent;
  readonly repairs: number;
}

type MapRecord = (text: string, line: number, options: ShapeReaderOptions) => Mapped;

function createJsonShapeReader(options: ShapeReaderOptions, map: MapRecord): ShapeReader {
  let repaired = 0;
  return {
    push(record) {
      const fault = faultOf(record);
      if (fault !== undefined) return [{ refusal: fault }];
      const { text = "", line } = record;
      try {
        const { event, repairs } = map(text, line, options);
        repaired += repairs;
        return [{ event }];
      } catch (error) {
        if (error instanceof SyntaxError)
          return [{ refusal: { line, code: "BODY_INVALID", path: "", message: "This is not valid JSON." } }];
        if (error instanceof AuditError) return [{ refusal: { line, code: error.code, path: error.path ?? "", message: error.message } }];
        throw error;
      }
    },
    end: () => [],
    get counts() {
      return { notUnderstood: 0, repaired, brokenChains: 0, unpricedRequests: new Map() };
    },
  };
}

function eventOf(text: string, line: number, options: ShapeReaderOptions): Mapped {
  const { value, repairCount } = parseExactJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AuditError("EVENT_INVALID", { message: "An event is a JSON object." });
  }
  const record = value as Record<string, unknown>;
  // Only what needs no repair is sent as it was written.
  const written = repairCount === 0 ? text : JSON.stringify(value);
  const { json } = completeEvent(written, record, { id: ownId(text), occurredAt: options.importedAt, tenant: options.tenant });
  return { event: { json, line, hasOwnId: record.id === undefined }, repairs: repairCount };
}

function mappingOf(shape: ApplicationShape): MapRecord {
  return (text, line, options) => {
    const { value, repairCount } = parseExactJson(text);
    const { event, notes } = fromApplicationShape(shape, value);
    const { json } = completeEvent(JSON.stringify(event), event as Record<string, unknown>, {
      id: ownId(text),
      occurredAt: options.importedAt,
      tenant: options.tenant,
    });
    return { event: { json, line, hasOwnId: event.id === undefined }, repairs: repairCount + notes.length };
  };
}

function createTranscriptShapeReader(options: ShapeReaderOptions): ShapeReader {
  const { tenant, agentId, userId, sessionId, subagentId, prices } = options;
  const reader = createTranscriptReader({
    ...(tenant === undefined ? {} : { tenant }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(userId === undefined ? {} : { userId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(subagentId === undefined ? {} : { subagentId }),
    ...(prices === undefined ? {} : { prices }),
  });
  let lastLine = 0;
  const outgoing = (events: readonly AuditEventInput[]): ReadRecord[] =>
    events.map((event) => ({
      event: {
        json: JSON.stringify(event),
        line: lastLine,
        hasOwnId: false,
        ...(event.id === undefined ? {} : { told: { id: event.id, status: event.outcome.status } }),
      },
    }));
  return {
    push(record) {
      lastLine = record.line;
      return outgoing(record.text === undefined ? reader.pushUnreadable() : reader.push(record.text));
    },
    end: () => outgoing(reader.end()),
    get counts() {
      const { malformedLines, unknownLines, repairedValues, brokenChains, unpricedRequests } = reader.stats;
      return { notUnderstood: malformedLines + unknownLines, repaired: repairedValues, brokenChains, unpricedRequests };
    },
  };
}

/** The same for the same text, so that importing it again adds nothing. */
function ownId(text: string): string {
  return stableId("import", text.trim());
}

function faultOf({ fault, line }: SourceRecord): Refusal | undefined {
  if (fault === "not-utf8") return { line, code: "BODY_NOT_UTF8", path: "", message: "This is not valid UTF-8." };
  if (fault === "too-long") return { line, code: "EVENT_TOO_LARGE", path: "", message: `This is longer than ${RECORD_BYTES_MAX} bytes.` };
  return undefined;
}
