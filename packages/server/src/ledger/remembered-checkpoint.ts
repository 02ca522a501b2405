import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { type FileSystem, isMissing, nodeFileSystem, replaceFile } from "./file-system.ts";

/**
 * Checkpoints kept outside the data directory, so that an older copy put back, a cut tail or a deleted ledger is noticed. One signed note an
 * origin, and one origin a place (data directory or URL).
 *
 * *Untrusted* as far as it goes: it is on the same machine unless the folder is elsewhere, which is why a verdict that rests on it says "local".
 */
export interface RememberedCheckpoints {
  load(origin: string): Promise<string | undefined>;
  save(origin: string, note: string): Promise<void>;
  /** The origin that was last seen at a place. */
  originAt(place: string): Promise<string | undefined>;
  rememberPlace(place: string, origin: string): Promise<void>;
}

/** `$VOUCHTRAIL_STATE`, else the XDG state folder of the user. */
export function defaultStateFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const explicit = environment.VOUCHTRAIL_STATE;
  if (explicit !== undefined && explicit !== "") return explicit;
  const state = environment.XDG_STATE_HOME;
  return join(state !== undefined && state !== "" ? state : join(homedir(), ".local", "state"), "vouchtrail");
}

export function openRememberedCheckpoints(folder: string, fileSystem: FileSystem = nodeFileSystem): RememberedCheckpoints {
  const nameOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);
  const load = async (path: string): Promise<string | undefined> => {
    try {
      return (await fileSystem.readFile(path)).toString("utf8");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const save = async (kind: string, name: string, text: string): Promise<void> => {
    await fileSystem.makeDirectory(join(folder, kind), 0o700);
    await replaceFile(fileSystem, join(folder, kind, nameOf(name)), Buffer.from(text), 0o600);
  };
  return {
    load: (origin) => load(join(folder, "checkpoints", nameOf(origin))),
    save: (origin, note) => save("checkpoints", origin, note),
    originAt: (place) => load(join(folder, "places", nameOf(place))),
    rememberPlace: (place, origin) => save("places", place, origin),
  };
}
