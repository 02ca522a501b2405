import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The file that names the one that is being opened, a line for each time that this ended the process. */
const FILE = "opening";
/** How often that may happen before a file is taken for damaged: a kill from outside must not cost a good file. */
const OPENINGS_MAX = 2;

/**
 * Remembers which index file was being opened when the process ended: a damaged one can do that to it every time.
 *
 * *Untrusted*: losing it costs further attempts, a wrong one costs a file that is made anew.
 */
export interface Suspects {
  /** Names of files that are not to be opened once more. */
  readonly refused: ReadonlySet<string>;
  /** Told before a file is opened, and with undefined after. Never rejects: without the note the worst is one more attempt. */
  note(file: string | undefined): Promise<void>;
}

export async function openSuspects(directory: string): Promise<Suspects> {
  const path = join(directory, FILE);
  const text = await readFile(path, "utf8").catch(() => "");
  const counts = new Map<string, number>();
  for (const name of text.split("\n").filter((line) => line !== "")) counts.set(name, (counts.get(name) ?? 0) + 1);
  return {
    refused: new Set([...counts].filter(([, count]) => count >= OPENINGS_MAX).map(([name]) => name)),
    async note(file) {
      try {
        if (file === undefined) await rm(path, { force: true, recursive: true });
        else await writeFile(path, `${file}\n`.repeat((counts.get(file) ?? 0) + 1), { mode: 0o600 });
      } catch {
        // A full disk, or a name that is taken.
      }
    },
  };
}
