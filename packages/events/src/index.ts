// The whole public surface of the event. A new line here is public API.
export { AuditError, ERRORS, type ErrorCode, type ErrorDetail, type Fault } from "./errors.ts";
export {
  ACTIVITY_TYPES,
  ACTOR_TYPES,
  type Activity,
  type ActivityType,
  type Actor,
  type ActorType,
  type AuditEvent,
  type AuditEventInput,
  AuditEventInputSchema,
  AuditEventSchema,
  auditEventJsonSchema,
  type Changes,
  type Context,
  EVENT_SCHEMA,
  EventIdSchema,
  type Json,
  type JsonObject,
  OUTCOME_STATUSES,
  type Outcome,
  type OutcomeStatus,
  type Proof,
  type Security,
  type Source,
  type Target,
  TenantSchema,
  TimestampSchema,
  type Usage,
} from "./event.ts";
export {
  BODY_BYTES_MAX,
  DISCLOSURE_BYTES_MAX,
  EVENT_BYTES_MAX,
  EVENT_DEPTH_MAX,
  FAULTS_MAX,
  LEAF_BYTES_MAX,
  REDACTION_RULES_MAX,
  REQUEST_EVENTS_MAX,
  SYSTEM_LEAF_BYTES_MAX,
} from "./limits.ts";
export { type AgentLogEntry, AgentLogEntrySchema, fromAgentLogEntry, toAgentLogEntry } from "./mapping/agent-log-entry.ts";
export {
  createTranscriptReader,
  type TranscriptOptions,
  type TranscriptReader,
  type TranscriptStats,
} from "./mapping/claude-code-transcript.ts";
export { detectShape, type Shape } from "./mapping/detect.ts";
export { parseExactJson } from "./mapping/exact-json.ts";
export { stableId } from "./mapping/stable-id.ts";
export type { AuditReader, EntryView, ReadState } from "./reader.ts";
export { type CutText, cutText } from "./redaction/cut-text.ts";
export { type ContentLogging, createMinimizer, type Minimizer } from "./redaction/minimizer.ts";
export { createRedactor, type Redacted, type RedactionConfig, type Redactor } from "./redaction/redactor.ts";
export {
  DEFAULT_PRIVACY_POLICY,
  joinEvent,
  type PrivacyPolicy,
  RECEIVED_VIA,
  type Received,
  type ReceivedVia,
  type SplitEvent,
  splitEvent,
} from "./sections.ts";
