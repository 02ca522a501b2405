import { systemClock } from "./clock.ts";
import { type EffectRecord, type EffectRequest, runEffect } from "./effect.ts";
import type { AuditEmitter, EmitOptions } from "./emitter.ts";
import type { AuditEventResult, NativeEventInput } from "./event-input.ts";

/** Something that was not allowed to happen. */
export interface DenyRequest extends Omit<NativeEventInput, "outcome" | "actor"> {
  /** May be left to the context of the caller. */
  readonly actor?: NativeEventInput["actor"];
  /** Why: a code that can be counted, and words. */
  readonly code?: string;
  readonly reason?: string;
}

/** `audit()` begins an event; `audit.effect` and `audit.deny` record whole ones. */
export interface Audit {
  (): AuditEmitter;
  /** Runs a side effect between an intent and an outcome; see {@link runEffect}. */
  effect<Result>(request: EffectRequest, work: (effect: EffectRecord) => Result | Promise<Result>, options?: EmitOptions): Promise<Result>;
  /** Records that something was refused. */
  deny(request: DenyRequest, options?: EmitOptions): Promise<AuditEventResult>;
}

/** Names that no function of a catalog can have. */
export const RESERVED_NAMES = ["effect", "deny"] as const;

/** @param emitter Asked at each call, so that `audit` can be made before the emitter is configured. */
export function createAudit(emitter: () => AuditEmitter): Audit {
  return Object.assign(() => emitter(), {
    effect<Result>(
      request: EffectRequest,
      work: (effect: EffectRecord) => Result | Promise<Result>,
      options: EmitOptions = {},
    ): Promise<Result> {
      const to = emitter();
      return runEffect(to, systemClock, request, work, { delivery: to.delivery, ...options });
    },
    deny({ code, reason, ...event }: DenyRequest, options?: EmitOptions): Promise<AuditEventResult> {
      const outcome = {
        status: "denied" as const,
        ...(code === undefined ? {} : { code }),
        ...(reason === undefined ? {} : { message: reason }),
      };
      return emitter().emit({ ...(event as Omit<NativeEventInput, "outcome">), outcome }, options);
    },
  });
}
