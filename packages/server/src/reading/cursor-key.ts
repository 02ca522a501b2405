import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type FileSystem, nodeFileSystem, readOrMissing, replaceFile } from "../ledger/file-system.ts";
import { CURSOR_KEY_BYTES } from "./limits.ts";

/** Where the key stands, below `secrets/`. */
export const CURSOR_KEY_FILE = "cursor.key";
const FORM = /^[A-Za-z0-9_-]{43}$/;

/**
 * The key that authenticates cursors, from `secrets/cursor.key` (0600): 32 bytes as base64url and a line feed. It is made at the first start, and
 * anew when the file holds something else: only the cursors that clients still hold end with it.
 *
 * A key that cannot be stored is used all the same: a full disk must not keep what is stored from being read.
 *
 * @param onNotStored Told why cursors will end with this process. Rule: READING-6.
 */
export async function loadCursorKey(
  secretsDirectory: string,
  { fileSystem = nodeFileSystem, onNotStored = () => {} }: { fileSystem?: FileSystem; onNotStored?: (error: unknown) => void } = {},
): Promise<Uint8Array> {
  const path = join(secretsDirectory, CURSOR_KEY_FILE);
  try {
    const text = (await readOrMissing(fileSystem, path))?.toString("latin1").trim();
    if (text !== undefined && FORM.test(text)) return Buffer.from(text, "base64url");
  } catch (error) {
    // It is there and cannot be read: replacing it would hide that from whoever looks after the permissions.
    onNotStored(error);
    return randomBytes(CURSOR_KEY_BYTES);
  }
  const key = randomBytes(CURSOR_KEY_BYTES);
  try {
    await fileSystem.makeDirectory(secretsDirectory, 0o700);
    await replaceFile(fileSystem, path, Buffer.from(`${key.toString("base64url")}\n`), 0o600);
  } catch (error) {
    onNotStored(error);
  }
  return key;
}
