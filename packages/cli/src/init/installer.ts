import { addHooks, hasHooks, type Inserted, oddEventsOf, removeHooks } from "./hook-settings.ts";
import type { HookedAgent, WantedHook } from "./hooked-agent.ts";
import type { Installation, InstallMemory } from "./install-memory.ts";
import { deleteSettingsFile, readSettingsFile, type SettingsFile, writeSettingsFile } from "./settings-file.ts";

/** A change of one settings file that nobody has made yet. */
export interface Plan {
  readonly file: SettingsFile;
  /** What is to stand there; undefined when the file is to go. */
  readonly text: string | undefined;
  /**
   * `unchanged`: there is nothing to do. `exact`: the text becomes what it was before `init`. `handlers`: our handlers are taken out, all
   * else stays.
   */
  readonly kind: "add" | "update" | "unchanged" | "exact" | "handlers";
  /** Events in the file below which something stands that the agent does not take. */
  readonly oddEvents: readonly string[];
  /** Does it. Resolves with whether it was remembered for an exact undo. @throws {CommandError} */
  apply(): Promise<boolean>;
}

/** Plans to put the hooks into a settings file, in the place of those of an earlier call. @throws {CommandError} The file cannot be understood. */
export async function planHooks(path: string, wanted: readonly WantedHook[], agent: HookedAgent, memory: InstallMemory): Promise<Plan> {
  const file = await readSettingsFile(path);
  const before = await memory.load(file.target);
  const known = before?.agent === agent.name ? before : undefined;
  const text = file.text ?? agent.fileBase;
  if (file.text !== undefined && hasHooks(text, wanted, agent, path, known?.inserted))
    return { file, text, kind: "unchanged", oddEvents: oddEventsOf(text, path), apply: async () => true };
  const bare = removeHooks(text, agent, path, known?.inserted);
  const added = addHooks(bare.text, wanted, agent, path);
  const isFileMade = file.text === undefined || (known?.isFileMade ?? false);
  return {
    file,
    text: added.text,
    kind: bare.way === "nothing" ? "add" : "update",
    oddEvents: oddEventsOf(added.text, path),
    async apply() {
      const remember = (folders: readonly string[], inserted: Inserted): Promise<boolean> => {
        const installation: Installation = { version: 1, agent: agent.name, path: file.path, inserted, isFileMade, folders };
        return memory.save(file.target, installation);
      };
      const folders = known?.folders ?? [];
      // First what undoes it: a crash in between leaves a memory of something that is not there, which does no harm.
      const isRemembered = await remember(folders, added.inserted);
      const made = await writeSettingsFile(file, added.text);
      return made.length === 0 ? isRemembered : remember([...made, ...folders], added.inserted);
    },
  };
}

/** Plans to take the hooks out of a settings file. @throws {CommandError} The file cannot be understood. */
export async function planUndo(path: string, agent: HookedAgent, memory: InstallMemory): Promise<Plan> {
  const file = await readSettingsFile(path);
  const before = await memory.load(file.target);
  const known = before?.agent === agent.name ? before : undefined;
  const forget = async (): Promise<boolean> => {
    if (known !== undefined) await memory.forget(file.target);
    return true;
  };
  if (file.text === undefined) return { file, text: undefined, kind: "unchanged", oddEvents: [], apply: forget };
  const { text, way } = removeHooks(file.text, agent, path, known?.inserted);
  const oddEvents = oddEventsOf(text, path);
  if (way === "nothing") return { file, text, kind: "unchanged", oddEvents, apply: forget };
  const isGone = known?.isFileMade === true && text === agent.fileBase;
  return {
    file,
    text: isGone ? undefined : text,
    kind: way,
    oddEvents,
    async apply() {
      if (isGone) await deleteSettingsFile(file, known.folders);
      else await writeSettingsFile(file, text);
      return forget();
    },
  };
}
