import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "jsonc-parser";
import type { Handler } from "./own-handler.ts";

/** Settings that can keep hooks from running, and where they stand. */
export interface SettingsLayer {
  readonly path: string;
  /** Whether an administrator set it: some keys count only there. */
  readonly isManaged: boolean;
  readonly text: string;
}

/** The folder of Claude Code's managed settings. Source: the product's documentation of settings. */
export function managedFolder(platform: NodeJS.Platform): string {
  if (platform === "darwin") return "/Library/Application Support/ClaudeCode";
  if (platform === "win32") return "C:\\Program Files\\ClaudeCode";
  return "/etc/claude-code";
}

/** The managed settings that can be read: the file and its drop-ins. What comes from a server or from the system's own management is not seen. */
export async function readManagedSettings(folder: string): Promise<SettingsLayer[]> {
  const dropIns = join(folder, "managed-settings.d");
  const names = await readdir(dropIns).catch(() => []); // Most machines have none.
  const paths = [
    join(folder, "managed-settings.json"),
    ...names.filter((name) => name.endsWith(".json")).map((name) => join(dropIns, name)),
  ];
  const layers: SettingsLayer[] = [];
  for (const path of paths.sort()) {
    const text = await readFile(path, "utf8").catch(() => undefined); // Absent, or not for our eyes.
    if (text !== undefined) layers.push({ path, isManaged: true, text });
  }
  return layers;
}

/** What would keep the hooks from running or from sending their key, in words for people. Rule: INIT-7. */
export function hindrancesOf(layers: readonly SettingsLayer[], handlers: readonly Handler[]): string[] {
  const found: string[] = [];
  const urls = [...new Set(handlers.map(({ url }) => url).filter((url) => typeof url === "string"))];
  const variables = [...new Set(handlers.flatMap(({ allowedEnvVars }) => (Array.isArray(allowedEnvVars) ? allowedEnvVars : [])))];
  for (const { path, isManaged, text } of layers) {
    const settings: unknown = parse(text);
    if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
      found.push(`${path} cannot be read as JSON; whether it allows these hooks was not checked.`);
      continue;
    }
    const { disableAllHooks, allowManagedHooksOnly, allowedHttpHookUrls, httpHookAllowedEnvVars } = settings as Record<string, unknown>;
    if (disableAllHooks === true) found.push(`${path} sets disableAllHooks: no hook runs until that is taken out.`);
    // A value that the agent cannot read counts as true for it.
    if (isManaged && allowManagedHooksOnly !== undefined && allowManagedHooksOnly !== false)
      found.push(`${path} sets allowManagedHooksOnly: only hooks in managed settings run. An administrator has to put these there.`);
    if (Array.isArray(allowedHttpHookUrls)) {
      for (const url of urls.filter((one) => !allowedHttpHookUrls.some((pattern) => isMatch(one, pattern))))
        found.push(`${path} does not allow ${url} (allowedHttpHookUrls): add it there, or use --command.`);
    }
    if (Array.isArray(httpHookAllowedEnvVars)) {
      for (const name of variables.filter((one) => !httpHookAllowedEnvVars.includes(one)))
        found.push(`${path} does not let http hooks read ${name} (httpHookAllowedEnvVars): the server would see an empty key.`);
    }
  }
  return found;
}

/** In a pattern `*` stands for any text. */
function isMatch(url: string, pattern: unknown): boolean {
  if (typeof pattern !== "string") return false;
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(url);
}
