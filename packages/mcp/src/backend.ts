import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { AuditError, type AuditReader } from "@vouchtrail/events";
import { AuditEmitter, createAuditReader, createHttpTransport } from "@vouchtrail/sdk";
import type { AuditLog } from "./audit-log.ts";
import { createEmitterLog } from "./emitter-log.ts";
import { STORE_DEADLINE_MS } from "./limits.ts";
import { createOutboxLog, type OutboxConnection } from "./outbox-log.ts";
import type { McpSettings, PostgresSettings, ServerSettings } from "./settings.ts";

/** Where the tools of a process write and read. */
export interface Backend {
  readonly log: AuditLog;
  readonly reader: AuditReader | undefined;
  /** Resolves when everything that was accepted is in the trail, on the disk or in the database. */
  close(): Promise<void>;
}

/** Opens what the settings name. Nothing is sent before the first event. @throws {AuditError} `CONFIG_INVALID`. */
export function openBackend(
  settings: McpSettings,
  { stateFolder, warn }: { readonly stateFolder: string | undefined; readonly warn: (message: string) => void },
): Backend {
  const { url, key } = settings;
  const reader = url === undefined ? undefined : createAuditReader({ url, key });
  return settings.backend === "server" ? { reader, ...openServer(settings, stateFolder, warn) } : { reader, ...openPostgres(settings) };
}

function openServer(settings: ServerSettings & McpSettings, stateFolder: string | undefined, warn: (message: string) => void) {
  const { url, key, tenant, sourceName } = settings;
  const emitter = new AuditEmitter({
    transport: createHttpTransport({ url, key, via: "mcp" }),
    spool: {
      directory: settings.spoolDirectory ?? defaultSpool(url, stateFolder),
      onProblem: ({ code, message }) => warn(`${code}: ${message}`),
    },
    source: { name: sourceName },
    deadlineMs: STORE_DEADLINE_MS,
    // The starts and stops of a source are told by an actor that a key of an agent may not write for.
    lifecycle: false,
    logger: false,
    ...(tenant === undefined ? {} : { tenant }),
  });
  return { log: createEmitterLog(emitter), close: () => emitter.close() };
}

/** A folder for each server: what one of them is away for must not go to another. */
function defaultSpool(url: string, stateFolder: string | undefined): string {
  const name = createHash("sha256").update(url).digest("hex").slice(0, 16);
  return join(stateFolder ?? join(homedir(), ".local", "state"), "vouchtrail", "mcp", name);
}

function openPostgres({ databaseUrl, tenant }: PostgresSettings & McpSettings) {
  const log = createOutboxLog((onLost) => connectToPostgres(databaseUrl, onLost), tenant);
  return { log, close: () => log.close() };
}

interface PgModule {
  readonly default: {
    readonly Client: new (config: {
      connectionString: string;
      application_name: string;
      connectionTimeoutMillis: number;
    }) => OutboxConnection & { connect(): Promise<void>; on(event: "error" | "end", listener: () => void): void };
  };
}

async function connectToPostgres(connectionString: string, onLost: () => void): Promise<OutboxConnection> {
  let pg: PgModule;
  try {
    // Named apart, because only who uses PostgreSQL has it.
    const name = "pg";
    pg = (await import(name)) as PgModule;
  } catch (cause) {
    throw new AuditError("CONFIG_INVALID", {
      cause,
      message: "AUDIT_BACKEND=postgres needs the package pg. Install it beside mcp-audit-logger: npm install pg.",
    });
  }
  const client = new pg.default.Client({
    connectionString,
    application_name: "mcp-audit-logger",
    connectionTimeoutMillis: STORE_DEADLINE_MS,
  });
  client.on("error", onLost);
  client.on("end", onLost);
  await client.connect();
  return client;
}
