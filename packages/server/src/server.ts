import { AuditError, createMinimizer, createRedactor, type PrivacyPolicy } from "@vouchtrail/events";
import { destination, type Logger, pino } from "pino";
import { type Clock, createReceiptClock, systemClock } from "./clock.ts";
import type { LoadedConfig } from "./config/config.ts";
import { LEDGER_NAME, openDataDirectory } from "./data-directory.ts";
import type { FollowerNotice } from "./followers/observer.ts";
import { SEARCH_FOLLOWER } from "./followers/search/search-index.ts";
import { type RunningSearch, startSearch } from "./followers/search/start-search.ts";
import { createApp } from "./http/app.ts";
import { createGuard, isLoopback } from "./http/guard.ts";
import { createIntake } from "./intake/intake.ts";
import { SCOPES } from "./intake/principal.ts";
import { openKeyStore } from "./keys.ts";
import type { FileLedger, LedgerNotice } from "./ledger/file-ledger.ts";
import { sha256 } from "./ledger/hashing.ts";
import { defaultStateFolder, openRememberedCheckpoints } from "./ledger/remembered-checkpoint.ts";
import { createMetrics } from "./metrics.ts";
import { createReadRecorder } from "./read-recorder.ts";
import { loadCursorKey } from "./reading/cursor-key.ts";
import { createRecorder } from "./recorder.ts";
import { VERSION } from "./version.ts";

export interface StartOptions {
  readonly loaded: LoadedConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger?: Logger;
  /** The machine's clock unless given. */
  readonly clock?: Clock;
}

export interface RunningServer {
  /** `http://127.0.0.1:7431` */
  readonly url: string;
  readonly ledger: FileLedger;
  readonly search: RunningSearch;
  /** The administration key, only at the first start and only if the operator brought none. It is stored hashed: this is the one chance. */
  readonly newAdminKey: string | undefined;
  /** Stops listening, finishes what was begun, signs a final checkpoint. */
  close(): Promise<void>;
}

/** Names of environment variables that hold secrets. They are read here and nowhere shown. */
export const ADMIN_KEY_VARIABLE = "VOUCHTRAIL_ADMIN_KEY";

/** How often connections that became idle are closed while the server stops, in milliseconds. */
const IDLE_CLOSE_INTERVAL_MS = 50;
/** How often jumps of the clock are written down. */
const JUMP_INTERVAL_MS = 1_000;

/**
 * Opens the data directory and serves it.
 *
 * @throws {AuditError} As `openDataDirectory`, and `CONFIG_INVALID` for listening beyond loopback without keys or on a taken port.
 */
