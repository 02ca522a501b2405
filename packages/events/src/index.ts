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
  LABEL_NAME_CHARS_MAX,
  LEAF_BYTES_MAX,
  REDACTION_RULES_MAX,
  REQUEST_EVENTS_MAX,
  SYSTEM_LEAF_BYTES_MAX,
} from "./limits.ts";
export { type AgentLogEntry, AgentLogEntrySchema, fromAgentLogEntry, toAgentLogEntry } from "./mapping/agent-log-entry.ts";
export { AI_AUDIT_ACTIONS, type AiActionOptions, type AiAuditAction, type AiAuditMetadata, fromAiAction } from "./mapping/ai-action.ts";
export { APPLICATION_SHAPES, type ApplicationShape, fromApplicationShape } from "./mapping/application-shape.ts";
export { type AuditLogEntry, fromAuditLogEntry, toAuditLogEntry } from "./mapping/audit-log-entry.ts";
export { fromClaudeCodeHook, type HookOptions } from "./mapping/claude-code-hook.ts";
export {
  createTranscriptReader,
  type TranscriptOptions,
  type TranscriptReader,
  type TranscriptStats,
} from "./mapping/claude-code-transcript.ts";
export { type CopilotHookOptions, fromCopilotHook } from "./mapping/copilot-hook.ts";
export { fromCursorHook } from "./mapping/cursor-hook.ts";
export { detectShape, type Shape } from "./mapping/detect.ts";
export { type EmitterEvent, fromEmitterEvent, toEmitterEvent } from "./mapping/emitter-event.ts";
export { parseExactJson } from "./mapping/exact-json.ts";
export { fromGeminiCliHook } from "./mapping/gemini-cli-hook.ts";
export { createPriceFinder, type FindPrice, type ModelPrice, SHIPPED_MODEL_PRICES } from "./mapping/model-prices.ts";
export { fromOpencodeHook } from "./mapping/opencode-hook.ts";
export { fromOtlpLog, fromOtlpSpan } from "./mapping/otlp/from-otlp.ts";
export type { OtlpItem, OtlpOptions, OtlpRecord, OtlpSpan } from "./mapping/otlp/otlp-record.ts";
export { fromQueueEvent, type QueueEvent, toQueueEvent } from "./mapping/queue-event.ts";
export { fromResourceEvent, type ResourceEvent, toResourceEvent } from "./mapping/resource-event.ts";
export { stableId } from "./mapping/stable-id.ts";

export { actionSpellings } from "./reading/action-aliases.ts";
export {
  type Completeness,
  type CompletenessAnswer,
  EXPLAINED_RULES,
  type Explained,
  type ExplainedKind,
  HOLE_RULES,
  type Hole,
  type HoleKind,
  UNKNOWN_RULES,
  type UnknownKind,
  VANTAGE_POINTS,
  type VantagePoint,
  type VantageView,
} from "./reading/completeness.ts";
export { CSV_COLUMNS, formatCsvHeader, formatCsvLine, formatCsvRow } from "./reading/csv.ts";
export {
  type EventFilter,
  FILTER_NAMES,
  type FilterCondition,
  type FilterName,
  TIME_FILTER_NAMES,
  type TimeFilterName,
} from "./reading/event-filter.ts";
export { type Explanation, type ExplanationLink, LINK_ROLES, type LinkRole } from "./reading/explanation.ts";
export { FILTER_CHARS_MAX, FILTER_VALUES_MAX, TEXT_WORDS_MAX } from "./reading/limits.ts";
export { type EntryPredicate, type FilteredEntry, matchesFilter } from "./reading/match-filter.ts";
export { microsOf } from "./reading/micros.ts";
export { nearestName } from "./reading/nearest-name.ts";
export { filterParameters, parseFilter } from "./reading/parse-filter.ts";
export {
  type AuditReader,
  BUCKET_NAMES,
  BUNDLES_FORMAT,
  type BucketName,
  type BundlePage,
  type DeedSums,
  type EffectPage,
  type EffectsQuery,
  type EffectView,
  type EntryView,
  GROUP_NAMES,
  type GroupName,
  type ReadState,
  type SearchHit,
  type SearchPage,
  type SearchQuery,
  type SourceList,
  type SourcesQuery,
  type SourceView,
  type SqlAnswer,
  type SqlQuery,
  type Stats,
  type StatsBucket,
  type StatsGroup,
  type StatsQuery,
} from "./reading/reader.ts";
export {
  APPROVAL_STATES,
  APPROVER_KINDS,
  type ApprovalState,
  type ApproverKind,
  type JoinBasis,
  type SessionStep,
  type SessionStory,
  type SessionStoryQuery,
  STEP_KINDS,
  type StepEntry,
  type StepKind,
  type StoryApproval,
} from "./reading/session-story.ts";
export type { SessionPage, SessionQuery, SessionSummary, SessionsQuery } from "./reading/sessions.ts";
export { foldCase, looksIntoReads, READ_ACTION, type SectionTexts, sectionTexts, type TextWord, textWords } from "./reading/text-words.ts";
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
