import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that hold the session of the agent that starts the proxy, read in this order. */
const SESSION_VARIABLES = ["CLAUDE_CODE_SESSION_ID", "CLAUDE_SESSION_ID", "SESSION_ID"];

/** What a run of the proxy takes from its environment. */
export interface RunSettings {
  /** The agent that the user named in `AGENT_ID`. */
  readonly agentId: string | undefined;
  /** The session of the agent. */
  readonly sessionId: string | undefined;
  readonly tenant: string | undefined;
  /** `VOUCHTRAIL_STATE`, else `vouchtrail` in `XDG_STATE_HOME` or `~/.local/state`. */
  readonly stateFolder: string;
  /** `VOUCHTRAIL_SPOOL`, else a folder for each trail in the state folder: what waits for one trail is never told to another. */
  readonly spoolFolder: string;
}

/** @param home The home folder of the user. @param trailUrl The base URL of the trail. */
export function readRunSettings(environment: Environment, home: string, trailUrl: string): RunSettings {
  const get = (...names: readonly string[]): string | undefined =>
    names.map((name) => environment[name]).find((value) => value !== undefined && value !== "");
  const stateFolder = get("VOUCHTRAIL_STATE") ?? join(get("XDG_STATE_HOME") ?? join(home, ".local", "state"), "vouchtrail");
  const { host, pathname } = new URL(trailUrl);
  const place = `${host}${pathname === "/" ? "" : pathname}`.replace(/[^A-Za-z0-9.-]/g, "_");
  return {
    agentId: get("AGENT_ID"),
    sessionId: get(...SESSION_VARIABLES),
    tenant: get("VOUCHTRAIL_TENANT"),
    stateFolder,
    spoolFolder: get("VOUCHTRAIL_SPOOL") ?? join(stateFolder, "mcp-proxy", "spool", place),
  };
}

/** The environment of the server behind the proxy: without the key of the trail, which would let the server write to the record of what it does. */
export function serverEnvironment(environment: Environment): Record<string, string | undefined> {
  const { VOUCHTRAIL_KEY: _key, ...rest } = environment;
  return rest;
}
