import { readFile } from "node:fs/promises";
import { CommandError } from "./command-error.ts";

/** The value of `--vkey`: a key as text, or the file that holds it. @throws {CommandError} */
export async function vkeyOf(written: string): Promise<string> {
  if (/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(written)) return written;
  try {
    return (await readFile(written, "utf8")).trim();
  } catch (cause) {
    throw new CommandError(`--vkey ${written} is neither a verifier key (name+id+key) nor a file that can be read.`, { cause });
  }
}
