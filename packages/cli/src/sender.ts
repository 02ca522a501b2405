import { setTimeout as delay } from "node:timers/promises";
import { AuditError, ERRORS } from "@vouchtrail/events";
import type { Client, SendResult } from "./client.ts";
import { CommandError, UnreachableError } from "./command-error.ts";
import { ATTEMPTS_MAX, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, REQUESTS_IN_FLIGHT_MAX, RETRY_DELAY_MS, RETRY_DELAY_MS_MAX } from "./limits.ts";
import type { OutgoingEvent, Refusal } from "./shape-reader.ts";

/** Told what became of each event. */
export interface SendObserver {
  stored(count: number): void;
  duplicate(count: number): void;
  refused(refusal: Refusal): void;
  /** A request failed in a way that may pass and is sent again after `delayMs`. */
  retrying(error: Error, delayMs: number): void;
}

/** Sends events in batches, a few at a time. */
export interface Sender {
  /** Waits while enough is in flight: what is read must not pile up in memory. */
  add(event: OutgoingEvent): Promise<void>;
  /** Sends the rest and waits for every answer. */
  finish(): Promise<void>;
}

type Sending = Pick<Client, "send">;

/**
 * A request that failed in a way that may pass is sent again with the same ids, so nothing is stored twice. What concerns the sender as a whole
 * (no key, wrong host) ends everything: no event could fare better.
 *
 * `add` and `finish` throw what ended an earlier batch: {@link AuditError}, or {@link CommandError} after the last attempt.
 */
export function createSender(client: Sending, observer: SendObserver, wait: (ms: number) => Promise<unknown> = delay): Sender {
  const inFlight = new Set<Promise<void>>();
  let batch: OutgoingEvent[] = [];
  let batchBytes = 0;
  let failure: { readonly error: unknown } | undefined;

  function dispatch(): void {
    if (batch.length === 0) return;
    const sending = deliver(batch)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => inFlight.delete(sending));
    inFlight.add(sending);
    batch = [];
    batchBytes = 0;
  }

  function check(): void {
    if (failure !== undefined) throw failure.error;
  }

  async function deliver(events: readonly OutgoingEvent[]): Promise<void> {
    try {
      settle(events, await sendPatiently(events));
    } catch (error) {
      if (!(error instanceof AuditError) || isGeneral(error)) throw error;
      const middle = Math.ceil(events.length / 2);
      const [first] = events;
      if (events.length === 1 && first !== undefined) {
        observer.refused({ line: first.line, code: error.code, path: error.path ?? "", message: error.message });
        return;
      }
      // The server takes no body as large as this, or cannot tell which event is at fault.
      await deliver(events.slice(0, middle));
      await deliver(events.slice(middle));
    }
  }

  async function sendPatiently(events: readonly OutgoingEvent[]): Promise<SendResult> {
    const body = events.map(({ json }) => json).join("\n");
    for (let attempt = 1; ; attempt++) {
      try {
        return await client.send(body, { via: "import" });
      } catch (error) {
        const mayPass = error instanceof UnreachableError || (error instanceof AuditError && ERRORS[error.code].isRetryable);
        if (!mayPass) throw error;
        if (attempt === ATTEMPTS_MAX) {
          throw new CommandError(
            `Given up after ${attempt} attempts. ${error.message} Run the import again later: what is stored is not stored twice.`,
            { cause: error },
          );
        }
        const delayMs = Math.min(RETRY_DELAY_MS * 2 ** (attempt - 1), RETRY_DELAY_MS_MAX);
        observer.retrying(error, delayMs);
        await wait(delayMs);
      }
    }
  }

  function settle(events: readonly OutgoingEvent[], { receipts, errors }: SendResult): void {
    const duplicates = receipts.filter(({ duplicate }) => duplicate === true).length;
    observer.stored(receipts.length - duplicates);
    observer.duplicate(duplicates);
    const faulty = new Set<number>();
    for (const { position, code, path, message } of errors) {
      const event = events[position];
      // One event may have several faults; it is refused once, with the first.
      if (event === undefined || faulty.has(position)) continue;
      faulty.add(position);
      if (code === "ID_CONFLICT" && event.hasOwnId) observer.duplicate(1);
      else observer.refused({ line: event.line, code, path, message });
    }
    if (receipts.length + faulty.size !== events.length) {
      throw new CommandError(
        `The server answered for ${receipts.length + faulty.size} of ${events.length} events. Is something between it and this program?`,
      );
    }
  }

  return {
    async add(event) {
      check();
      const bytes = Buffer.byteLength(event.json) + 1;
      if (batch.length > 0 && batchBytes + bytes > BATCH_BYTES_MAX) dispatch();
      batch.push(event);
      batchBytes += bytes;
      if (batch.length >= BATCH_EVENTS_MAX) dispatch();
      while (inFlight.size >= REQUESTS_IN_FLIGHT_MAX) await Promise.race(inFlight);
      check();
    },
    async finish() {
      dispatch();
      await Promise.all(inFlight);
      check();
    },
  };
}

/** Whether an error would meet every event of this sender alike. */
function isGeneral({ code }: AuditError): boolean {
  const { status } = ERRORS[code];
  return status === 401 || status === 403 || status === 404 || status === 421 || status === 415;
}
