import { randomBytes } from "node:crypto";
import { lstatSync, renameSync, writeFileSync } from "node:fs";
import { link, lstat, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { LOCK_ANSWER_WAIT_MS, LOCK_ATTEMPTS_MAX, SOCKET_FOLDER_BYTES_MAX } from "./limits.ts";
import type { DataLock } from "./lock.ts";

const FOLDER = "lock";
const GENERATION_PATTERN = /^[1-9]\d{0,14}$/;
const TEMPORARY_SUFFIX = ".tmp";
/** What systems say of a file system that has no sockets, or no second names for them. */
const UNSUPPORTED_CODES: ReadonlySet<string> = new Set(["EOPNOTSUPP", "ENOTSUP", "EPERM", "EINVAL", "ENOSYS", "EMLINK"]);

/**
 * Takes a data directory with a socket in it, without native code. The kernel answers for a socket as long as its process lives, whatever that process
 * does, and not a moment longer; process ids and times play no part in it.
 *
 * `lock/` holds generations: the sockets `1`, `2`, `3` … Invariants:
 *
 * - The newest generation decides: the directory is taken while a process listens there.
 * - A generation is added only behind one that was dead, by giving a second name to a socket that listens already. The file system gives a name to
 *   one process only, and a socket that is dead stays dead.
 * - The newest generation is never removed, so that nobody who looked long ago can use its number again: after giving itself a number, a process
 *   looks once more, and withdraws if there is a newer one.
 * - Given back, a generation becomes an ordinary file, which is dead and which programs can copy.
 *
 * *Trusted* as the folder is: whoever may write there can take the lock away, and could change the ledger as well.
 *
 * @returns Undefined where the file system has no sockets.
 * @throws {AuditError} `LEDGER_LOCKED`, `DATA_UNREADABLE`, `DISK_FULL`. Rule: SDK-64.
 */
export async function lockWithSocket(directory: string): Promise<DataLock | undefined> {
  const folder = join(resolve(directory), FOLDER);
  let address: Address | undefined;
  try {
    await makeFolder(folder);
    address = await addressOf(folder);
    for (let attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt++) {
      const lock = await tryLock(directory, folder, address.path);
      if (lock !== undefined) return lock;
    }
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof AuditError) throw error;
    if (UNSUPPORTED_CODES.has(code)) return undefined;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new AuditError("DISK_FULL", { message: `There is no space left for ${folder}. Free some and start again.`, cause: error });
    throw new AuditError("DATA_UNREADABLE", { message: `${folder} cannot be used (${code}). Check owner and permissions.`, cause: error });
  } finally {
    await address?.remove();
  }
  // So many processes try at the same time that each meets another one's traces.
  throw locked(directory, undefined);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** Undefined if another process was faster at some step: then everything is looked at again. */
async function tryLock(directory: string, folder: string, address: string): Promise<DataLock | undefined> {
  const newest = await newestGeneration(folder);
  if (newest > 0) {
    const holder = await stateOf(folder, address, newest);
    if (holder.state === "alive") throw locked(directory, holder.pid);
    if (holder.state === "unknown") return undefined;
  }
  const temporary = `${process.pid}-${randomBytes(6).toString("hex")}${TEMPORARY_SUFFIX}`;
  const generation = newest + 1;
  const server = await listen(join(address, temporary));
  let isTaken = false;
  try {
    await link(join(folder, temporary), join(folder, String(generation)));
    isTaken = (await newestGeneration(folder)) === generation;
  } catch (error) {
    // Somebody else has this number, or took the temporary name for a left-over.
    if (codeOf(error) !== "EEXIST" && codeOf(error) !== "ENOENT") throw error;
  } finally {
    await rm(join(folder, temporary), { force: true });
    if (!isTaken) server.close();
  }
  if (!isTaken) return undefined;
  const { ino } = await lstat(join(folder, String(generation)), { bigint: true });
  await removeLeftOvers(folder, address, generation);
  return { release: () => giveBack(join(folder, String(generation)), ino, server) };
}

async function newestGeneration(folder: string): Promise<number> {
  const names = await readdir(folder);
  return Math.max(0, ...names.filter((name) => GENERATION_PATTERN.test(name)).map(Number));
}

/** A socket that listens, and tells everybody who connects which process it is of. It keeps no process alive. */
function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.unref();
    socket.end(`${process.pid}\n`);
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // Exclusive: the workers of a cluster would otherwise listen through their parent, and the lock would outlive them.
    server.listen({ path, exclusive: true }, () => {
      server.off("error", reject);
      // A connection that cannot be accepted is no reason to end a process.
      server.on("error", () => undefined);
      resolve(server);
    });
  });
}

