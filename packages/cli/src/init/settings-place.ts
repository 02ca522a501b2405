import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { CommandError } from "../command-error.ts";
import { AGENTS, type AgentName } from "./hooked-agent.ts";

export const SCOPES = ["user", "project", "local"] as const;
export type SettingsScope = (typeof SCOPES)[number];

/** Which settings file is meant, and why. */
export interface SettingsPlace {
  readonly scope: SettingsScope;
  readonly path: string;
  /** One sentence. */
  readonly reason: string;
}

interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the command was called. */
  readonly folder: string;
}

/**
 * The settings file of a scope. Without one: the project's in a git repository or in a folder with settings of the agent, else the user's.
 *
 * @throws {CommandError} The agent has no settings of this scope.
 */
export function settingsPlaceOf(agent: AgentName, scope: SettingsScope | undefined, surroundings: Surroundings): SettingsPlace {
  const { environment } = surroundings;
  const home = environment.HOME || homedir();
  const project = projectOf(agent, resolve(surroundings.folder), home);
  const chosen = scope ?? (agent === "copilot" || project !== undefined ? "project" : "user");
  const reason =
    scope !== undefined
      ? `Scope ${scope}, as named.`
      : chosen === "user"
        ? "Scope user: this folder is in no repository. Name another one with --scope."
        : `Scope project: ${project?.reason ?? "the settings of Copilot belong to a repository."} Name another one with --scope.`;
  const root = project?.folder ?? resolve(surroundings.folder);
  return { scope: chosen, reason, path: pathOf(agent, chosen, root, home, environment) };
}

function pathOf(agent: AgentName, scope: SettingsScope, root: string, home: string, environment: Surroundings["environment"]): string {
  if (agent === "claude-code") {
    if (scope === "user") return join(environment.CLAUDE_CONFIG_DIR || join(home, ".claude"), "settings.json");
    return join(root, ".claude", scope === "local" ? "settings.local.json" : "settings.json");
  }
  if (scope === "local") throw new CommandError("Only Claude Code has settings of the scope local. Use --scope user or project.");
  const isUser = scope === "user";
  switch (agent) {
    case "codex":
      return join(isUser ? environment.CODEX_HOME || join(home, ".codex") : join(root, ".codex"), "hooks.json");
    case "copilot":
      return join(isUser ? join(home, ".copilot") : join(root, ".github"), "hooks", "vouchtrail.json");
    case "gemini-cli":
      return join(isUser ? home : root, ".gemini", "settings.json");
    case "cursor":
      return join(isUser ? home : root, ".cursor", "hooks.json");
    case "opencode": {
      const configuration = environment.XDG_CONFIG_HOME || join(home, ".config");
      return join(isUser ? join(configuration, "opencode") : join(root, ".opencode"), "plugin", "vouchtrail.js");
    }
  }
}

/** The nearest folder from here up that is a repository or holds settings of the agent. The user's own settings make no project of the home folder. */
function projectOf(agent: AgentName, start: string, home: string): { folder: string; reason: string } | undefined {
  const settings = AGENTS[agent].folder;
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return { folder, reason: `${folder} is a git repository.` };
    if (folder !== resolve(home) && existsSync(join(folder, settings))) return { folder, reason: `${folder} has a folder ${settings}.` };
    if (dirname(folder) === folder) return undefined;
  }
}
