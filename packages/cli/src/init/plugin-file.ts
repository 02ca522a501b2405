import { createHash } from "node:crypto";
import { CommandError } from "../command-error.ts";
import type { HookedAgent } from "./hooked-agent.ts";
import type { Installation, InstallMemory } from "./install-memory.ts";
import type { Plan } from "./installer.ts";
import { deleteSettingsFile, readSettingsFile, type SettingsFile, writeSettingsFile } from "./settings-file.ts";

/** A file that is a plugin as a whole. */
export interface PluginFile {
  readonly path: string;
  readonly agent: HookedAgent;
  /** How every text begins that `init` writes there. */
  readonly mark: string;
}

/**
 * Plans to write a plugin file. One of `init` itself that nobody has changed is replaced.
 *
 * @throws {CommandError} Something else stands there, or a plugin of `init` that was changed. Rule: INIT-12.
 */
export async function planPlugin(text: string, { path, agent, mark }: PluginFile, memory: InstallMemory): Promise<Plan> {
  const file = await readSettingsFile(path);
  if (file.text === text) return { file, text, kind: "unchanged", oddEvents: [], apply: async () => true };
  const known = await knownOf(file, agent, memory);
  if (file.text !== undefined && !isUnchanged(file.text, known))
    throw new CommandError(
      file.text.startsWith(mark)
        ? `${path} was changed since init wrote it. Nothing was written; delete it and run this again to have it anew.`
        : `${path} is not a file of init. Nothing was written; move it away and run this again.`,
    );
  return {
    file,
    text,
    kind: file.text === undefined ? "add" : "update",
    oddEvents: [],
    async apply() {
      const remember = (folders: readonly string[]): Promise<boolean> =>
        memory.save(file.target, installationOf(file, text, agent, folders));
      const folders = known?.folders ?? [];
      // First what undoes it, as with settings.
      const isRemembered = await remember(folders);
      const made = await writeSettingsFile(file, text);
      return made.length === 0 ? isRemembered : remember([...made, ...folders]);
    },
  };
}

/**
 * Plans to remove a plugin file.
 *
 * @param written What `init` would write now: a file that is the same goes without a memory too.
 * @throws {CommandError} It is a plugin of `init` that was changed. Rule: INIT-12.
 */
export async function planPluginUndo(written: string, { path, agent, mark }: PluginFile, memory: InstallMemory): Promise<Plan> {
  const file = await readSettingsFile(path);
  const known = await knownOf(file, agent, memory);
  const forget = async (): Promise<boolean> => {
    if (known !== undefined) await memory.forget(file.target);
    return true;
  };
  if (file.text === undefined || !(file.text.startsWith(mark) || isUnchanged(file.text, known)))
    return { file, text: file.text, kind: "unchanged", oddEvents: [], apply: forget };
  if (!isUnchanged(file.text, known) && file.text !== written)
    throw new CommandError(`${path} was changed since init wrote it, or is of another version. Look at it, and delete it by hand.`);
  return {
    file,
    text: undefined,
    kind: "exact",
    oddEvents: [],
    async apply() {
      await deleteSettingsFile(file, known?.folders ?? []);
      return forget();
    },
  };
}

async function knownOf(file: SettingsFile, agent: HookedAgent, memory: InstallMemory): Promise<Installation | undefined> {
  const known = await memory.load(file.target);
  return known?.agent === agent.name ? known : undefined;
}

function isUnchanged(text: string, known: Installation | undefined): boolean {
  return known !== undefined && sha256Of(text) === known.inserted.afterSha256;
}

function installationOf(file: SettingsFile, text: string, agent: HookedAgent, folders: readonly string[]): Installation {
  return {
    version: 1,
    agent: agent.name,
    path: file.path,
    inserted: {
      beforeSha256: sha256Of(""),
      afterSha256: sha256Of(text),
      ranges: [{ start: 0, end: text.length }],
      created: [],
      suffixes: {},
      prefix: "",
      doings: [],
    },
    isFileMade: true,
    folders,
  };
}

/** SHA-256 of a text's UTF-8 bytes in lowercase hexadecimal. */
function sha256Of(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
