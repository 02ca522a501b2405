import { constants, type Dirent } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { parseTilePath } from "@vouchtrail/protocol";
import { isMissing, TEMPORARY_SUFFIX } from "../ledger/file-system.ts";
import { CHECKPOINT_FILE, parseSegmentName, SEGMENTS_FOLDER, TILES_FOLDER, VKEY_FILE } from "../ledger/layout.ts";
import { NOTE_FILE_BYTES_MAX } from "./limits.ts";
import type { Findings } from "./verify-report.ts";

/** What stands in a ledger folder, by name only. */
export interface LedgerFiles {
  /** Undefined where there is no such file. */
  readonly vkey: Buffer | undefined;
  readonly checkpoint: Buffer | undefined;
  /** First indexes of the segments, ascending. */
  readonly segments: readonly number[];
  /** Numbers of the full tiles by level. */
  readonly tiles: ReadonlyMap<number, Set<number>>;
}

/**
 * Finds the ledger folder that a path means: the folder itself, the `ledger` folder above it, or a data directory. A folder that should hold
 * a ledger but is empty is found too: that it is empty is for the verification to say.
 *
 * @throws {AuditError} `NOT_FOUND`, `DATA_UNREADABLE`. Rule: VERDICT-3.
 */
export async function findLedgerFolder(path: string): Promise<string> {
  const candidates = [path, join(path, "main"), join(path, "ledger", "main")];
  for (const folder of candidates) {
    const names = await listNames(folder);
    if (names?.some((name) => name === VKEY_FILE || name === CHECKPOINT_FILE || name === SEGMENTS_FOLDER)) return folder;
  }
  for (const folder of candidates.slice(1)) if ((await listNames(folder)) !== undefined) return folder;
  throw new AuditError("NOT_FOUND", {
    message: `There is no ledger in ${path}. Name a data directory, or a folder that holds segments and a vkey.`,
  });
}

async function listNames(folder: string): Promise<readonly string[] | undefined> {
  return (await list(folder))?.map(({ name }) => name);
}

async function list(folder: string): Promise<readonly Dirent[] | undefined> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && "code" in error && error.code === "ENOTDIR")) return undefined;
    throw unreadable(folder, error);
  }
}

/** The error for what the operating system refuses to read: not damage, the verification just cannot be made. */
export function unreadable(path: string, cause: unknown): AuditError {
  return new AuditError("DATA_UNREADABLE", { message: `${path} cannot be read. Check owner and permissions.`, cause });
}

/** Lists a ledger folder and names everything that does not belong there. Undefined when there is no such folder. Rule: VERDICT-8. */
export async function listLedgerFiles(folder: string, findings: Findings): Promise<LedgerFiles | undefined> {
  const top = await list(folder);
  if (top === undefined) return undefined;
  const stranger = (entry: Dirent, path: string): void => {
    if (entry.isFile() && entry.name.endsWith(TEMPORARY_SUFFIX)) {
      findings.note("TEMPORARY_FILE", `${path} was left over by a write that did not finish; nothing refers to it.`, { file: path });
    } else findings.alarm("STRANGE_FILE", `${path} does not belong into a ledger folder, and no proof covers it.`, { file: path });
  };

  // Tiles before the checkpoint and that before the segments: what is listed first was durable first, should a server be writing.
  const tiles = new Map<number, Set<number>>();
  const hasTiles = top.some((entry) => entry.name === TILES_FOLDER && entry.isDirectory());
  if (hasTiles) await listTiles(folder, TILES_FOLDER, tiles, stranger);

  let vkey: Buffer | undefined;
  let checkpoint: Buffer | undefined;
  const segments: number[] = [];
  for (const entry of top) {
    if (entry.isFile() && entry.name === VKEY_FILE) vkey = await readSmallFile(join(folder, VKEY_FILE));
    else if (entry.isFile() && entry.name === CHECKPOINT_FILE) checkpoint = await readSmallFile(join(folder, CHECKPOINT_FILE));
    else if (!entry.isDirectory() || (entry.name !== SEGMENTS_FOLDER && entry.name !== TILES_FOLDER)) stranger(entry, entry.name);
  }
  for (const entry of (await list(join(folder, SEGMENTS_FOLDER))) ?? []) {
    const first = entry.isFile() ? parseSegmentName(entry.name) : undefined;
    if (first === undefined || !Number.isSafeInteger(first)) stranger(entry, `${SEGMENTS_FOLDER}/${entry.name}`);
    else segments.push(first);
  }
  segments.sort((left, right) => left - right);
  return { vkey, checkpoint, segments, tiles };
}

async function listTiles(
  folder: string,
  path: string,
  tiles: Map<number, Set<number>>,
  stranger: (entry: Dirent, path: string) => void,
): Promise<void> {
  for (const entry of (await list(join(folder, path))) ?? []) {
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory()) {
      await listTiles(folder, inner, tiles, stranger);
      continue;
    }
    const name = entry.isFile() ? readTileName(inner) : undefined;
    if (name === undefined) {
      stranger(entry, inner);
      continue;
    }
    const level = tiles.get(name.level) ?? new Set<number>();
    tiles.set(name.level, level);
    level.add(name.n);
  }
}

/** Only full hash tiles are kept on disk. */
function readTileName(path: string): { level: number; n: number } | undefined {
  try {
    const { level, n, width } = parseTilePath(path);
    return level === "entries" || width !== 256 ? undefined : { level, n };
  } catch {
    // Any other name: the caller says that it is strange.
    return undefined;
  }
}

async function readSmallFile(path: string): Promise<Buffer | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY);
    try {
      const buffer = Buffer.alloc(Math.min((await stat(path)).size, NOTE_FILE_BYTES_MAX));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(path, error);
  }
}
