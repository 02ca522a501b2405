// What `@vouchtrail/sdk/openai-agents` offers. A new line here is public API.
export { type AuditRunnerOptions, auditRunner } from "./openai-agents-runner.ts";
export type { RunnerLike, SpanLike, ToolInputGuardrailLike, TraceLike, TracingProcessorLike } from "./openai-agents-shapes.ts";
export { auditToolInput } from "./openai-agents-tool-intents.ts";
export { auditTracing } from "./openai-agents-tracing.ts";
