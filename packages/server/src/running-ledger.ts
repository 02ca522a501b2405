import { createMinimizer, createRedactor, type PrivacyPolicy, type Redactor } from "@vouchtrail/events";
import { createSensitivityRules } from "@vouchtrail/events/sensitivity";
import { type Clock, createReceiptClock } from "./clock.ts";
import type { Config } from "./config/schema.ts";
import { type DataPaths, LEDGER_NAME, type OpenData, openDataDirectory } from "./data-directory.ts";
import { createIntake, type Intake, type IntakeObserver } from "./intake/intake.ts";
import type { FileLedger, LedgerNotice } from "./ledger/file-ledger.ts";
import { sha256 } from "./ledger/hashing.ts";
import type { LockDirectory } from "./ledger/lock.ts";
import { defaultStateFolder, openRememberedCheckpoints, type RememberedCheckpoints } from "./ledger/remembered-checkpoint.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { VERSION } from "./version.ts";

/** How often jumps of the clock are written down, in milliseconds. */
const JUMP_INTERVAL_MS = 1_000;

/** What a running ledger tells its operator. A logger of pino is one. */
export interface LedgerLogger {
  fatal(fields: object, message: string): void;
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** The settings that a ledger and its intake need, whoever serves them. */
export interface LedgerConfig extends Pick<Config, "data" | "state" | "origin" | "ledger" | "limits" | "privacy"> {
  readonly audit: Pick<Config["audit"], "content_logging" | "redaction">;
  /** Absent: the defaults. */
  readonly sensitivity?: Config["sensitivity"];
}

export interface RunningLedgerOptions {
  readonly config: LedgerConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: LedgerLogger;
  readonly clock: Clock;
  readonly lock: LockDirectory;
  /** Told about every event, for the metrics. */
  readonly observer: IntakeObserver;
  /** Told about what happens outside of calls, after it was logged. */
  readonly onNotice?: (notice: LedgerNotice) => void;
}

/**
 * A data directory that is open for writing, with everything between the bytes of an event and its receipt: the clock of receipts, the recorder
 * of the server's own entries, redaction, minimisation and intake. The server puts HTTP and the search index around it; a trail in the process
 * of an application puts nothing around it.
 *
 * Opened, then {@link recordStart} once it can be reached; {@link stop}, then {@link close}.
 */
export interface RunningLedger {
  readonly ledger: FileLedger;
  readonly paths: DataPaths;
  readonly recorder: Recorder;
  readonly intake: Intake;
  readonly redactor: Redactor;
  readonly policy: PrivacyPolicy;
  /** RFC 3339, never going back, also across restarts. */
  readonly now: () => string;
  /** Writes that it was made, what recovery found, and that it runs. Logs why, where it takes nothing. */
  recordStart(): Promise<void>;
  /** Writes what is left to say and that it stops. The ledger can be read until it is closed. */
  stop(): Promise<void>;
  /** Signs a final checkpoint and gives the directory back. */
  close(): Promise<void>;
}

/** @throws {AuditError} As `openDataDirectory`, and `CONFIG_INVALID` for patterns of redaction or sensitivity that are none. */
export async function openRunningLedger(options: RunningLedgerOptions): Promise<RunningLedger> {
  const { config, environment, logger, onNotice } = options;
  const remembered = openRememberedCheckpoints(config.state ?? defaultStateFolder(environment));
  const notice = (event: LedgerNotice): void => {
    onNotice?.(event);
    logNotice(logger, event);
  };
  const data = await openDataDirectory({
    directory: config.data,
    origin: config.origin,
    remembered,
    lock: options.lock,
    ledger: { checkpointIntervalMs: config.ledger.checkpointIntervalMs, onNotice: notice },
  });
  try {
    return await runLedger(data, remembered, notice, options);
  } catch (error) {
    await data.ledger.close();
    data.lock.release();
    throw error;
  }
}

async function runLedger(
  data: OpenData,
  remembered: RememberedCheckpoints,
  notice: (event: LedgerNotice) => void,
  { config, logger, clock, observer }: RunningLedgerOptions,
): Promise<RunningLedger> {
  const { ledger, paths, lock } = data;
  const jumps: { fromMs: number; toMs: number }[] = [];
  const now = createReceiptClock(clock, await lastReceivedAt(ledger), (jump) => jumps.push(jump));
  const policy: PrivacyPolicy = {
    personalTargets: new Set(config.privacy.personalTargets),
    impersonalTargets: new Set(config.privacy.impersonalTargets),
    contextIds: config.privacy.contextIds,
  };
  const { patterns, replacement, keys } = config.audit.redaction;
  const redactor = createRedactor({ patterns, replacement, keys });
  const recorder = createRecorder({
    ledger,
    ledgerName: LEDGER_NAME,
    now,
    heartbeatMs: config.ledger.heartbeatMinutes * 60_000,
    onError: (error) => logger.error({ err: error }, "an entry of the server could not be written; it is tried again"),
  });
  const intake = createIntake({
    ledger,
    recorder,
    redactor,
    minimizer: createMinimizer(config.audit.content_logging, sha256),
    policy,
    sensitivity: config.sensitivity?.derive === false ? undefined : createSensitivityRules(config.sensitivity),
    disclosureBytesMax: config.limits.disclosureBytesMax,
    now,
    observer,
  });
  // Told after the call that noticed it: the clock is read in the middle of sealing a batch.
  async function recordJumps(): Promise<void> {
    for (const jump of jumps.splice(0)) {
      logger.warn(jump, "the clock jumped");
      await recorder
        .record({ action: "clock.jumped", system: { ...jump } })
        .catch((error: unknown) => logger.error({ err: error }, "a clock jump was not recorded"));
    }
  }
  const jumpTimer = setInterval(() => void recordJumps(), JUMP_INTERVAL_MS);

  async function endRecording(): Promise<void> {
    clearInterval(jumpTimer);
    await recorder.close();
  }
  let stopped: Promise<void> | undefined;
  return {
    ledger,
    paths,
    recorder,
    intake,
    redactor,
    policy,
    now,
    async recordStart() {
      if (ledger.refusal() === undefined) await recordStart(data, { remembered, recorder, logger, notice });
      const refusal = ledger.refusal();
      if (refusal !== undefined) logger.error({ code: refusal.code }, refusal.message);
    },
    async stop() {
      clearInterval(jumpTimer);
      if (ledger.refusal() === undefined) {
        await recordJumps();
        await recorder
          .record({ action: "server.stopped", system: { version: VERSION } })
          .catch((error: unknown) => logger.error({ err: error }, "the stop was not recorded"));
      }
      stopped ??= endRecording();
      await stopped;
    },
    async close() {
      stopped ??= endRecording();
      await stopped;
      await ledger.close();
      lock.release();
    },
  };
}

/** Writes what an auditor must know about how this run began. */
async function recordStart(
  { ledger, paths, isNew }: OpenData,
  deps: {
    readonly remembered: RememberedCheckpoints;
    readonly recorder: Recorder;
    readonly logger: LedgerLogger;
    readonly notice: (event: LedgerNotice) => void;
  },
): Promise<void> {
  const { remembered, recorder, logger, notice } = deps;
  const { torn } = ledger.findings;
  const place = paths.root;
  const before = await remembered.originAt(place).catch(() => undefined);
  if (isNew) {
    const replaced = before !== undefined && before !== ledger.origin ? { replaces: before } : {};
    if ("replaces" in replaced) logger.warn({ origin: before }, "another ledger stood here before; it is gone");
    await recorder.record({ action: "ledger.created", system: { origin: ledger.origin, ...replaced } });
  }
  if (torn !== undefined) {
    logger.warn(
      { index: torn.index, bytes: torn.end - torn.start },
      "a write was cut off by an unclean stop; nothing that was acked is lost",
    );
    await recorder.record({
      action: "ledger.recovered",
      system: { index: torn.index, bytes: torn.end - torn.start, reason: torn.reason },
      status: "partial",
    });
  }
  await recorder.record({ action: "server.started", system: { version: VERSION } });
  await remembered.rememberPlace(place, ledger.origin).catch((error: unknown) => notice({ kind: "remember-failed", error }));
}

function logNotice(logger: LedgerLogger, event: LedgerNotice): void {
  if (event.kind === "failed") logger.fatal({ err: event.error }, "the disk failed; nothing is accepted until the server is restarted");
  else if (event.kind === "maintenance-failed")
    logger.error({ err: event.error }, "sealing or erasing failed; it is tried again at the next start");
  else if (event.kind === "remember-failed")
    logger.warn({ err: event.error }, "the checkpoint could not be remembered outside the data directory");
  else logger.debug(event, "ledger");
}

async function lastReceivedAt(ledger: FileLedger): Promise<string | undefined> {
  const { treeSize } = await ledger.head();
  for await (const batch of ledger.read(Math.max(0, treeSize - 1), treeSize)) {
    for (const { leaf } of batch) return (JSON.parse(leaf) as { received?: { at?: string } }).received?.at;
  }
  return undefined;
}
