// The SDK in Node.js: the core, with a spool on the disk, the context of the caller and settings from the environment. A new line here is public API.
export { AI_AUDIT_ACTIONS, type AiAuditAction, type AiAuditMetadata } from "@vouchtrail/events/shapes";
export type { AuditContext, ContextSource } from "../ambient.ts";
export { type Audit, createAudit, type DenyRequest } from "../audit.ts";
export { type AuditDiff, type AuditDiffOptions, auditDiff } from "../audit-diff.ts";
export { EventBuilder } from "../builder.ts";
export { ADMIN_EVENTS } from "../catalog/admin-events.ts";
export { type AiAudit, type AiAuditFunction, type AiAuditOptions, createAiAudit } from "../catalog/ai-audit.ts";
export { AuditAction } from "../catalog/audit-action.ts";
export { AUTH_EVENTS } from "../catalog/auth-events.ts";
export { type AuditCatalog, type CatalogOptions, defineAuditEvents } from "../catalog/define-audit-events.ts";
export type {
  AuditEventDefinition,
  AuditEventDefinitions,
  AuditEventFunction,
  AuditEventFunctions,
  AuditRequest,
  CheckedDefinitions,
  PersonalPlace,
  Severity,
} from "../catalog/event-definition.ts";
export { GUILD_EVENTS } from "../catalog/guild-events.ts";
export { MEMBER_EVENTS } from "../catalog/member-events.ts";
export type { AnyResourceType, ResourceType, ResourceTypes } from "../catalog/resource-type.ts";
export type { StandardSchema } from "../catalog/standard-schema.ts";
export { SYSTEM_EVENTS } from "../catalog/system-events.ts";
export { USER_EVENTS } from "../catalog/user-events.ts";
export {
  type ClientAddressOptions,
  type ForwardedHeader,
  getIpAddress,
  setTrustedProxies,
  type TrustedProxies,
} from "../client-address.ts";
export { type Clock, systemClock, type Timer } from "../clock.ts";
export type { DeliveryMode, DeliveryState } from "../delivery-state.ts";
export type { EffectRecord, EffectRequest } from "../effect.ts";
export type { EmitOptions } from "../emitter.ts";
export type {
  AuditActorType,
  AuditEventInput,
  AuditEventResult,
  AuditMetadata,
  AuditOutcome,
  AuditProof,
  EmittableEvent,
  NativeEventInput,
} from "../event-input.ts";
export { createHttpTransport, type HttpTransportOptions } from "../http-transport.ts";
export { type AuditLogRequest, logAudit } from "../log-audit.ts";
export type { AuditLogger } from "../logger.ts";
export { type AuditReaderOptions, createAuditReader } from "../reader/audit-reader.ts";
export type { HeaderSource, RequestLike } from "../request-headers.ts";
export type { Spool, SpoolBatch } from "../spool.ts";
export type { Answer, OutgoingEvent, Receipt, Transport } from "../transport.ts";
export { getUserAgent } from "../user-agent.ts";
export type { AuditRequestOptions, UnauditedRequest } from "./adapters/request-context.ts";
export { auditUnauditedRequests, createUnauditedRequests, type UnauditedRequests } from "./adapters/unaudited-requests.ts";
export { closeOnSignal } from "./close-on-signal.ts";
export { currentAuditContext, withAuditContext } from "./context.ts";
export { audit, createAuditEmitter, emitAuditEvent, getAuditEmitter, setAuditEmitter } from "./default-emitter.ts";
export { AuditEmitter, type AuditEmitterConfig } from "./emitter.ts";
export { type FolderDurability, isDurableFolder } from "./spool/durable-folder.ts";
export { type FileSpoolOptions, openFileSpool } from "./spool/file-spool.ts";
export { queryHash, queryPreview, tablesAccessed } from "./sql-digest.ts";
export { traceHeaders } from "./trace-headers.ts";
