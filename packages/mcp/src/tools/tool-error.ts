import { type AuditError, ERRORS, type ErrorCode } from "@vouchtrail/events";

/** What an agent can do about an error whose message does not say it. */
const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  NOT_FOUND: "Find ids with search_events.",
  KEY_REQUIRED: "Tell the operator: this program needs an API key (AUDIT_TOKEN).",
  KEY_INVALID: "Tell the operator: the API key was refused.",
  SCOPE_MISSING: "Tell the operator which tool you need; do not try another way.",
  TENANT_FORBIDDEN: "Leave the tenant out: your own is used.",
  ACTOR_FORBIDDEN: "You write as yourself only; do not try another way.",
  ID_CONFLICT: "Leave the id out for a new event.",
  CURSOR_INVALID: "Ask again without the cursor.",
  INTERNAL: "Go on with your work and tell the operator.",
};

/** An error as a tool answers it: its code, what happened, what to do next. Rule: MCP-7. */
export function toolErrorText(error: AuditError): string {
  const advice = ADVICE[error.code] ?? (ERRORS[error.code].isRetryable ? "Try again in a few seconds." : undefined);
  return `${error.code}: ${error.message}${advice === undefined ? "" : ` ${advice}`}`;
}
