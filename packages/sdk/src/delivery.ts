import { AuditError, ERRORS } from "@vouchtrail/events/errors";
import type { Clock, Timer } from "./clock.ts";
import type { Delivered } from "./delivery-state.ts";
import {
  ACKED_IDS_MAX,
  MEMORY_CHARS_MAX,
  MEMORY_EVENTS_MAX,
  REQUEST_CHARS_MAX,
  REQUEST_EVENTS_MAX,
  REQUEST_TIMEOUT_MS,
  RETRY_DELAY_MS,
  RETRY_DELAY_MS_MAX,
  SPOOL_LOOK_INTERVAL_MS,
} from "./limits.ts";
import type { Spool } from "./spool.ts";
import { type Answer, type OutgoingEvent, retryAfterMs, type Transport } from "./transport.ts";

// One closure over 400 lines: what a request, a deadline or the disk does to an event depends on where all the others are, and splitting them would only
// pass that state around.

/** Told about everything that does not go as it should. */
export interface DeliveryObserver {
  /** These events are lost. */
  dropped(events: readonly OutgoingEvent[], error: AuditError): void;
  /** The trail does not take this event. */
  refused(event: OutgoingEvent, error: AuditError): void;
  /** The trail cannot be reached, or can again. Told once each time. */
  away(error: AuditError): void;
  back(): void;
  /** The spool failed. Events wait in memory as long as there is room. */
  spoolFailed(error: AuditError): void;
}

export interface DeliveryParts {
  readonly transport: Transport | undefined;
  readonly spool: Spool | undefined;
  readonly clock: Clock;
  /** 0 to 1, for the spread of retries. */
  readonly random: () => number;
  readonly observer: DeliveryObserver;
}

export interface DeliverySettings {
  readonly bufferSize: number;
  readonly flushIntervalMs: number;
  readonly deadlineMs: number;
  readonly strictTimeoutMs: number;
}

export interface Delivery {
  push(event: OutgoingEvent, mode: "durable" | "strict"): Promise<Delivered>;
  /** Keeps the event until the buffer is full or its time has come. */
  buffer(event: OutgoingEvent): Delivered;
  /** Sends what is buffered. Resolves when all that was pushed or buffered before is stored, spooled, refused or dropped. */
  flush(): Promise<void>;
  /** Flushes, for at most `timeoutMs`; then the rest goes to the spool or is dropped. Nothing can be pushed afterwards. */
  close(timeoutMs: number): Promise<void>;
}

const NO_TRAIL = "No trail is set: strict events need one. Set its url.";

interface Pending {
  readonly event: OutgoingEvent;
  readonly isStrict: boolean;
  /** When it goes to the spool, or a strict one throws; on the monotonic clock. */
  readonly dueMs: number;
  /** Absent when nobody waits, and once somebody was told. */
  resolve: ((delivered: Delivered) => void) | undefined;
  /** It is in the spool or given up: what the trail says to it changes nothing. */
  isSettled: boolean;
  /** It is being written to the spool. */
  isSpilling: boolean;
}

/**
 * Takes events to the trail: in their order, one request at a time, so that what lies on stable storage is always everything up to some event and a
 * kill leaves no hole. Events that come while a request is in flight share the next one.
 *
 * ```
 *            push, flush                    answer
 *  buffered ─────────────▶ waiting ──▶ sending ──▶ stored | refused
 *                             │           │
 *                             └─ deadline, trail away ──▶ spooled ──▶ (sent from there when the trail is back)
 * ```
 *
 * Every event ends in exactly one state; what is dropped is told to the observer, never lost silently. Rules: SDK-1 to SDK-6.
 */
