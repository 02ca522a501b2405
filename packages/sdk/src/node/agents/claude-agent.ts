// Auditing agents that are built with the Claude Agent SDK. A new line here is public API.
export { AUDITED_HOOKS, type AuditedHook, type AuditHook, type AuditHooks, auditHooks, withAuditHooks } from "./claude-agent-hooks.ts";
export { auditMessages } from "./claude-agent-messages.ts";
export type { ClaudeAgentAuditOptions } from "./claude-agent-options.ts";
export {
  type Approver,
  auditPermissions,
  type PermissionAnswerLike,
  type PermissionAuditOptions,
  type PermissionCallback,
  type PermissionRequestLike,
} from "./claude-agent-permissions.ts";
