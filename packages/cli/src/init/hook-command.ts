import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { HOOK_COMMAND } from "./own-handler.ts";
import type { SettingsScope } from "./settings-place.ts";

/** How the hook command is started, and what has to be said about it. */
export interface HookCommand {
  readonly command: readonly [string, ...string[]];
  /** What hinders it from starting here. */
  readonly warning?: string;
}

/**
 * How settings of a scope start the hook command. Settings that only this machine reads name the file of the installed package; those of a
 * project are read on other machines too and name only the command, which must be found on the `PATH` there.
 */
export function hookCommandFor(scope: SettingsScope, environment: Readonly<Record<string, string | undefined>>): HookCommand {
  const installed = scope === "project" ? undefined : installedPath();
  if (installed !== undefined) return { command: ["node", installed] };
  const folders = (environment.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const isFound = folders.some((folder) => ["", ".cmd", ".exe"].some((ending) => existsSync(join(folder, `${HOOK_COMMAND}${ending}`))));
  if (isFound) return { command: [HOOK_COMMAND] };
  return {
    command: [HOOK_COMMAND],
    warning: `${HOOK_COMMAND} is not on the PATH of this shell: hooks that are commands do not run without it. Install it with "npm install --global ${HOOK_COMMAND}" on each machine.`,
  };
}

/** The program of the package, where it is installed beside this command line. */
function installedPath(): string | undefined {
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve(`${HOOK_COMMAND}/package.json`)), "bin", `${HOOK_COMMAND}.mjs`);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined; // Not installed here.
  }
}