export function createDelivery(parts: DeliveryParts, settings: DeliverySettings): Delivery {
  const { transport, spool, clock, observer } = parts;
  const buffered: Pending[] = [];
  let waiting: Pending[] = [];
  let sending: Pending[] = [];
  let memoryChars = 0;
  let isSending = false;
  let isAway = false;
  let isClosed = false;
  let isKicked = false;
  let failures = 0;
  let wasSpoolSent = false;
  let lookAtMs = Number.NEGATIVE_INFINITY;
  let spilling: Promise<void> = Promise.resolve();
  let flushTimer: Timer | undefined;
  let deadlineTimer: Timer | undefined;
  let deadlineMs = Number.POSITIVE_INFINITY;
  let retryTimer: Timer | undefined;
  let lookTimer: Timer | undefined;
  let unsent = 0;
  const idle: (() => void)[] = [];
  const ackedIds = new Set<string>();
  /** Of the request in flight. */
  let requesting: AbortController | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;

  if (transport !== undefined && spool !== undefined) lookLater(0);

  function settle(pending: Pending, delivered: Delivered): void {
    if (pending.isSettled) return;
    pending.isSettled = true;
    memoryChars -= pending.event.json.length;
    unsent -= 1;
    pending.resolve?.(delivered);
    pending.resolve = undefined;
    if (unsent === 0) for (const resolve of idle.splice(0)) resolve();
  }

  function drop(dropped: readonly Pending[], error: AuditError): void {
    const lost = dropped.filter(({ isSettled }) => !isSettled);
    if (lost.length === 0) return;
    observer.dropped(
      lost.map(({ event }) => event),
      error,
    );
    for (const pending of lost) settle(pending, { state: "dropped", error });
  }

  function makePending(event: OutgoingEvent, isStrict: boolean): Pending {
    const dueMs = clock.nowMs() + (isStrict ? settings.strictTimeoutMs : settings.deadlineMs);
    unsent += 1;
    memoryChars += event.json.length;
    return { event, isStrict, dueMs, resolve: undefined, isSettled: false, isSpilling: false };
  }

  function isFull(): boolean {
    return unsent >= MEMORY_EVENTS_MAX || memoryChars >= MEMORY_CHARS_MAX;
  }

  /** Why there is no room for one more event: a full memory goes to the disk, and a disk that does not keep up is waited for a little. */
  function fullness(isStrict: boolean): AuditError | undefined {
    if (isClosed) return new AuditError("EMITTER_CLOSED");
    const isOver = unsent >= 2 * MEMORY_EVENTS_MAX || memoryChars >= 2 * MEMORY_CHARS_MAX;
    return isOver || (isFull() && (isStrict || spool === undefined)) ? new AuditError("MEMORY_FULL") : undefined;
  }

  /** Puts events into the queue, or where they can be kept when they cannot be sent. */
  function enqueue(pendings: Pending[]): void {
    waiting.push(...pendings);
    if (transport === undefined || (isAway && spool !== undefined)) spill();
    if (isAway && pendings.some(({ isStrict }) => isStrict)) hurry();
    kick();
  }

  function kick(): void {
    if (isKicked || isSending || isAway || isClosed || transport === undefined) return;
    isKicked = true;
    // What is emitted in one turn shares a request.
    queueMicrotask(() => {
      isKicked = false;
      void sendNext();
    });
  }

  async function sendNext(): Promise<void> {
    if (isSending || isAway || transport === undefined) return;
    isSending = true;
    try {
      // In turns, so that neither the new nor the old events starve.
      const isSpoolNext = waiting.length === 0 || !wasSpoolSent;
      wasSpoolSent = isSpoolNext && (await sendSpooled(transport));
      if (!wasSpoolSent && waiting.length > 0) await sendWaiting(transport);
    } catch (error) {
      onFailure(toAuditError(error));
    } finally {
      isSending = false;
    }
    if (!isAway && (waiting.length > 0 || (wasSpoolSent && spool?.mayHoldEvents() === true))) kick();
  }

  async function sendWaiting(to: Transport): Promise<void> {
    let chars = 0;
    let count = 0;
    for (const { event } of waiting) {
      if (count === REQUEST_EVENTS_MAX || (count > 0 && chars + event.json.length > REQUEST_CHARS_MAX)) break;
      chars += event.json.length;
      count += 1;
    }
    sending = waiting.splice(0, count);
    try {
      await sendSome(to, sending);
    } finally {
      // What is not settled goes back to where it was.
      waiting.unshift(...sending.filter(({ isSettled, isSpilling }) => !isSettled && !isSpilling));
      sending = [];
    }
  }

  /** Sends pending events; a request that is too large is halved until the one event is found that is. */
  async function sendSome(to: Transport, pendings: readonly Pending[]): Promise<void> {
    const answers = await request(
      to,
      pendings.map(({ event }) => event),
    );
    pendings.forEach((pending, i) => {
      const answer = answers[i];
      if (answer === undefined) return;
      if ("receipt" in answer) {
        if (pending.isSettled || pending.isSpilling) rememberAcked(pending.event.id);
        settle(pending, { state: "stored", receipt: answer.receipt });
      } else if (!pending.isSettled) {
        const error = new AuditError(answer.fault.code, { path: answer.fault.path, message: answer.fault.message });
        observer.refused(pending.event, error);
        settle(pending, { state: "refused", error });
      }
    });
  }

  async function request(to: Transport, events: readonly OutgoingEvent[]): Promise<readonly Answer[]> {
    const controller = new AbortController();
    const timer = clock.after(REQUEST_TIMEOUT_MS, () => controller.abort());
    requesting = controller;
    askedMs = clock.nowMs();
    try {
      const answers = await to.send(events, controller.signal);
      if (answers.length !== events.length)
        throw new AuditError("TRAIL_UNREACHABLE", { message: "The answer does not tell of every event." });
      onSuccess();
      return answers;
    } catch (error) {
      const fault = toAuditError(error);
      if (fault.code !== "BODY_TOO_LARGE" && fault.code !== "EVENTS_TOO_MANY" && fault.code !== "EVENT_TOO_LARGE") throw fault;
      if (events.length === 1) return [{ fault: { code: fault.code, path: fault.path ?? "", message: fault.message } }];
      const middle = Math.ceil(events.length / 2);
      return [...(await request(to, events.slice(0, middle))), ...(await request(to, events.slice(middle)))];
    } finally {
      timer.cancel();
    }
  }

  /** Sends what waits in the spool; false when nothing does. */
  async function sendSpooled(to: Transport): Promise<boolean> {
    if (spool === undefined || (!spool.mayHoldEvents() && clock.nowMs() < lookAtMs)) return false;
    lookAtMs = clock.nowMs() + SPOOL_LOOK_INTERVAL_MS;
    const batch = await spool
      .take({ eventsMax: REQUEST_EVENTS_MAX, bytesMax: REQUEST_CHARS_MAX })
      .catch((error: unknown) => void observer.spoolFailed(toAuditError(error)));
    if (batch === undefined) return false;
    const events = batch.events.filter(({ id }) => !ackedIds.delete(id));
    if (events.length > 0) {
      const answers = await request(to, events);
      events.forEach((event, i) => {
        const answer = answers[i];
        if (answer !== undefined && "fault" in answer) {
          const { code, path, message } = answer.fault;
          observer.refused(event, new AuditError(code, { path, message }));
        }
      });
    }
    await batch.done().catch((error: unknown) => observer.spoolFailed(toAuditError(error)));
    return true;
  }

  function rememberAcked(id: string): void {
    if (ackedIds.size >= ACKED_IDS_MAX) ackedIds.clear();
    ackedIds.add(id);
  }

  function onSuccess(): void {
    failures = 0;
    if (!isAway) return;
    isAway = false;
    observer.back();
  }

  function onFailure(error: AuditError): void {
    if (isClosed) return;
    if (!isAway) observer.away(error);
    isAway = true;
    const delay = Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS * 2 ** Math.min(failures, 16)) * (0.5 + parts.random() / 2);
    failures += 1;
    retryTimer?.cancel();
    retryTimer = clock.after(Math.max(delay, Math.min(retryAfterMs(error) ?? 0, RETRY_DELAY_MS_MAX)), probe);
    // Settings that are wrong do not mend themselves within the time of a strict event.
    if (!ERRORS[error.code].isRetryable) failStrict(error);
    if (spool !== undefined) spill();
  }

  /** A strict event does not wait for the next attempt, unless there was one just now. */
  function hurry(): void {
    if (isSending) return;
    retryTimer?.cancel();
    const soonMs = askedMs + RETRY_DELAY_MS - clock.nowMs();
    if (soonMs <= 0) probe();
    else retryTimer = clock.after(soonMs, probe);
  }

  /** Asks a trail that was away again, with what waits longest. */
  function probe(): void {
    retryTimer = undefined;
    if (isSending || transport === undefined || isClosed) return;
    if (waiting.length === 0 && spool?.mayHoldEvents() !== true) {
      // Nothing to ask with: the next event asks.
      isAway = false;
      return;
    }
    isSending = true;
    void (async () => {
      try {
        if (!(await sendSpooled(transport)) && waiting.length > 0) await sendWaiting(transport);
        isAway = false;
      } catch (error) {
        onFailure(toAuditError(error));
      } finally {
        isSending = false;
      }
      if (!isAway) kick();
    })();
  }

  function failStrict(error: AuditError): void {
    drop(
      [...sending, ...waiting].filter(({ isStrict }) => isStrict),
      error,
    );
    waiting = waiting.filter(({ isSettled }) => !isSettled);
  }

  /** Events that wait or are in flight go to the disk, all up to now, so that what is kept has no hole. */
  function spill(): void {
    const spilled = [...sending, ...waiting].filter(({ isStrict, isSettled, isSpilling }) => !isStrict && !isSettled && !isSpilling);
    if (spilled.length === 0) return;
    if (spool === undefined) {
      drop(spilled, new AuditError("TRAIL_UNREACHABLE"));
      waiting = waiting.filter(({ isSettled }) => !isSettled);
      return;
    }
    for (const pending of spilled) pending.isSpilling = true;
    waiting = waiting.filter(({ isSpilling }) => !isSpilling);
    const append = spool.append(spilled.map(({ event }) => event));
    const done = append.then(
      () => {
        for (const pending of spilled) settle(pending, { state: "spooled" });
        if (!isAway) kick();
      },
      (error: unknown) => {
        const fault = toAuditError(error);
        observer.spoolFailed(fault);
        keepInMemory(spilled, fault);
      },
    );
    spilling = Promise.all([spilling, done]).then(() => undefined);
  }

  /** The disk did not take them: they wait in memory as long as there is room. Who waits for an answer is told so. */
  function keepInMemory(pendings: readonly Pending[], error: AuditError): void {
    for (const pending of pendings) pending.isSpilling = false;
    const kept = pendings.filter(({ isSettled }) => !isSettled);
    // There is room: whoever came after memory was twice as full was turned away.
    if (transport === undefined || isClosed) {
      drop(kept, error);
      return;
    }
    const inFlight = new Set(sending);
    waiting.unshift(...kept.filter((pending) => !inFlight.has(pending)));
    for (const pending of kept) tellBuffered(pending, error);
    if (!isAway) kick();
  }

  function tellBuffered(pending: Pending, error?: AuditError): void {
    pending.resolve?.({ state: "buffered", ...(error === undefined ? {} : { error }) });
    pending.resolve = undefined;
  }

  /** One timer, for whatever is due first. */
  function setDeadline(dueMs: number): void {
    if (dueMs >= deadlineMs) return;
    deadlineTimer?.cancel();
    deadlineMs = dueMs;
    deadlineTimer = clock.after(Math.max(0, dueMs - clock.nowMs()), onDeadline);
  }

  function onDeadline(): void {
    deadlineMs = Number.POSITIVE_INFINITY;
    const now = clock.nowMs();
    const awaited = [...sending, ...waiting].filter(
      ({ isSettled, isSpilling, resolve }) => !isSettled && !isSpilling && resolve !== undefined,
    );
    const due = awaited.filter(({ dueMs }) => dueMs <= now);
    const late = due.filter(({ isStrict }) => isStrict);
    if (late.length > 0) {
      drop(
        late,
        new AuditError("TRAIL_UNREACHABLE", { message: "The trail did not answer in time. Whether it has the event is not known." }),
      );
      waiting = waiting.filter(({ isSettled }) => !isSettled);
    }
    const slow = due.filter(({ isStrict }) => !isStrict);
    if (slow.length > 0 && spool !== undefined) spill();
    else for (const pending of slow) tellBuffered(pending);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { isSettled, isSpilling, resolve, dueMs } of awaited)
      if (!isSettled && !isSpilling && resolve !== undefined) nextMs = Math.min(nextMs, dueMs);
    setDeadline(nextMs);
  }

  /** Other processes may have left something in the spool. */
  function lookLater(delayMs: number): void {
    lookTimer = clock.after(delayMs, () => {
      kick();
      lookLater(SPOOL_LOOK_INTERVAL_MS);
    });
  }

  function releaseBuffer(): void {
    flushTimer?.cancel();
    flushTimer = undefined;
    if (buffered.length > 0) enqueue(buffered.splice(0));
  }

  async function settled(): Promise<void> {
    if (unsent > 0) await new Promise<void>((resolve) => idle.push(resolve));
    await spilling;
  }

  async function settledWithin(timeoutMs: number): Promise<void> {
    let timer: Timer | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = clock.after(timeoutMs, resolve);
    });
    await Promise.race([settled(), limit]);
    timer?.cancel();
  }

  return {
    push(event, mode) {
      const isStrict = mode === "strict";
      const noTrail = isStrict && transport === undefined ? new AuditError("TRAIL_UNREACHABLE", { message: NO_TRAIL }) : undefined;
      const error = fullness(isStrict) ?? noTrail;
      if (error !== undefined) {
        observer.dropped([event], error);
        return Promise.resolve({ state: "dropped", error });
      }
      return new Promise((resolve) => {
        const pending = makePending(event, isStrict);
        pending.resolve = resolve;
        setDeadline(pending.dueMs);
        // What was buffered before goes first.
        enqueue([...buffered.splice(0), pending]);
        if (isFull() && spool !== undefined) spill();
      });
    },
    buffer(event) {
      const error = fullness(false);
      if (error !== undefined) {
        observer.dropped([event], error);
        return { state: "dropped", error };
      }
      buffered.push(makePending(event, false));
      if (buffered.length >= settings.bufferSize || isFull()) releaseBuffer();
      else flushTimer ??= clock.after(settings.flushIntervalMs, releaseBuffer);
      if (isFull() && spool !== undefined) spill();
      return { state: "buffered" };
    },
    async flush() {
      releaseBuffer();
      // Without a disk there is nowhere to put what a trail that is away does not take.
      await (spool === undefined ? settledWithin(settings.strictTimeoutMs) : settled());
    },
    async close(timeoutMs) {
      releaseBuffer();
      await settledWithin(timeoutMs);
      isClosed = true;
      failStrict(new AuditError("EMITTER_CLOSED"));
      spill();
      await spilling;
      for (const timer of [flushTimer, deadlineTimer, retryTimer, lookTimer]) timer?.cancel();
      requesting?.abort();
      await transport?.close?.();
      await spool?.close();
    },
  };
}

function toAuditError(error: unknown): AuditError {
  return error instanceof AuditError ? error : new AuditError("TRAIL_UNREACHABLE", { cause: error });
}
