import { AuditError } from "@vouchtrail/events";
import type { Logger } from "pino";
import { type Clock, systemClock } from "./clock.ts";
import type { LoadedConfig } from "./config/config.ts";
import { LEDGER_NAME } from "./data-directory.ts";
import type { FollowerNotice } from "./followers/observer.ts";
import { SEARCH_FOLLOWER } from "./followers/search/search-index.ts";
import { type RunningSearch, startSearch } from "./followers/search/start-search.ts";
import { createApp } from "./http/app.ts";
import { createGuard, isLoopback } from "./http/guard.ts";
import type { McpService } from "./http/mcp-route.ts";
import { SCOPES } from "./intake/principal.ts";
import { openKeyStore } from "./keys.ts";
import type { FileLedger } from "./ledger/file-ledger.ts";
import { lockDataDirectory } from "./ledger/lock.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { createOpenEffectsCount } from "./open-effects.ts";
import { createReadRecorder } from "./read-recorder.ts";
import { loadCursorKey } from "./reading/cursor-key.ts";
import { openRunningLedger } from "./running-ledger.ts";
import { VERSION } from "./version.ts";

export type { McpRecorded, McpRouteCaller, McpService } from "./http/mcp-route.ts";

export interface StartOptions {
  readonly loaded: LoadedConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger?: Logger;
  /** The machine's clock unless given. */
  readonly clock?: Clock;
  /** Serves `/mcp`; the server closes it. Absent: nothing is served there. */
  readonly mcp?: McpService;
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
  mcp,
}: StartOptions): Promise<RunningServer> {
  const { config, warnings } = loaded;
  for (const warning of warnings) logger.warn(warning);
  const metrics = createMetrics();
  const running = await openRunningLedger({
    config,
    environment,
    logger,
    clock,
    lock: lockDataDirectory,
    observer: metrics,
    onNotice({ kind }) {
      metrics.noticed(kind);
      if (kind === "failed") metrics.ledgerFailed();
    },
  });
  const { ledger, paths, recorder, intake, redactor, policy, now } = running;
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
    const adminKey = environment[ADMIN_KEY_VARIABLE];
    const administration = { name: "administration", scopes: [...SCOPES] };
    if (isGiven(adminKey)) await keys.adopt(adminKey, administration, now());

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
    metrics.watchEffects(createOpenEffectsCount({ engine: search.engine, nowMs: clock.wallMs }));
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
        otlp: config.otlp,
        ...(config.hooks.redactToolOutput ? { toolOutputRedactor: redactor } : {}),
        search,
        cursorKey,
        reads,
        name: LEDGER_NAME,
        metrics,
        version: VERSION,
        warnings,
        mcp,
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

    await running.recordStart();

    let closing: Promise<void> | undefined;
    async function close(): Promise<void> {
      stopping.abort();
      await mcp?.close();
      // Closing ends the connections that are idle at that moment; one that was answered just before becomes idle after it.
      const idleTimer = setInterval(() => app.server.closeIdleConnections(), IDLE_CLOSE_INTERVAL_MS);
      await app.close();
      clearInterval(idleTimer);
      await reads.close();
      await running.stop();
      await search.close();
      await running.close();
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
    await running.close();
    throw error;
  }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}
