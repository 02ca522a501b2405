import { AuditError } from "@vouchtrail/events/errors";
import { type Clock, systemClock } from "../../clock.ts";
import { createHttpTransport } from "../../http-transport.ts";
import { CLOSE_TIMEOUT_MS_DEFAULT, RETRY_DELAY_MS, RETRY_DELAY_MS_MAX } from "../../limits.ts";
import type { AuditLogger } from "../../logger.ts";
import { retryAfterMs, type Transport } from "../../transport.ts";
import { createDefaultLogger } from "../default-logger.ts";
import { readEnvironment } from "../environment.ts";
import { OUTBOX_BATCH_SIZE_DEFAULT, OUTBOX_INTERVAL_MS_DEFAULT } from "./limits.ts";
import { type OutboxPoolClient, type RefusedRow, relayBatch } from "./outbox-batch.ts";
import { type OutboxPlace, outboxNames } from "./outbox-names.ts";

/** The slice of a `Pool` of pg that a relay needs. It stays the caller's: give it a listener for `error`, and end it after the relay is closed. */
export interface OutboxPool {
  connect(): Promise<OutboxPoolClient>;
}

export interface OutboxRelayOptions extends OutboxPlace {
  /** Of a role that may relay (see `relayRole` of {@link outboxSql}). One connection is used at a time. */
  readonly pool: OutboxPool;
  /** Base URL of the server; default `VOUCHTRAIL_URL`. */
  readonly url?: string;
  /** API key with the scope `ingest`; default `VOUCHTRAIL_KEY`. */
  readonly key?: string;
  /** Instead of `url`: another way to a trail. */
  readonly transport?: Transport;
  /** Rows that are taken at once, 1 to 1,000; default 500. */
  readonly batchSize?: number;
  /** Milliseconds between looks into an empty outbox; default 1,000. */
  readonly intervalMs?: number;
  /** Told of refused events, and when the trail is away and back; never of the content of events. False: nobody. */
  readonly logger?: AuditLogger | false;
  readonly clock?: Clock;
}

/** What one run did. */
export interface OutboxRun {
  /** Events that are in the trail now and no longer in the outbox. */
  readonly sent: number;
  /** Events that the trail does not take; they are set aside. */
  readonly refused: number;
}

export interface OutboxRelay {
  /** Begins to relay, and goes on until it is closed: the process stays alive for it. */
  start(): void;
  /** Ends after the batch in flight, which is given up after 5 seconds. What waits stays in the outbox. */
  close(): Promise<void>;
  /**
   * Relays one batch, for those who have a schedule of their own; nothing waits when it sent and refused nothing.
   *
   * @throws {AuditError} The trail is away: rows without an answer stay where they are. `EMITTER_CLOSED`: the relay is closed.
   * @throws Errors of the database as they are.
   */
  runOnce(): Promise<OutboxRun>;
}

/** What to do about errors of the database that do not pass by themselves. */
const DATABASE_ADVICE: Readonly<Record<string, string>> = {
  "42P01": "The table of the outbox is missing: run the SQL of outboxSql() as a migration.",
  "42501": "The role of the relay may not relay: give it to outboxSql() as relayRole.",
};

/**
 * Takes events from the outbox to the trail, exactly once, in the order of their rows. Several relays may run, in one process or many.
 *
 * A relay that is killed loses nothing: rows are deleted when the trail has them, and the ids make sending again harmless. Rows are looked for
 * every second, without `NOTIFY`: that would make all commits of the database wait for each other.
 *
 * @throws {AuditError} `CONFIG_INVALID`: a name, number or URL is wrong, or there is no way to a trail.
 *
 * Rules: SDK-50, SDK-52, SDK-55, SDK-56.
 */
