import { AuditError, type Fault, REQUEST_EVENTS_MAX } from "@vouchtrail/events";
import type { z } from "zod";
import { type Clock, systemClock } from "./clock.ts";
import { ConfigSchema } from "./config/schema.ts";
import type { Intake, IntakeObserver, IntakeResult } from "./intake/intake.ts";
import { type Principal, SCOPES } from "./intake/principal.ts";
import type { FileLedger } from "./ledger/file-ledger.ts";
import type { Receipt } from "./ledger/ledger.ts";
import { lockWithoutNative } from "./ledger/lock.ts";
import { createLogger } from "./logger.ts";
import { type LedgerReader, openLedgerReader } from "./reading/ledger-reader.ts";
import { type LedgerLogger, openRunningLedger, type RunningLedger } from "./running-ledger.ts";

/** What concerns the ledger and its intake, with the bounds and defaults of the server's own configuration. */
const TrailConfigSchema = ConfigSchema.pick({ state: true, origin: true, ledger: true, limits: true, privacy: true }).extend({
  audit: ConfigSchema.shape.audit.unwrap().pick({ content_logging: true, redaction: true }).prefault({}),
});

/** The options of `vouchtrail.yaml` that mean something without HTTP and without a search index. */
export type TrailConfig = z.input<typeof TrailConfigSchema>;

export interface OpenTrailOptions {
  /** The data directory; made if there is none. A server can serve the same one later, and the other way round. */
  readonly dir: string;
  readonly config?: TrailConfig;
  /** A logger of pino, or anything with its methods. Default: warnings and worse as JSON on standard error. */
  readonly logger?: LedgerLogger;
  /** Where `VOUCHTRAIL_STATE` and `XDG_STATE_HOME` are looked up; the environment of the process unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The machine's clock unless given. */
  readonly clock?: Clock;
}

/** An event as the SDK sends it. */
export interface TrailEvent {
  /** UUID, the same as in {@link json}. */
  readonly id: string;
  /** One event as JSON, without line breaks. */
  readonly json: string;
}

/** What became of one event. `duplicate`: it was in the trail already, and this is its first receipt. */
export type TrailAnswer = { readonly receipt: Receipt & { readonly duplicate?: true } } | { readonly fault: Fault };

/**
 * A trail in the process of the application: a transport for the emitter of `@vouchtrail/sdk`. An emitter that is closed closes it too.
 *
 * Its timers keep the process alive until it is closed. A process that ends without closing it loses nothing that was acked.
 */
export interface Trail extends AsyncDisposable {
  readonly ledger: FileLedger;
  /** Entries by id, proofs, bundles and checkpoints, of all tenants. Searching needs a server. */
  readonly reader: LedgerReader;
  /**
   * Takes events in as a server does. Resolves when they are on stable storage, with one answer for each, in their order.
   *
   * @throws {AuditError} Nothing is known about any of the events; they may be sent again with the same ids. `OUTCOME_UNKNOWN` when the signal
   *   aborts first, `SHUTTING_DOWN` once the trail is closed, and what the ledger throws (`PUSHBACK`, `DISK_FULL`, `LEDGER_READ_ONLY` …).
   */
  send(events: readonly TrailEvent[], signal?: AbortSignal): Promise<readonly TrailAnswer[]>;
  /** Finishes what was begun, records the stop, signs a final checkpoint and gives the directory back. */
  close(): Promise<void>;
}

/** Whoever can call a function of the process can do anything in it: there is nobody to be kept out. */
const CALLER: Principal = { key: undefined, scopes: new Set(SCOPES), tenant: undefined, source: undefined, actorTypes: undefined };

/** There are no metrics without a server; the trail itself tells what was refused, once a minute. */
const NOBODY: IntakeObserver = {
  accepted: () => undefined,
  refused: () => undefined,
  redacted: () => undefined,
  cut: () => undefined,
};

/**
 * Opens a data directory in this process, without HTTP and without a search index. All of the intake applies: validation, redaction,
 * minimisation, sealing, the server's own entries. Rules: SDK-60 to SDK-64.
 *
 * @throws {AuditError} `CONFIG_INVALID` with the path of the option, and as `openDataDirectory` (`LEDGER_LOCKED`, `DATA_UNREADABLE` …).
 */