type Holder = { readonly state: "alive"; readonly pid: number | undefined } | { readonly state: "dead" } | { readonly state: "unknown" };

/** What was given back is dead, and not asked: it may be another user's file, who ran a command of the operator. */
async function stateOf(folder: string, address: string, generation: number): Promise<Holder> {
  try {
    if ((await lstat(join(folder, String(generation)))).isFile()) return { state: "dead" };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { state: "unknown" };
    throw error;
  }
  return ask(join(address, String(generation)));
}

/** Asks the kernel whether a process listens there, and the process who it is. One that is stopped does not answer, but is alive. */
function ask(path: string): Promise<Holder> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isConnected = false;
    const settle = (holder: Holder): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(holder);
    };
    socket.setEncoding("utf8");
    socket.on("connect", () => {
      isConnected = true;
      timer = setTimeout(() => settle({ state: "alive", pid: undefined }), LOCK_ANSWER_WAIT_MS);
    });
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) settle({ state: "alive", pid: Number.parseInt(text, 10) || undefined });
    });
    // It ended while it was asked, or it can accept nothing now: the next question tells.
    socket.on("end", () => settle({ state: "unknown" }));
    socket.on("error", (error) => {
      const code = codeOf(error);
      if (isConnected || code === "ENOENT" || code === "ECONNRESET") settle({ state: "unknown" });
      else if (code === "ECONNREFUSED" || code === "ENOTSOCK") settle({ state: "dead" });
      // So many wait for an answer that no more may ask: there is somebody who does not give it.
      else if (code === "EAGAIN") settle({ state: "alive", pid: undefined });
      else reject(error);
    });
  });
}

/**
 * What earlier holders and processes that were killed while they tried left behind. The generation before this one stays: whoever reads the folder at
 * this moment finds at least one of two numbers that no longer change. What cannot be removed harms nobody.
 */
async function removeLeftOvers(folder: string, address: string, generation: number): Promise<void> {
  try {
    for (const name of await readdir(folder)) {
      const isOld = GENERATION_PATTERN.test(name) && Number(name) < generation - 1;
      // A temporary name that is alive belongs to a process that tries right now.
      const isDead = name.endsWith(TEMPORARY_SUFFIX) && (await ask(join(address, name))).state === "dead";
      if (isOld || isDead) await rm(join(folder, name), { force: true });
    }
  } catch {
    // Tried again by the next holder.
  }
}

function giveBack(path: string, ino: bigint, server: Server): void {
  const temporary = `${path}-${randomBytes(6).toString("hex")}${TEMPORARY_SUFFIX}`;
  try {
    // Not if the folder was removed and made anew meanwhile: then the name is another holder's. The number of a socket that is open is not used again.
    if (lstatSync(path, { bigint: true }).ino === ino) {
      writeFileSync(temporary, "", { flag: "wx", mode: 0o600 });
      renameSync(temporary, path);
    }
  } catch {
    // The folder is gone or full. The socket dies all the same.
  }
  server.close();
}

/** A way to the folder that is short enough for the address of a socket. */
interface Address {
  readonly path: string;
  remove(): Promise<void>;
}

async function addressOf(folder: string): Promise<Address> {
  if (Buffer.byteLength(folder) <= SOCKET_FOLDER_BYTES_MAX) return { path: folder, remove: async () => undefined };
  const shortcut = await mkdtemp(join(tmpdir(), "vt-"));
  await symlink(folder, join(shortcut, "d"));
  return { path: join(shortcut, "d"), remove: () => rm(shortcut, { recursive: true, force: true }) };
}

function locked(directory: string, pid: number | undefined): AuditError {
  const holder = pid === undefined ? "Another process" : pid === process.pid ? `Process ${pid}, which is this one,` : `Process ${pid}`;
  return new AuditError("LEDGER_LOCKED", { message: `${holder} has ${directory} open. Stop it, or use another --data.` });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
