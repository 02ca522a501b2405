import { AuditError } from "@vouchtrail/events/errors";
import type { AuditActorType, AuditEventInput, AuditEventResult, AuditMetadata, AuditOutcome, AuditProof } from "./event-input.ts";

interface Emits {
  emit(event: AuditEventInput): Promise<AuditEventResult>;
  /** RFC 3339, for what is captured now. */
  now(): string;
}

const REQUIRED = ["clientId", "actionType", "actorType", "actorId", "targetType", "targetId", "outcome"] as const;

/**
 * An event that is being described. Each step gives a new builder and leaves the one before as it was: requests that build at the same time never
 * mix, and a half-described event can be kept and finished several times.
 */
export class EventBuilder {
  readonly #emitter: Emits;
  readonly #event: Partial<AuditEventInput>;

  constructor(emitter: Emits, event: Partial<AuditEventInput> = {}) {
    this.#emitter = emitter;
    this.#event = event;
  }

  /** Whose event it is: the tenant. */
  forClient(clientId: string): EventBuilder {
    return this.#with({ clientId });
  }

  /** What was done, such as `content.publish`. */
  action(actionType: string): EventBuilder {
    return this.#with({ actionType });
  }

  actor(actorType: AuditActorType, actorId: string): EventBuilder {
    return this.#with({ actorType, actorId });
  }

  target(targetType: string, targetId: string): EventBuilder {
    return this.#with({ targetType, targetId });
  }

  succeeded(): EventBuilder {
    return this.#ended("success");
  }

  failed(errorCode?: string, errorMessage?: string): EventBuilder {
    return this.#ended("failure", errorCode, errorMessage);
  }

  partial(): EventBuilder {
    return this.#ended("partial");
  }

  pending(): EventBuilder {
    return this.#ended("pending");
  }

  /** It was not allowed to happen. */
  denied(errorCode?: string, errorMessage?: string): EventBuilder {
    return this.#ended("denied", errorCode, errorMessage);
  }

  withProof(proof: AuditProof): EventBuilder {
    return this.#with({ proof });
  }

  /** What the other side answered. */
  withApiProof(data: Record<string, unknown>): EventBuilder {
    return this.#with({ proof: { type: "api_response", data } });
  }

  withScreenshotProof(url: string): EventBuilder {
    return this.#with({ proof: { type: "screenshot", url, capturedAt: this.#emitter.now() } });
  }

  /** Adds to what was given before. */
  withMetadata(metadata: AuditMetadata): EventBuilder {
    return this.#with({ metadata: { ...this.#event.metadata, ...metadata } });
  }

  withCorrelation(correlationId: string): EventBuilder {
    return this.#with({ correlationId });
  }

  childOf(parentEventId: string): EventBuilder {
    return this.#with({ parentEventId });
  }

  /**
   * Emits the event as {@link AuditEventInput}; the builder stays as it is and can emit again, as another event.
   *
   * @throws {AuditError} `EVENT_INVALID`, naming everything that is missing.
   */
  async emit(): Promise<AuditEventResult> {
    const missing = REQUIRED.filter((name) => this.#event[name] === undefined || this.#event[name] === "");
    if (missing.length > 0) {
      throw new AuditError("EVENT_INVALID", {
        path: missing[0] ?? "",
        message: missing.map((name) => `${name} is required`).join("; "),
      });
    }
    return this.#emitter.emit(this.#event as AuditEventInput);
  }

  /** The same as {@link emit}. */
  emitBuilt(): Promise<AuditEventResult> {
    return this.emit();
  }

  #ended(outcome: AuditOutcome, errorCode?: string, errorMessage?: string): EventBuilder {
    const error = { ...(errorCode === undefined ? {} : { errorCode }), ...(errorMessage === undefined ? {} : { errorMessage }) };
    return Object.keys(error).length === 0
      ? this.#with({ outcome })
      : this.#with({ outcome, metadata: { ...this.#event.metadata, ...error } });
  }

  #with(members: Partial<AuditEventInput>): EventBuilder {
    return new EventBuilder(this.#emitter, { ...this.#event, ...members });
  }
}