export async function startServer({
  loaded,
  environment,
  logger = createLogger(loaded.config.log.level),
  clock = systemClock,
}: StartOptions): Promise<RunningServer> {
  const { config, warnings } = loaded;
  for (const warning of warnings) logger.warn(warning);
  const metrics = createMetrics();
  const remembered = openRememberedCheckpoints(config.state ?? defaultStateFolder(environment));
  const notice = (event: LedgerNotice): void => {
    metrics.noticed(event.kind);
    if (event.kind === "failed") {
      metrics.ledgerFailed();
      logger.fatal({ err: event.error }, "the disk failed; nothing is accepted until the server is restarted");
    } else if (event.kind === "maintenance-failed")
      logger.error({ err: event.error }, "sealing or erasing failed; it is tried again at the next start");
    else if (event.kind === "remember-failed")
      logger.warn({ err: event.error }, "the checkpoint could not be remembered outside the data directory");
    else logger.debug(event, "ledger");
  };
  const data = await openDataDirectory({
    directory: config.data,
    origin: config.origin,
    remembered,
    ledger: { checkpointIntervalMs: config.ledger.checkpointIntervalMs, onNotice: notice },
  });
  const { ledger, paths, lock } = data;
  const keys = openKeyStore(paths.secrets);
  const stopping = new AbortController();
  /** What a failed start has to undo, last first. */
  const undo: (() => void | Promise<void>)[] = [];
  try {
    await refuseOpenDoor();
    async function refuseOpenDoor(): Promise<void> {
      if (isLoopback(config.http.host) || config.http.host === "localhost") return;
      const isUsable = (await keys.list()).some((key) => key.revokedAt === undefined && key.scopes.some((scope) => scope !== "admin"));
      if (isUsable || isGiven(environment[ADMIN_KEY_VARIABLE])) return;
      throw new AuditError("CONFIG_INVALID", {
        path: "http.host",
        message: `Listening on ${config.http.host} needs API keys. Make one first: vouchtrail keys create --data ${config.data} --scope ingest --scope read`,
      });
    }

    metrics.watch(ledger);
    const jumps: { fromMs: number; toMs: number }[] = [];
    const now = createReceiptClock(clock, await lastReceivedAt(ledger), (jump) => jumps.push(jump));
    const recorder = createRecorder({
      ledger,
      ledgerName: LEDGER_NAME,
      now,
      heartbeatMs: config.ledger.heartbeatMinutes * 60_000,
      onError: (error) => logger.error({ err: error }, "an entry of the server could not be written; it is tried again"),
    });
    undo.push(() => recorder.close());
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
    undo.push(() => clearInterval(jumpTimer));

    const adminKey = environment[ADMIN_KEY_VARIABLE];
    const administration = { name: "administration", scopes: [...SCOPES] };
    if (isGiven(adminKey)) await keys.adopt(adminKey, administration, now());

    const policy: PrivacyPolicy = {
      personalTargets: new Set(config.privacy.personalTargets),
      impersonalTargets: new Set(config.privacy.impersonalTargets),
      contextIds: config.privacy.contextIds,
    };
    const { patterns, replacement, keys: secretKeys } = config.audit.redaction;
    const redactor = createRedactor({ patterns, replacement, keys: secretKeys });
    const reads = createReadRecorder({
      ledger,
      ledgerName: LEDGER_NAME,
      redactor,
      policy,
      disclosureBytesMax: config.limits.disclosureBytesMax,
      now,
      onError: (error) => logger.warn({ err: error }, "a read could not be recorded; it is tried again"),
    });
    undo.push(() => reads.close());
    const intake = createIntake({
      ledger,
      recorder,
      redactor,
      minimizer: createMinimizer(config.audit.content_logging, sha256),
      policy,
      disclosureBytesMax: config.limits.disclosureBytesMax,
      now,
      observer: metrics,
    });
    const search = startSearch({
      ledger,
      directory: paths.search,
      followers: paths.followers,
      memoryBytes: config.search.memoryMegabytes * 1_048_576,
      threads: config.search.threads,
      queryTimeoutMs: config.search.queryTimeoutMs,
      follow: { now, observer: metrics.followerObserver(SEARCH_FOLLOWER), onNotice: followerNotice },
      onNotice: (event) => {
        if (event.kind === "ended") logger.warn({ reason: event.reason }, "the search index stopped; it is started again");
        else logger.debug(event, "search index");
      },
    });
    undo.push(() => search.close());
    metrics.watchFollower({ name: SEARCH_FOLLOWER, state: search.follower });
    function followerNotice(event: FollowerNotice): void {
      const { kind, follower } = event;
      if (kind === "diverged" || kind === "broken") {
        logger.error(
          { follower, err: event.error },
          "a follower stopped: the ledger is not the one that it has read, or this program has a fault",
        );
        void recorder
          .record({ action: `follower.${kind}`, system: { follower }, status: "failure" })
          .catch((error: unknown) => logger.error({ err: error }, "a stopped follower was not recorded"));
      } else if (kind === "dead-letter" || kind === "dead-letters-full") logger.error(event, "a follower");
      else if (kind === "failing") logger.warn(event, "a follower could not go on; it tries again");
      else logger.debug(event, "a follower");
    }
    const cursorKey = await loadCursorKey(paths.secrets, {
      onNotStored: (error) => logger.warn({ err: error }, "the key of cursors could not be kept; cursors end with this process"),
    });
    const guard = createGuard({
      keys,
      hosts: [config.http.host, ...config.http.hosts],
      origins: config.http.origins,
      loopbackWithoutKey: config.http.loopbackWithoutKey,
    });
    const app = createApp(
      { bodyBytesMax: config.http.bodyBytesMax, connectionsMax: config.http.connectionsMax, logger },
      {
        guard,
        intake,
        ledger,
        recorder,
        search,
        cursorKey,
        reads,
        name: LEDGER_NAME,
        metrics,
        version: VERSION,
        warnings,
        stopping: stopping.signal,
        isStopping: () => stopping.signal.aborted,
      },
    );
    undo.push(() => app.close());
    const url = await listen();
    async function listen(): Promise<string> {
      try {
        return await app.listen({ host: config.http.host, port: config.http.port });
      } catch (cause) {
        const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
        throw new AuditError("CONFIG_INVALID", {
          path: "http.port",
          message:
            code === "EADDRINUSE"
              ? `Port ${config.http.port} is taken. Choose another one with --port.`
              : `${config.http.host}:${config.http.port} cannot be listened on (${String(code)}).`,
          cause,
        });
      }
    }

    // Only now: the key of a start that fails would be shown to nobody, and it is shown only once.
    const newAdminKey = (await keys.list()).length === 0 ? (await keys.create(administration, now())).secret : undefined;

    if (ledger.refusal() === undefined) await recordStart();
    async function recordStart(): Promise<void> {
      const { torn } = ledger.findings;
      const place = paths.root;
      const before = await remembered.originAt(place).catch(() => undefined);
      if (data.isNew) {
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
    const refusal = ledger.refusal();
    if (refusal !== undefined) logger.error({ code: refusal.code }, refusal.message);

    let closing: Promise<void> | undefined;
    async function close(): Promise<void> {
      stopping.abort();
      // Closing ends the connections that are idle at that moment; one that was answered just before becomes idle after it.
      const idleTimer = setInterval(() => app.server.closeIdleConnections(), IDLE_CLOSE_INTERVAL_MS);
      await app.close();
      clearInterval(idleTimer);
      clearInterval(jumpTimer);
      await reads.close();
      if (ledger.refusal() === undefined) {
        await recordJumps();
        await recorder
          .record({ action: "server.stopped", system: { version: VERSION } })
          .catch((error: unknown) => logger.error({ err: error }, "the stop was not recorded"));
      }
      await recorder.close();
      await search.close();
      await ledger.close();
      lock.release();
    }
    return {
      url: url.replace("[::1]", "localhost"),
      ledger,
      search,
      newAdminKey,
      close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    await ledger.close();
    lock.release();
    throw error;
  }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

/** Logs go to standard error, so that standard output stays for results. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination(2));
}

async function lastReceivedAt(ledger: FileLedger): Promise<string | undefined> {
  const { treeSize } = await ledger.head();
  for await (const batch of ledger.read(Math.max(0, treeSize - 1), treeSize)) {
    for (const { leaf } of batch) return (JSON.parse(leaf) as { received?: { at?: string } }).received?.at;
  }
  return undefined;
}