export async function openTrail(options: OpenTrailOptions): Promise<Trail> {
  const { dir, logger = createLogger("warn"), environment = process.env, clock = systemClock } = options;
  const config = { data: dir, ...readConfig(options.config) };
  const running = await openRunningLedger({ config, environment, logger, clock, lock: lockWithoutNative, observer: NOBODY });
  try {
    await running.recordStart();
  } catch (error) {
    await running.close();
    throw error;
  }
  return createTrail(running);
}

function readConfig(config: TrailConfig = {}): z.output<typeof TrailConfigSchema> {
  const result = TrailConfigSchema.safeParse(config);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const names = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...(issue?.path ?? []), ...names].map(String).join(".");
  const message =
    names.length > 0 ? `A trail in the process has no option ${path}. Remove it, or start a server.` : `${path}: ${issue?.message}`;
  throw new AuditError("CONFIG_INVALID", { path, message: `The configuration is not valid: ${message}` });
}

function createTrail(running: RunningLedger): Trail {
  const { ledger, intake } = running;
  const sending = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await Promise.allSettled(sending);
    await running.stop();
    await running.close();
  }
  const trail: Trail = {
    ledger,
    reader: openLedgerReader(ledger, { tenant: undefined }),
    async send(events, signal) {
      if (closing !== undefined) throw new AuditError("SHUTTING_DOWN", { message: "The trail was closed. Open it again." });
      if (signal?.aborted === true) throw interrupted();
      const accepted = takeIn(intake, events);
      sending.add(accepted);
      try {
        return await (signal === undefined ? accepted : unlessAborted(accepted, signal));
      } finally {
        // What goes on after an abort is still waited for when the trail closes.
        void accepted.catch(() => undefined).finally(() => sending.delete(accepted));
      }
    },
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => trail.close(),
  };
  return trail;
}

async function takeIn(intake: Intake, events: readonly TrailEvent[]): Promise<readonly TrailAnswer[]> {
  const answers: TrailAnswer[] = [];
  for (let first = 0; first < events.length; first += REQUEST_EVENTS_MAX)
    answers.push(...(await takeInBatch(intake, events.slice(first, first + REQUEST_EVENTS_MAX))));
  return answers;
}

/** At most {@link REQUEST_EVENTS_MAX} events. Each is a line by itself, so that one that is not JSON cannot move the places of the others. */
async function takeInBatch(intake: Intake, events: readonly TrailEvent[]): Promise<readonly TrailAnswer[]> {
  const answers: (TrailAnswer | undefined)[] = events.map(({ json }) => {
    const fault = lineFault(json);
    return fault === undefined ? undefined : { fault };
  });
  const positions = [...answers.keys()].filter((position) => answers[position] === undefined);
  if (positions.length > 0) {
    const body = Buffer.from(positions.map((position) => events[position]?.json).join("\n"));
    const result = await intake.acceptBody(body, { principal: CALLER, via: "sdk", isNdjson: true });
    placeAnswers(result, positions, answers);
  }
  return answers.map((answer) => answer ?? unanswered());
}

function placeAnswers({ receipts, errors }: IntakeResult, positions: readonly number[], answers: (TrailAnswer | undefined)[]): void {
  for (const { position, ...receipt } of receipts) answers[positions[position] ?? unanswered()] = { receipt };
  for (const { position, ...fault } of errors) {
    const place = positions[position] ?? unanswered();
    // The first fault of an event tells its code; the others concern further fields.
    answers[place] ??= { fault };
  }
}

/** What keeps a text from being a line of a body. Everything else is found by the intake. */
function lineFault(json: string): Fault | undefined {
  const invalid = (message: string): Fault => ({ code: "BODY_INVALID", path: "", message });
  if (json.includes("\n")) return invalid("The JSON of an event has no line breaks. Use JSON.stringify without indentation.");
  if (json.trim() === "") return invalid("The JSON of an event is empty.");
  if (json.startsWith("\uFEFF")) return invalid("The JSON of an event does not begin with a byte order mark. Remove it.");
  // Encoding would replace it silently, and two different events would become one.
  if (/\p{Surrogate}/u.test(json)) return { code: "TEXT_INVALID", path: "", message: "The JSON holds half of a surrogate pair." };
  return undefined;
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(interrupted());
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function interrupted(): AuditError {
  return new AuditError("OUTCOME_UNKNOWN", { message: "The events were not stored in time. Send them again with the same ids." });
}

function unanswered(): never {
  throw new Error("The intake did not tell of every event.");
}
