import type { AgentName } from "./hooked-agent.ts";

/** One handler of a hook, as JSON says it. */
export type Handler = Readonly<Record<string, unknown>>;

/** The name of the hook command. */
export const HOOK_COMMAND = "agent-audit-log";

/**
 * What a handler does, without how: its URL, or its command with the arguments. Two handlers with the same doing are one hook.
 *
 * @returns Undefined when it is no handler that posts or runs something.
 */
export function doingOf(handler: unknown): string | undefined {
  if (typeof handler !== "object" || handler === null) return undefined;
  const { url, command, args } = handler as { url?: unknown; command?: unknown; args?: unknown };
  if (typeof url === "string") return `http ${url}`;
  if (typeof command !== "string") return undefined;
  const words = Array.isArray(args) ? args.filter((word) => typeof word === "string") : [];
  return ["command", command, ...words].join(" ");
}

/**
 * Whether a handler is one that `init` writes for this agent, told by the path of its URL or by the name of its command, never by where
 * it stands. The arguments of the command must name the agent: what somebody wrote without it is not `init`'s. Rule: INIT-5.
 */
export function isOwnDoing(doing: string, agent: AgentName): boolean {
  if (doing.startsWith("http ")) {
    try {
      return new URL(doing.slice("http ".length)).pathname.endsWith(`/hooks/${agent}`);
    } catch {
      return false; // A URL with placeholders, or none.
    }
  }
  return new RegExp(`(?:^|[\\s/\\\\"])${HOOK_COMMAND}(?:\\.m?js)?"?(?:\\s.*)?\\s${agent}$`).test(doing);
}
