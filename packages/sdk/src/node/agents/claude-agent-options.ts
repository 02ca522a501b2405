import type { AgentAuditOptions } from "../../agents/agent-recorder.ts";
import { type Clock, systemClock } from "../../clock.ts";

/** The label `platform` of every event of an agent that is built with the Claude Agent SDK, and the agent's name where none is given. */
export const CLAUDE_AGENT_PLATFORM = "claude-agent-sdk";

/** What the functions for the Claude Agent SDK take. Give all of them the same. */
export interface ClaudeAgentAuditOptions extends AgentAuditOptions {
  /** Default: the clock of the machine. */
  readonly clock?: Clock;
}

/** The clock of the options. */
export function clockOf({ clock = systemClock }: ClaudeAgentAuditOptions): Clock {
  return clock;
}

/** Who acts in a session: the agent, or one of its subagents on behalf of it, named as hooks and transcripts name it. */
export function claudeScope(
  options: ClaudeAgentAuditOptions,
  sessionId: string | undefined,
  subagentId: string | undefined,
): {
  readonly agentName: string;
  readonly onBehalfOf: readonly { readonly type: string; readonly id: string }[];
  readonly sessionId?: string;
  readonly conversationId?: string;
} {
  const agent = options.agentName ?? CLAUDE_AGENT_PLATFORM;
  const isSubagent = subagentId !== undefined;
  return {
    agentName: isSubagent ? `${agent}/${subagentId}` : agent,
    onBehalfOf: isSubagent ? [{ type: "agent", id: agent }] : [],
    ...(sessionId === undefined ? {} : { sessionId, conversationId: isSubagent ? `${sessionId}/${subagentId}` : sessionId }),
  };
}
