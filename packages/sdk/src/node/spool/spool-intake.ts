import { setImmediate } from "node:timers/promises";
import { AuditError } from "@vouchtrail/events/errors";
import type { OutgoingEvent } from "../../transport.ts";
import type { Lane } from "./lane.ts";
import { SPOOL_ENCODE_EVENTS, SPOOL_GROUP_CHARS_MAX } from "./limits.ts";
import { toSpoolError } from "./spool-failure.ts";
import type { FolderUsage } from "./spool-folder.ts";
import { encodeRecord } from "./spool-record.ts";
import type { SpoolWriter } from "./spool-writer.ts";

/** Takes events to the writer. */
export interface SpoolIntake {
  /** As `Spool.append`. */
  append(events: readonly OutgoingEvent[]): Promise<void>;
  /** Resolves when no append is under way. */
  idle(): Promise<void>;
}

export interface SpoolIntakeParts {
  /** Ready before anything is written. */
  readonly writer: () => Promise<SpoolWriter>;
  readonly usage: FolderUsage;
  /** What touches the file that is being written goes through it. */
  readonly lane: Lane;
  /** Asked for before the first write. */
  readonly redaction: () => Promise<(json: string) => string>;
}

interface Append {
  readonly events: readonly OutgoingEvent[];
  readonly chars: number;
  resolve(): void;
  reject(error: AuditError): void;
}

/** Appends that come while others are being synced wait, and share the next sync. Rules: SDK-11, SDK-17. */
export function createSpoolIntake({ writer, usage, lane, redaction }: SpoolIntakeParts): SpoolIntake {
  const waiting: Append[] = [];
  let committing: Promise<void> | undefined;

  async function commitAll(): Promise<void> {
    // What is appended in one turn shares a sync.
    await Promise.resolve();
    while (waiting.length > 0) await lane.run(() => commit(takeGroup()));
    committing = undefined;
  }

  function takeGroup(): Append[] {
    let count = 0;
    for (let chars = 0; count < waiting.length; count += 1) {
      chars += waiting[count]!.chars;
      if (count > 0 && chars > SPOOL_GROUP_CHARS_MAX) break;
    }
    return waiting.splice(0, count);
  }

  /**
   * Each append succeeds or fails as a whole. After one that does not fit none of its group is written, so that what is kept has no hole. One that
   * cannot be encoded fails alone: it never will be.
   */
  async function commit(group: readonly Append[]): Promise<void> {
    const lines: Buffer[] = [];
    const written: Append[] = [];
    let failure: AuditError | undefined;
    try {
      const to = await writer();
      let bytes = 0;
      for (const append of group) {
        const own = await encode(append.events).catch((error: unknown) => append.reject(toSpoolError(error)));
        if (own === undefined) continue;
        const total = bytes + own.reduce((sum, { length }) => sum + length, 0);
        if (!(await usage.hasRoom(total))) {
          failure = new AuditError("SPOOL_FULL");
          break;
        }
        bytes = total;
        // One by one: a spread of very many lines overflows the stack.
        for (const line of own) lines.push(line);
        written.push(append);
      }
      if (lines.length > 0) usage.add(await to.write(lines));
      for (const append of written) append.resolve();
    } catch (error) {
      failure = toSpoolError(error);
    }
    // Those that have resolved stay resolved.
    if (failure !== undefined) for (const append of group) append.reject(failure);
  }

  async function encode(events: readonly OutgoingEvent[]): Promise<Buffer[]> {
    const lines: Buffer[] = [];
    const redact = await redaction();
    for (const event of events) {
      if (lines.length > 0 && lines.length % SPOOL_ENCODE_EVENTS === 0) await setImmediate();
      lines.push(encodeRecord(event, redact));
    }
    return lines;
  }

  return {
    append(events) {
      if (events.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const chars = events.reduce((sum, { json }) => sum + json.length, 0);
        waiting.push({ events, chars, resolve, reject });
        committing ??= commitAll();
      });
    },
    async idle() {
      await committing;
    },
  };
}
