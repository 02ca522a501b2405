import { COMMAND_HOOK_TIMEOUT_MS, COMMAND_HOOK_TIMEOUT_SECONDS, HTTP_HOOK_TIMEOUT_SECONDS } from "./limits.ts";
import type { Handler } from "./own-handler.ts";

/** Agents that `init` knows: the last part of the path that their hooks post to. */
export const AGENT_NAMES = ["claude-code", "codex", "copilot", "gemini-cli", "cursor", "opencode"] as const;
export type AgentName = (typeof AGENT_NAMES)[number];

/** The variable that holds the API key which http hooks send. */
export const TOKEN_VARIABLE = "AUDIT_TOKEN";

/** Handlers of one event, as they stand in the settings. */
export interface WantedHook {
  readonly event: string;
  readonly handler: Handler;
}

/** How the hooks of one agent are told what to do. */
export interface HookedAgent {
  readonly name: AgentName;
  /** What people call it. */
  readonly title: string;
  /** Whether handlers stand in groups with a matcher, or directly below their event. */
  readonly isGrouped: boolean;
  /** What a new settings file holds beside the hooks. */
  readonly fileBase: string;
  /** The folder of its settings in a project. */
  readonly folder: string;
}

export const AGENTS = {
  "claude-code": { name: "claude-code", title: "Claude Code", isGrouped: true, fileBase: "{}\n", folder: ".claude" },
  codex: { name: "codex", title: "Codex", isGrouped: true, fileBase: "{}\n", folder: ".codex" },
  copilot: { name: "copilot", title: "Copilot", isGrouped: false, fileBase: '{\n  "version": 1\n}\n', folder: ".github" },
  "gemini-cli": { name: "gemini-cli", title: "Gemini CLI", isGrouped: true, fileBase: "{}\n", folder: ".gemini" },
  cursor: { name: "cursor", title: "Cursor", isGrouped: false, fileBase: '{\n  "version": 1\n}\n', folder: ".cursor" },
  /** It has no settings of hooks: a plugin posts them. */
  opencode: { name: "opencode", title: "OpenCode", isGrouped: false, fileBase: "", folder: ".opencode" },
} as const satisfies Record<AgentName, HookedAgent>;

/**
 * The events of Claude Code that are recorded. docs/agents.md says why these; left out are those that repeat what others tell
 * (PostToolBatch, UserPromptExpansion, PreModelSwitch), that come in great numbers (MessageDisplay, FileChanged, InstructionsLoaded,
 * Notification) and that would change what the agent does when a hook fails (WorktreeCreate).
 */
export const CLAUDE_CODE_EVENTS = [
  "Setup",
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PermissionDenied",
  "PostToolUse",
  "PostToolUseFailure",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "PostCompact",
  "PostModelSwitch",
  "ConfigChange",
  "DirectoryAdded",
  "Elicitation",
  "ElicitationResult",
  "Stop",
  "StopFailure",
  "SessionEnd",
] as const;

/** Events of Claude Code that take no http hook. Source: the product's documentation of hooks. */
const COMMAND_ONLY: readonly string[] = ["Setup", "SessionStart"];

/** Those of which Codex stores schemas. */
const CODEX_EVENTS = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "PostCompact",
  "Stop",
  "StopFailure",
] as const;

/** In the spelling that makes Copilot send the shape of Claude Code. */
const COPILOT_EVENTS = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "PostToolUseFailure",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "Stop",
  "SessionEnd",
] as const;

/** Left out are those that come once for each request to the model or each chunk of its answer, and notifications. Source: docs/hooks/reference.md of google-gemini/gemini-cli at 06c0d81. */
const GEMINI_CLI_EVENTS = ["SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "PreCompress", "AfterAgent", "SessionEnd"] as const;

/**
 * Without those of shell, MCP and files: they tell of the same calls once more. One name that Cursor does not know makes it reject the whole file, so only names are here that public integrations agree on.
 */
const CURSOR_EVENTS = [
  "sessionStart",
  "beforeSubmitPrompt",
  "preToolUse",
  "postToolUse",
  "postToolUseFailure",
  "subagentStart",
  "subagentStop",
  "preCompact",
  "afterAgentResponse",
  "stop",
  "sessionEnd",
] as const;

export interface HookOptions {
  /** Of the server, without a path of hooks. */
  readonly url: string;
  /** Program and arguments of the hook command, without the name of the agent. */
  readonly command: readonly [string, ...string[]];
  /** Whether all events go through the command. */
  readonly isCommandOnly: boolean;
  /** Whether http hooks send the API key of {@link TOKEN_VARIABLE}. */
  readonly isTokenSent: boolean;
}

/** The hooks that an agent's settings shall hold; none for OpenCode, which has no such settings. Rules: INIT-2, INIT-12. */
export function wantedHooks(agent: AgentName, options: HookOptions): WantedHook[] {
  const all = (events: readonly string[], handler: Handler): WantedHook[] => events.map((event) => ({ event, handler }));
  const command = shellLine(agent, options);
  switch (agent) {
    case "codex":
      return all(CODEX_EVENTS, { type: "command", command, timeout: COMMAND_HOOK_TIMEOUT_SECONDS });
    case "copilot":
      return all(COPILOT_EVENTS, { type: "command", command, timeoutSec: COMMAND_HOOK_TIMEOUT_SECONDS });
    case "gemini-cli":
      return all(GEMINI_CLI_EVENTS, { type: "command", command, timeout: COMMAND_HOOK_TIMEOUT_MS });
    case "cursor":
      // Without a timeout: sources disagree about its unit.
      return all(CURSOR_EVENTS, { command });
    case "opencode":
      return [];
    case "claude-code":
  }
  return CLAUDE_CODE_EVENTS.map((event) => ({
    event,
    handler: options.isCommandOnly || COMMAND_ONLY.includes(event) ? commandHandler(agent, event, options) : httpHandler(agent, options),
  }));
}

function httpHandler(agent: AgentName, { url, isTokenSent }: HookOptions): Handler {
  return {
    type: "http",
    url: `${url}/hooks/${agent}`,
    timeout: HTTP_HOOK_TIMEOUT_SECONDS,
    // The variable's name stands in the file, never what it holds.
    ...(isTokenSent ? { headers: { Authorization: `Bearer $${TOKEN_VARIABLE}` }, allowedEnvVars: [TOKEN_VARIABLE] } : {}),
  };
}

function commandHandler(agent: AgentName, event: string, { command: [program, ...given] }: HookOptions): Handler {
  const handler: Handler = { type: "command", command: program, args: [...given, agent], timeout: COMMAND_HOOK_TIMEOUT_SECONDS };
  // What still runs in the background when a session ends is killed: its last word is waited for.
  return event === "SessionEnd" ? handler : { ...handler, async: true };
}

/** One line for a shell: these agents are not known to take program and arguments apart. */
function shellLine(agent: AgentName, { command }: HookOptions): string {
  return [...command, agent].map(shellWord).join(" ");
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./\\-]+$/.test(word)) return word;
  return `"${word.replace(/["$`\\]/g, "\\$&")}"`;
}
