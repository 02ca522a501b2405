import { chmod, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError } from "../command-error.ts";
import { CATALOG_FILE_BYTES_MAX, CATALOG_FILES_MAX } from "../limits.ts";

const SOURCE = /(?<!\.d)\.[cm]?[jt]sx?$/;
const TEST = /\.(?:test|spec)\.[cm]?[jt]sx?$/;
// What is made or installed is not edited by hand.
const LEFT_OUT = new Set(["node_modules", "dist", "build", "out", "coverage"]);

/**
 * Source files that may hold a catalog, below a folder: those that name `defineAuditEvents` or `logAudit`. Tests, hidden folders, and what is installed or built are left out.
 *
 * @returns Paths as they are reached from the working directory, sorted.
 */
export async function findCatalogFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const open = [folder];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      const path = join(next, entry.name);
      if (entry.isDirectory() && !entry.name.startsWith(".") && !LEFT_OUT.has(entry.name)) open.push(path);
      if (!entry.isFile() || !SOURCE.test(entry.name) || TEST.test(entry.name)) continue;
      count += 1;
      if (count > CATALOG_FILES_MAX)
        throw new CommandError(`${folder} holds more than ${CATALOG_FILES_MAX} source files. Name the file or a smaller folder.`);
      if ((await stat(path)).size <= CATALOG_FILE_BYTES_MAX && /\b(?:defineAuditEvents|logAudit)\b/.test(await readFile(path, "utf8")))
        found.push(path);
    }
  }
  return found.sort();
}

/** Reads a source file whole, as UTF-8. */
export async function readSource(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > CATALOG_FILE_BYTES_MAX)
      throw new CommandError(`${path} has more than ${CATALOG_FILE_BYTES_MAX} bytes: no catalog is that long.`);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new CommandError(`${path} does not exist. Name the file of the catalog with --file.`, { cause });
    throw new CommandError(`${path} cannot be read as text (${code ?? "not UTF-8"}).`, { cause });
  }
}

/** Writes a source file so that it is never there in part: a new file takes its place, with the rights of the old one. */
export async function writeSource(path: string, text: string): Promise<void> {
  const real = await realpath(path);
  const { mode } = await stat(real);
  const next = join(dirname(real), `.${basename(real)}.vouchtrail-${process.pid}`);
  try {
    await writeFile(next, text, { mode, flag: "wx" });
    // The mask of the process may have taken rights away.
    await chmod(next, mode);
    await rename(next, real);
  } catch (cause) {
    await rm(next, { force: true });
    throw new CommandError(`${path} cannot be written (${(cause as NodeJS.ErrnoException).code}). Nothing was changed.`, { cause });
  }
}
