import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { SPOOL_IDLE_MS } from "./limits.ts";
import { systemCode } from "./spool-failure.ts";

/** One spool in one process: who holds a file. It stands in the names of files, so that also an empty or damaged one tells whose it is. */
export interface SpoolHolder {
  /** Eight hexadecimal digits of the hash of the name of the host. */
  readonly host: string;
  readonly pid: number;
  /** When the process started, in ticks since the host did: tells a process from a later one with its id. Zero where that is not known. */
  readonly startTicks: string;
  /** All of it, with a random part, as it stands in names. */
  readonly text: string;
}

export const HOLDER_PATTERN = "[0-9a-f]{8}-[0-9]{1,10}-[0-9]{1,20}-[0-9a-f]{16}";

const UNKNOWN_TICKS = "0";

/** This process; each call is a holder of its own. */
export async function createHolder(hostName: string = hostname()): Promise<SpoolHolder> {
  const host = createHash("sha256").update(hostName).digest("hex").slice(0, 8);
  const startTicks = (await readProcess(process.pid))?.startTicks ?? UNKNOWN_TICKS;
  const text = `${host}-${process.pid}-${startTicks}-${randomBytes(8).toString("hex")}`;
  return { host, pid: process.pid, startTicks, text };
}

/** Reads a text that matches {@link HOLDER_PATTERN}. */
export function parseHolder(text: string): SpoolHolder {
  const [host = "", pid = "", startTicks = ""] = text.split("-");
  return { host, pid: Number(pid), startTicks, text };
}

/**
 * Whether a file of `holder` may be taken over: its process has ended or, where that cannot be asked (on another host, in another thread of this process,
 * without start times), the file did not change for ten minutes.
 *
 * A guess that may be wrong, never a lock: taking over is safe also when the process lives. Rule: SDK-14.
 *
 * @param unchangedMs Milliseconds since the file was written to or renamed.
 */
export async function isHolderEnded(holder: SpoolHolder, current: SpoolHolder, unchangedMs: number): Promise<boolean> {
  const isIdle = unchangedMs >= SPOOL_IDLE_MS;
  if (holder.host !== current.host) return isIdle;
  if (holder.pid === current.pid && holder.startTicks === current.startTicks) return isIdle;
  if (!isRunning(holder.pid)) return true;
  if (holder.startTicks === UNKNOWN_TICKS) return isIdle;
  const found = await readProcess(holder.pid);
  if (found === undefined) return isIdle;
  return found.isDead || found.startTicks !== holder.startTicks;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user lives as well.
    return systemCode(error) !== "ESRCH";
  }
}

/** What Linux tells of a process; undefined elsewhere. */
async function readProcess(pid: number): Promise<{ readonly startTicks: string; readonly isDead: boolean } | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "latin1");
    // The name of the program, in parentheses, may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const startTicks = fields[19] ?? "";
    return /^[0-9]{1,20}$/.test(startTicks) ? { startTicks, isDead: fields[0] === "Z" || fields[0] === "X" } : undefined;
  } catch {
    return undefined;
  }
}
