// Shapes that applications speak, without the schemas of the event: light enough for the SDK. A new line here is public API.
export { AI_AUDIT_ACTIONS, type AiActionOptions, type AiAuditAction, type AiAuditMetadata, fromAiAction } from "./ai-action.ts";
export { type AuditLogEntry, fromAuditLogEntry, toAuditLogEntry } from "./audit-log-entry.ts";
export { fromClaudeCodeHook, type HookOptions } from "./claude-code-hook.ts";
export { type EmitterEvent, fromEmitterEvent, toEmitterEvent } from "./emitter-event.ts";
export { fromQueueEvent, type QueueEvent, toQueueEvent } from "./queue-event.ts";
export { fromResourceEvent, type ResourceEvent, toResourceEvent } from "./resource-event.ts";