export function createOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  const { pool } = options;
  const names = outboxNames(options);
  const transport = options.transport ?? transportOf(options);
  const batchSize = within(options.batchSize ?? OUTBOX_BATCH_SIZE_DEFAULT, 1_000, "batchSize");
  const intervalMs = within(options.intervalMs ?? OUTBOX_INTERVAL_MS_DEFAULT, 3_600_000, "intervalMs");
  const logger = options.logger === false ? undefined : (options.logger ?? createDefaultLogger());
  const clock = options.clock ?? systemClock;
  const aborted = new AbortController();
  const running = new Set<Promise<unknown>>();
  let loop: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  let wake: (() => void) | undefined;
  let failures = 0;

  async function runBatch(): Promise<OutboxRun> {
    const client = await pool.connect();
    const { sent, refused, error } = await relayBatch({ client, names, transport, batchSize, signal: aborted.signal });
    for (const row of refused) tellRefused(row);
    if (error !== undefined) throw error;
    return { sent, refused: refused.length };
  }

  async function runOnce(): Promise<OutboxRun> {
    if (closing !== undefined) throw new AuditError("EMITTER_CLOSED", { message: "The relay is closed. Create another one." });
    const run = runBatch();
    running.add(run);
    try {
      return await run;
    } finally {
      running.delete(run);
    }
  }

  async function relay(): Promise<void> {
    while (closing === undefined) {
      let pauseMs: number;
      try {
        const { sent, refused } = await runOnce();
        tellBack();
        pauseMs = sent + refused > 0 ? 0 : intervalMs;
      } catch (error) {
        pauseMs = onFailure(error);
      }
      if (pauseMs > 0) await pause(pauseMs);
    }
  }

  function pause(delayMs: number): Promise<void> {
    if (closing !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = clock.after(delayMs, resolve);
      wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  function onFailure(error: unknown): number {
    if (failures === 0 && closing === undefined) tellAway(error);
    const backoffMs = Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS * 2 ** Math.min(failures, 16)) * (0.5 + Math.random() / 2);
    failures += 1;
    const askedMs = error instanceof AuditError ? (retryAfterMs(error) ?? 0) : 0;
    return Math.max(backoffMs, Math.min(askedMs, RETRY_DELAY_MS_MAX));
  }

  function tellAway(error: unknown): void {
    const code = codeOf(error);
    const what = error instanceof AuditError ? `The trail does not take events (${code}).` : "The outbox cannot be read.";
    tell("warn", { code }, `${what} ${DATABASE_ADVICE[code] ?? "Events wait in the outbox, and are tried again."}`);
  }

  function tellBack(): void {
    if (failures > 0) tell("info", { failures }, "The outbox is relayed again.");
    failures = 0;
  }

  function tellRefused({ id, fault }: RefusedRow): void {
    const fields = { auditEvent: true, id, code: fault.code };
    tell("error", fields, `The trail refused an event of the outbox (${fault.code}). It waits in ${names.refused}, which says why.`);
  }

  function tell(level: "info" | "warn" | "error", fields: object, message: string): void {
    try {
      logger?.[level](fields, message);
    } catch {
      // A logger that throws must not keep events from the trail.
    }
  }

  async function end(): Promise<void> {
    wake?.();
    const timer = clock.after(CLOSE_TIMEOUT_MS_DEFAULT, () => aborted.abort());
    await Promise.allSettled([...running, loop]);
    timer.cancel();
  }

  return {
    start() {
      if (loop !== undefined || closing !== undefined) return;
      // Timers of the clock keep no process alive, and while the database is away there is no connection that would.
      const anchor = setInterval(() => {}, 2 ** 31 - 1);
      loop = relay().finally(() => clearInterval(anchor));
    },
    close() {
      closing ??= end();
      return closing;
    },
    runOnce,
  };
}

function transportOf({ url, key }: OutboxRelayOptions): Transport {
  const environment = readEnvironment();
  const base = url ?? environment.url;
  if (base === undefined)
    throw new AuditError("CONFIG_INVALID", {
      path: "url",
      message: "The relay has no trail. Set url or VOUCHTRAIL_URL, or pass a transport.",
    });
  return createHttpTransport({ url: base, key: key ?? environment.key });
}

function within(value: number, max: number, option: string): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new AuditError("CONFIG_INVALID", { path: option, message: `${option}: expected a whole number from 1 to ${max}.` });
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
}
