import { hostname } from "node:os";
import { basename } from "node:path";
import { type AuditEmitterConfig as CoreConfig, AuditEmitter as CoreEmitter } from "../emitter.ts";
import { createHttpTransport } from "../http-transport.ts";
import type { AuditLogger } from "../logger.ts";
import type { Spool } from "../spool.ts";
import type { Transport } from "../transport.ts";
import { createConsoleTransport } from "./console-transport.ts";
import { currentAuditContext } from "./context.ts";
import { createDefaultLogger } from "./default-logger.ts";
import { readEnvironment, type SdkEnvironment } from "./environment.ts";
import { isDurableFolder } from "./spool/durable-folder.ts";
import { type FileSpoolOptions, openFileSpool } from "./spool/file-spool.ts";
import { loadSpoolRedaction } from "./spool-redaction.ts";

export interface AuditEmitterConfig extends Omit<CoreConfig, "url" | "key" | "transport" | "spool"> {
  /** Base URL of the server; default `VOUCHTRAIL_URL`. Without one, events are shown on the console, or spooled in production. */
  readonly url?: string;
  /** API key with the scope `ingest`; default `VOUCHTRAIL_KEY`. */
  readonly key?: string;
  /** Instead of `url`: another way to a trail. */
  readonly transport?: Transport;
  /** Where events wait while the trail is away: a folder, default `VOUCHTRAIL_SPOOL` or `.vouchtrail-spool` in the working directory. False: in memory only. */
  readonly spool?: Spool | Partial<FileSpoolOptions> | false;
  /** Default: the variables of the process. */
  readonly environment?: SdkEnvironment;
}

export const SPOOL_FOLDER = ".vouchtrail-spool";

/** The emitter of a Node.js process: as that of the core, with a spool on the disk, a logger, the context of the caller, and settings from the environment. */
export class AuditEmitter extends CoreEmitter {
  constructor(config: AuditEmitterConfig = {}) {
    super(toCoreConfig(config));
  }
}

function toCoreConfig(config: AuditEmitterConfig): CoreConfig {
  const { url: _url, key: _key, spool: _spool, transport: _transport, environment: _environment, ...rest } = config;
  const environment = config.environment ?? readEnvironment();
  const url = config.url ?? environment.url;
  const logger = config.logger === false ? false : (config.logger ?? createDefaultLogger());
  const isShown = config.transport === undefined && url === undefined && !environment.isProduction;
  const transport =
    config.transport ??
    (url !== undefined ? createHttpTransport({ url, key: config.key ?? environment.key }) : isShown ? createConsoleTransport() : undefined);
  if (transport === undefined && logger !== false)
    logger.error({}, "No audit trail is set: events are spooled on this machine only. Set VOUCHTRAIL_URL.");
  const tenant = config.tenant ?? environment.tenant;
  return {
    context: currentAuditContext,
    ...rest,
    logger,
    ...(tenant === undefined ? {} : { tenant }),
    source: { name: environment.sourceName ?? programName(), ...config.source },
    transport,
    spool: isShown ? undefined : spoolOf(config.spool, environment, logger),
  };
}

function spoolOf(spool: AuditEmitterConfig["spool"], environment: SdkEnvironment, logger: AuditLogger | false): Spool | undefined {
  if (spool === false) return undefined;
  if (spool !== undefined && "append" in spool) return spool;
  const directory = spool?.directory ?? environment.spoolDirectory ?? SPOOL_FOLDER;
  const tell = logger === false ? undefined : logger;
  // While events are recorded nobody waits for this.
  if (environment.isProduction && tell !== undefined) void warnOfFolder(directory, tell);
  return openFileSpool({
    redaction: loadSpoolRedaction,
    onProblem: ({ code, message }) => tell?.warn({ code, directory }, message),
    ...spool,
    directory,
  });
}

async function warnOfFolder(directory: string, logger: AuditLogger): Promise<void> {
  const durability = await isDurableFolder(directory).catch(() => "unknown");
  if (durability !== "memory" && durability !== "container") return;
  const end = durability === "memory" ? "the machine stops" : "its container is replaced";
  logger.warn({ directory }, `The audit spool is gone when ${end}. Set VOUCHTRAIL_SPOOL to a folder on a disk or a volume.`);
}

function programName(): string {
  const script = process.argv[1];
  return script === undefined || script === "" ? hostname() : basename(script).replace(/\.[cm]?[jt]s$/, "");
}
