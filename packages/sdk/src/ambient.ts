import type { AuditEventInput } from "@vouchtrail/events";

/** What is known of the work in progress: it fills what an event does not say itself. */
export interface AuditContext {
  readonly actor?: AuditEventInput["actor"];
  readonly tenant?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly requestId?: string;
  readonly sessionId?: string;
  readonly conversationId?: string;
  readonly correlationId?: string;
  readonly traceId?: string;
  /** Flags of the trace, 2 hexadecimal digits, which are passed on with it. They are no part of the event. */
  readonly traceFlags?: string;
  readonly parentEventId?: string;
  readonly ipAddress?: string;
  readonly userAgent?: string;
  /** Told of each event that is recorded in this context; it is no part of the event and must not throw. */
  readonly recorded?: () => void;
}

/** Tells the context of the caller, if there is one. */
export type ContextSource = () => AuditContext | undefined;
