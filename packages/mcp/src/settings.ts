import { AuditError } from "@vouchtrail/events";
import { AGENT_CHARS_MAX, SOURCE_CHARS_MAX } from "./limits.ts";

export const DEFAULT_URL = "http://127.0.0.1:7431";
export const DEFAULT_AGENT = "mcp-client";

export interface ServerSettings {
  readonly backend: "server";
  readonly url: string;
}
export interface PostgresSettings {
  readonly backend: "postgres";
  readonly databaseUrl: string;
  /** Absent: events can only be written. */
  readonly url: string | undefined;
}

/** What `mcp-audit-logger` is told by its environment. */
export type McpSettings = (ServerSettings | PostgresSettings) & {
  readonly agent: string;
  readonly isAgentNamed: boolean;
  readonly sourceName: string;
  readonly key: string | undefined;
  readonly tenant: string | undefined;
  readonly spoolDirectory: string | undefined;
};

/**
 * Reads the settings. Empty variables count as absent, and so does what a client did not fill in, such as `${AGENT_ID}`.
 *
 * @throws {AuditError} `CONFIG_INVALID` with the name of the variable and what to write instead. Never holds a value that may be a secret. Rules: MCP-14, MCP-15.
 */
export function readSettings(variables: Readonly<Record<string, string | undefined>>): McpSettings {
  const get = (...names: readonly string[]): string | undefined =>
    names.map((name) => variables[name]).find((value) => value !== undefined && value !== "" && !/^\$\{[^}]*\}$/.test(value));
  const agent = get("AGENT_ID");
  if (agent !== undefined && (agent.length > AGENT_CHARS_MAX || /[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(agent)))
    throw invalid("AGENT_ID", `AGENT_ID is a name of 1 to ${AGENT_CHARS_MAX} characters without control characters.`);
  const url = get("AUDIT_LOG_URL", "VOUCHTRAIL_URL");
  if (url !== undefined) checkUrl(url);
  const common = {
    agent: agent ?? DEFAULT_AGENT,
    isAgentNamed: agent !== undefined,
    // A key that is bound to a source is bound to this name.
    sourceName: (get("VOUCHTRAIL_SOURCE") ?? agent ?? DEFAULT_AGENT).slice(0, SOURCE_CHARS_MAX).replace(/[\ud800-\udbff]$/, ""),
    key: get("AUDIT_TOKEN", "VOUCHTRAIL_KEY"),
    tenant: get("VOUCHTRAIL_TENANT"),
    spoolDirectory: get("VOUCHTRAIL_SPOOL"),
  };
  const backend = get("AUDIT_BACKEND") ?? "server";
  const databaseUrl = get("AUDIT_DATABASE_URL");
  if (backend === "server") return { ...common, backend, url: url ?? DEFAULT_URL };
  if (backend !== "postgres")
    throw invalid(
      "AUDIT_BACKEND",
      "AUDIT_BACKEND is server or postgres. Leave it out and set AUDIT_LOG_URL to write to a Vouchtrail server; with postgres, events go to the outbox in AUDIT_DATABASE_URL.",
    );
  if (databaseUrl === undefined)
    throw invalid("AUDIT_DATABASE_URL", "AUDIT_BACKEND=postgres needs AUDIT_DATABASE_URL, such as postgres://audit@127.0.0.1/app.");
  if (!/^postgres(?:ql)?:\/\//.test(databaseUrl))
    throw invalid("AUDIT_DATABASE_URL", "AUDIT_DATABASE_URL begins with postgres:// or postgresql://.");
  return { ...common, backend, databaseUrl, url };
}

function checkUrl(url: string): void {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw invalid("AUDIT_LOG_URL", `AUDIT_LOG_URL is no URL. Write it as ${DEFAULT_URL}.`);
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    throw invalid("AUDIT_LOG_URL", `AUDIT_LOG_URL is no URL of a server. Write it as ${DEFAULT_URL}.`);
  if (parsed.username !== "" || parsed.password !== "") throw invalid("AUDIT_LOG_URL", "A URL holds no key. Put it into AUDIT_TOKEN.");
}

function invalid(path: string, message: string): AuditError {
  return new AuditError("CONFIG_INVALID", { path, message });
}
