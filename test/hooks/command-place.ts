import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AuditEvent, SearchPage } from "@vouchtrail/events";
import type { Ended, Served, Workplace } from "../e2e/cli-process.ts";

/** The built command: one file. */
export const COMMAND: string = fileURLToPath(new URL("../../packages/hook/dist/agent-audit-log.js", import.meta.url));

export interface CommandOptions {
  readonly args?: readonly string[];
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  /** The file that is run; the built command unless given. */
  readonly file?: string;
  /** Told of the process when it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  /** Leaves standard input open. */
  readonly isOpen?: boolean;
}

/** Runs the command as an agent does, with a home and a spool in the workplace. */
export async function runCommand(place: Workplace, options: CommandOptions): Promise<Ended> {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [options.file ?? COMMAND, ...(options.args ?? [])], {
    cwd: place.folder,
    env: { PATH, HOME: place.folder, AUDIT_SPOOL_DIR: place.path("spool"), ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}); // It may end without reading.
  if (options.isOpen === true) child.stdin.write(options.input ?? "");
  else child.stdin.end(options.input ?? "");
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  options.onStart?.(child);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** What an agent sees of a hook that decides nothing. */
export const UNSEEN = { code: 0, out: "", err: "" };

/** An address at which nothing answers: port 9 is never given out to a server of these tests. */
export const AWAY = "http://127.0.0.1:9";

/** Every file of the spool of a workplace, by its name, with its text. */
export function spoolFiles(place: Workplace): Map<string, string> {
  const files = new Map<string, string>();
  let names: string[] = [];
  try {
    names = readdirSync(place.path("spool"), { recursive: true, encoding: "utf8" });
  } catch {
    return files; // Nothing was kept.
  }
  for (const name of names) {
    if (!/\/(?:hook|draft|sending|rejected|dropped)/.test(name)) continue;
    files.set(name.slice(name.lastIndexOf("/") + 1), readFileSync(join(place.path("spool"), name), "utf8"));
  }
  return files;
}

/** The folder in which hooks for a server wait. */
export function spoolOf(place: Workplace, url: string): string {
  return join(place.path("spool"), new URL(url).host.replace(":", "_"));
}

/** What the trail holds under a filter, once the search has caught up. */
export async function eventsOf(server: Served, query: string): Promise<readonly AuditEvent[]> {
  const response = await fetch(`${server.url}/api/v1/events?${query}&limit=1000&wait=searchable`);
  const { events } = (await response.json()) as SearchPage;
  return events.map(({ event }) => event as AuditEvent);
}
