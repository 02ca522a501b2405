import type { ActorType, AuditError, AuditEventInput as NativeEventInput, OutcomeStatus } from "@vouchtrail/events";
import type { DeliveryState } from "./delivery-state.ts";
import type { Receipt } from "./transport.ts";

export type AuditActorType = ActorType;
export type AuditOutcome = OutcomeStatus;

/** Evidence that an action took place. What is under `data` and `url` can be erased later; the type and the hash stay. */
export interface AuditProof {
  readonly type: "screenshot" | "api_response" | "hash" | "url" | "none";
  readonly data?: Record<string, unknown>;
  readonly url?: string;
  readonly hash?: string;
  /** RFC 3339. */
  readonly capturedAt?: string;
}

/** Free form. The members that are named here have a place of their own in the trail and can be searched for. */
export interface AuditMetadata {
  readonly platform?: string;
  readonly lane?: "api" | "browser";
  readonly durationMs?: number;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly requestId?: string;
  readonly episodeId?: string;
  readonly [key: string]: unknown;
}

/** An event in the short form that the emitter and its builder speak. */
export interface AuditEventInput {
  /** Whose event it is: the tenant. */
  readonly clientId: string;
  readonly actionType: string;
  readonly actorType: AuditActorType;
  readonly actorId: string;
  readonly targetType: string;
  readonly targetId: string;
  readonly outcome: AuditOutcome;
  readonly proof?: AuditProof;
  readonly metadata?: AuditMetadata;
  readonly correlationId?: string;
  readonly parentEventId?: string;
}

/** Everything that can be emitted: the short form, or the event as the trail has it. */
export type EmittableEvent = AuditEventInput | NativeEventInput;

export type { NativeEventInput };

/** What is known of an event when `emit` resolves. */
export interface AuditEventResult {
  /** UUID; also of an event that was refused. */
  readonly id: string;
  readonly createdAt: Date;
  readonly state: DeliveryState;
  /** With the state `stored`. */
  readonly receipt?: Receipt;
  /** Why it was refused or dropped, or is kept in memory only. */
  readonly error?: AuditError;
}
