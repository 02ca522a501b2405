import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Inserted } from "./hook-settings.ts";
import type { AgentName } from "./hooked-agent.ts";
import { nameOfPath } from "./settings-file.ts";

/** What `init` did to one settings file: enough to undo it exactly, and nothing of what else stands in the file. */
export interface Installation {
  readonly version: 1;
  readonly agent: AgentName;
  readonly path: string;
  readonly inserted: Inserted;
  readonly isFileMade: boolean;
  /** Folders that were made for it, outermost first. */
  readonly folders: readonly string[];
}

/** Where installations are remembered: one small file for each settings file, in the user's state folder. *Untrusted*: without it, or with a false one, undoing falls back to taking out its own handlers. */
export interface InstallMemory {
  load(target: string): Promise<Installation | undefined>;
  /** Resolves with whether it is remembered now. */
  save(target: string, installation: Installation): Promise<boolean>;
  forget(target: string): Promise<void>;
}

/** @param folder The state folder of the user. */
export function openInstallMemory(folder: string): InstallMemory {
  const pathOf = (target: string): string => join(folder, "init", `${nameOfPath(target)}.json`);
  return {
    async load(target) {
      try {
        const value = JSON.parse(await readFile(pathOf(target), "utf8")) as unknown;
        return isInstallation(value) ? value : undefined;
      } catch {
        return undefined; // Nothing remembered, or nothing that can be read: both mean the same here.
      }
    },
    async save(target, installation) {
      const path = pathOf(target);
      const temporary = `${path}.${process.pid}.tmp`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const handle = await open(temporary, "w", 0o600);
        try {
          await handle.writeFile(`${JSON.stringify(installation)}\n`);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, path);
        return true;
      } catch {
        await rm(temporary, { force: true }).catch(() => {}); // That it is not remembered is what is told.
        return false;
      }
    },
    forget: (target) => rm(pathOf(target), { force: true }).catch(() => {}), // A memory that stays does no harm: its text is not there any more.
  };
}

function isInstallation(value: unknown): value is Installation {
  if (typeof value !== "object" || value === null) return false;
  const { version, inserted, folders } = value as Partial<Installation>;
  if (version !== 1 || typeof inserted !== "object" || inserted === null || !areTexts(folders)) return false;
  const { beforeSha256, afterSha256, ranges, created, suffixes, prefix, doings } = inserted as Partial<Inserted>;
  return (
    typeof beforeSha256 === "string" &&
    typeof afterSha256 === "string" &&
    areTexts(created) &&
    typeof suffixes === "object" &&
    suffixes !== null &&
    areTexts(Object.values(suffixes)) &&
    typeof prefix === "string" &&
    areTexts(doings) &&
    Array.isArray(ranges) &&
    ranges.every(({ start, end }) => Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end)
  );
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
