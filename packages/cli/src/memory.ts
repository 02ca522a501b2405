import { open, readFile, rename } from "node:fs/promises";
import { ProtocolError, parseCheckpoint, parseNote } from "@vouchtrail/protocol";
import type { RememberedCheckpoints } from "@vouchtrail/server";
import { CommandError } from "./command-error.ts";
import { EXIT } from "./exit-code.ts";

/** What was remembered about one place before it is verified, and where the newest checkpoint is kept afterwards. */
export interface Memory {
  readonly note: string | undefined;
  /** The origin last seen at this place. */
  readonly origin: string | undefined;
  /** Where it is kept, for people. */
  readonly where: string;
  /** Keeps a note, unless the one kept meanwhile is larger. Resolves with whether it is kept now. */
  remember(note: string): Promise<boolean>;
}

/** One remembered note in a file of its own: put it on another machine, and it says more than one kept beside the ledger. */
export async function openMemoryFile(file: string): Promise<Memory> {
  const load = async (): Promise<string | undefined> => {
    try {
      return await readFile(file, "utf8");
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw new CommandError(`The remembered checkpoint ${file} cannot be read.`, { exitCode: EXIT.notChecked, cause });
    }
  };
  return {
    note: await load(),
    origin: undefined,
    where: file,
    async remember(note) {
      if (!isAtLeast(note, await load())) return false;
      await replaceFile(file, note);
      return true;
    },
  };
}

/**
 * What the state folder knows about a place.
 *
 * @param place A data directory or URL, always written the same way.
 * @param origin The origin that stands there now, if it says so. What stood there before outranks it: its checkpoint is the one to compare with.
 */
export async function openMemoryOf(
  remembered: RememberedCheckpoints,
  folder: string,
  place: string,
  origin: string | undefined,
): Promise<Memory> {
  const before = await remembered.originAt(place);
  const known = before ?? origin;
  return {
    note: known === undefined ? undefined : await remembered.load(known),
    origin: before,
    where: `${folder} (on this machine: whoever rules it can change both)`,
    async remember(note) {
      const { origin: newOrigin } = parseCheckpoint(parseNote(note).text);
      await remembered.rememberPlace(place, newOrigin);
      if (!isAtLeast(note, await remembered.load(newOrigin))) return false;
      await remembered.save(newOrigin, note);
      return true;
    },
  };
}

/** Whether `note` covers at least as much as `kept`. Asked again right before writing: a running server remembers too. */
function isAtLeast(note: string, kept: string | undefined): boolean {
  if (kept === undefined) return true;
  try {
    return parseCheckpoint(parseNote(note).text).treeSize >= parseCheckpoint(parseNote(kept).text).treeSize;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** Replaces a file in one step, so that a crash leaves the old note or the new one. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    const handle = await open(temporary, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    throw new CommandError(`The checkpoint could not be remembered: ${file} cannot be written.`, { exitCode: EXIT.notChecked, cause });
  }
}
