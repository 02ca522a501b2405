import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, open, readFile, realpath, rename, rmdir, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError } from "../command-error.ts";
import { SETTINGS_BYTES_MAX } from "./limits.ts";

/** A settings file as it stands now. */
export interface SettingsFile {
  /** As it was named. */
  readonly path: string;
  /** Where it really is, behind links. */
  readonly target: string;
  /** Undefined when there is none. A byte order mark is part of it. */
  readonly text: string | undefined;
  /** Permission bits; those of a file that is made come from the umask. */
  readonly mode: number | undefined;
}

/** @throws {CommandError} It cannot be read, is no file, is longer than {@link SETTINGS_BYTES_MAX}, or is not UTF-8. */
export async function readSettingsFile(path: string): Promise<SettingsFile> {
  let target: string;
  try {
    target = await realpath(path);
  } catch (cause) {
    if (!isMissing(cause)) throw new CommandError(`${path} cannot be read. Check owner and permissions.`, { cause });
    if (await isThere(path)) throw new CommandError(`${path} is a link that leads nowhere. Remove it or make what it points to.`);
    return { path, target: join(await realFolder(dirname(path)), basename(path)), text: undefined, mode: undefined };
  }
  let bytes: Buffer;
  let mode: number;
  try {
    const found = await stat(target);
    if (!found.isFile()) throw new CommandError(`${path} is not a file. Name the settings with another --scope.`);
    if (found.size > SETTINGS_BYTES_MAX)
      throw new CommandError(`${path} is longer than ${SETTINGS_BYTES_MAX} bytes: it is no settings file.`);
    mode = found.mode & 0o7777;
    bytes = await readFile(target);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`${path} cannot be read. Check owner and permissions.`, { cause });
  }
  try {
    return { path, target, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), mode };
  } catch (cause) {
    throw new CommandError(`${path} is not UTF-8. Nothing was written; save it as UTF-8 and run this again.`, { cause });
  }
}

/**
 * Replaces a settings file in one step: a crash leaves the old text or the new one. Mode and links stay.
 *
 * @returns The folders that had to be made, outermost first.
 * @throws {CommandError} It changed since it was read, or cannot be written.
 */
export async function writeSettingsFile(file: SettingsFile, text: string): Promise<readonly string[]> {
  await checkUnchanged(file);
  const temporary = `${file.target}.${process.pid}.tmp`;
  try {
    const first = await mkdir(dirname(file.target), { recursive: true });
    const handle = await open(temporary, "wx", file.mode ?? 0o644);
    try {
      await handle.writeFile(text);
      if (file.mode !== undefined) await chmod(temporary, file.mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file.target);
    return first === undefined ? [] : foldersFrom(first, dirname(file.target));
  } catch (cause) {
    await unlink(temporary).catch(() => {}); // What made the writing fail is the error to tell.
    throw new CommandError(`${file.path} cannot be written. Check owner, permissions and free space.`, { cause });
  }
}

/** Deletes a settings file, and those of the folders that are empty then. @throws {CommandError} as `writeSettingsFile`. */
export async function deleteSettingsFile(file: SettingsFile, folders: readonly string[]): Promise<void> {
  await checkUnchanged(file);
  try {
    await unlink(file.target);
  } catch (cause) {
    throw new CommandError(`${file.path} cannot be deleted. Check owner and permissions.`, { cause });
  }
  for (const folder of folders.toReversed()) {
    try {
      await rmdir(folder);
    } catch {
      return; // Something else is in it.
    }
  }
}

/** The name under which something about a file is remembered. */
export function nameOfPath(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 32);
}

/** Somebody may have written while the question stood on the terminal. */
async function checkUnchanged(file: SettingsFile): Promise<void> {
  const now = await readSettingsFile(file.path);
  if (now.text !== file.text || now.target !== file.target)
    throw new CommandError(`${file.path} was changed meanwhile by something else. Nothing was written; run this again.`);
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    if (!isMissing(cause)) throw new CommandError(`${folder} cannot be read. Check owner and permissions.`, { cause });
    const above = dirname(folder);
    return above === folder ? folder : join(await realFolder(above), basename(folder));
  }
}

function foldersFrom(first: string, last: string): string[] {
  const folders = [last];
  for (let folder = last; folder !== first && dirname(folder) !== folder; ) {
    folder = dirname(folder);
    folders.unshift(folder);
  }
  return folders;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
