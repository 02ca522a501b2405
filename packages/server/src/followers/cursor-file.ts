import { join } from "node:path";
import { AuditError } from "@vouchtrail/events/errors";
import { decodeBase64 } from "@vouchtrail/protocol";
import type { Floor } from "../ledger/file-ledger.ts";
import { type FileSystem, listOrNone, readOrMissing, replaceFile } from "../ledger/file-system.ts";
import type { Cursor, CursorStore } from "./cursor.ts";

/** The version of the file's form. */
const FORMAT = "vouchtrail-cursor/1";
const SUFFIX = ".json";
/** Bytes of SHA-256. */
const HASH_BYTES = 32;

/**
 * Keeps a cursor in a file of its own, `followers/<name>.json`, for stores without transactions. It is replaced whole and synced, after what
 * it stands for is durable in the store.
 *
 * *Untrusted*: it is compared with the ledger before it is followed; a wrong one stops the follower. Losing it means following again from the
 * first entry. So a missing file is a beginning, but a damaged one is an error: it stands for entries that were delivered, and to begin again
 * would deliver them twice to somebody who did not ask for it. Rule: FOLLOW-16.
 */
export function createFileCursorStore(fileSystem: FileSystem, path: string): Required<CursorStore> {
  return {
    async load() {
      const bytes = await readOrMissing(fileSystem, path);
      if (bytes === undefined) return undefined;
      const cursor = parseCursor(bytes);
      if (cursor !== undefined) return cursor;
      throw new AuditError("DATA_UNREADABLE", {
        message: `${path} is damaged. Restore it from a copy, or remove it to follow again from the first entry.`,
      });
    },
    async save({ origin, next, leafHash }) {
      const content = leafHash === undefined ? { format: FORMAT, origin, next } : { format: FORMAT, origin, next, leafHash };
      await replaceFile(fileSystem, path, Buffer.from(`${JSON.stringify(content)}\n`), 0o600);
    },
  };
}

/**
 * What the followers with a cursor file have read of a ledger, for the check at start that the ledger is not shorter than that. A damaged file
 * is passed over here: its own follower tells, and the ledger is not to stay closed because of it. Rule: FOLLOW-17.
 *
 * @param directory `followers/` of the data directory. Other files there are no cursors and are left alone.
 */
export async function readFloors(
  fileSystem: Pick<FileSystem, "list" | "readFile">,
  directory: string,
  origin: string,
): Promise<readonly Floor[]> {
  const floors: Floor[] = [];
  for (const file of (await listOrNone(fileSystem, directory)).toSorted()) {
    if (!file.endsWith(SUFFIX)) continue;
    const bytes = await readOrMissing(fileSystem, join(directory, file));
    const cursor = bytes === undefined ? undefined : parseCursor(bytes);
    if (cursor?.origin !== origin) continue;
    floors.push({ name: `the follower ${file.slice(0, -SUFFIX.length)}`, next: cursor.next });
  }
  return floors;
}

/** Undefined unless the bytes are exactly what is written. */
function parseCursor(bytes: Buffer): Cursor | undefined {
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) return undefined;
  const { format, origin, next, leafHash, ...strangers } = content as Record<string, unknown>;
  if (format !== FORMAT || Object.keys(strangers).length > 0) return undefined;
  if (typeof origin !== "string" || origin === "") return undefined;
  if (typeof next !== "number" || !Number.isSafeInteger(next) || next < 0) return undefined;
  if (next === 0) return leafHash === undefined ? { origin, next } : undefined;
  return typeof leafHash === "string" && isHash(leafHash) ? { origin, next, leafHash } : undefined;
}

function isHash(text: string): boolean {
  try {
    return decodeBase64(text).length === HASH_BYTES;
  } catch {
    return false;
  }
}
