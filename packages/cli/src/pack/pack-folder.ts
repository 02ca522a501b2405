import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CommandError } from "../command-error.ts";
import { MANIFEST_FILE, PACK_PARTS, type PackPart } from "./pack-manifest.ts";

/** A file of a pack while it is written: what went in so far is hashed on the way. */
export interface PartWriter {
  write(text: string): Promise<void>;
  /** Writes out what is held back, and syncs. */
  close(): Promise<PackPart>;
}

/** A pack that is not finished. It has another name until it is, so that half a pack is never taken for one. */
export interface PackFolder {
  openPart(name: string): Promise<PartWriter>;
  /** Writes a part whole. */
  writePart(name: string, text: string): Promise<PackPart>;
  /** Gives the folder its name. */
  finish(): Promise<void>;
  /** Removes what was written, unless it is finished. */
  discard(): Promise<void>;
}

/** Characters gathered before a write: many lines at once. */
const WRITE_CHARS = 1_048_576;

/**
 * Makes the folder for a pack; only its owner can read it, because it holds what people did.
 *
 * @throws {CommandError} When there is something under this name already, or it cannot be written.
 */
export async function createPackFolder(path: string): Promise<PackFolder> {
  const wanted = resolve(path);
  const cannot = (cause: unknown): CommandError =>
    new CommandError(
      `${path} cannot be written: ${cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"}. Name another place with --output.`,
      { cause },
    );
  if (await exists(wanted)) throw new CommandError(`${path} is there already. Name a folder that is not, with --output.`);
  const folder = join(dirname(wanted), `.${basename(wanted)}.${randomBytes(4).toString("hex")}.unfinished`);
  const writing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw cannot(cause);
    }
  };
  await writing(() => mkdir(folder, { mode: 0o700 }));
  const handles = new Set<FileHandle>();
  let isFinished = false;

  async function openPart(name: string): Promise<PartWriter> {
    const handle = await writing(() => open(join(folder, name), "wx", 0o600));
    handles.add(handle);
    const hash = createHash("sha256");
    let bytes = 0;
    let held = "";
    async function flush(): Promise<void> {
      const chunk = Buffer.from(held);
      held = "";
      hash.update(chunk);
      bytes += chunk.length;
      await writing(() => handle.writeFile(chunk));
    }
    return {
      async write(text) {
        held += text;
        if (held.length >= WRITE_CHARS) await flush();
      },
      async close() {
        await flush();
        await writing(() => handle.sync());
        handles.delete(handle);
        await writing(() => handle.close());
        return { name, bytes, sha256: hash.digest("hex") };
      },
    };
  }

  return {
    openPart,
    async writePart(name, text) {
      const part = await openPart(name);
      await part.write(text);
      return part.close();
    },
    async finish() {
      // Whoever made something of this name meanwhile keeps it, unless it is an empty folder.
      await writing(() => rename(folder, wanted));
      isFinished = true;
    },
    async discard() {
      if (isFinished) return;
      for (const handle of handles) await handle.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether a path is the folder of a pack, or of what is left of one. */
export async function isPackFolder(path: string): Promise<boolean> {
  let names: readonly string[];
  try {
    names = await readdir(path);
  } catch {
    return false; // No folder at all: whoever asks goes on with what else it may be.
  }
  return [MANIFEST_FILE, PACK_PARTS.bundles, PACK_PARTS.checkpoints, PACK_PARTS.summary].some((name) => names.includes(name));
}

/** Whether something stands at the path, be it a link to nowhere. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return false;
    throw new CommandError(`${path} cannot be looked at. Check owner and permissions.`, { cause });
  }
}

/** SHA-256 of the bytes of a small file, and the bytes. */
export async function readPart(folder: string, name: string): Promise<{ bytes: Buffer; sha256: string }> {
  const bytes = await readFile(join(folder, name));
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}
