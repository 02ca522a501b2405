import { AuditError } from "@vouchtrail/events/errors";
import type { Clock } from "./clock.ts";
import type { EmitOptions } from "./emitter.ts";
import type { AuditEventResult, AuditProof, NativeEventInput } from "./event-input.ts";
import { CODE_CHARS_MAX } from "./limits.ts";

/** A side effect that is about to happen: an event without what is known only afterwards. */
export interface EffectRequest
  extends Omit<NativeEventInput, "id" | "occurredAt" | "outcome" | "phase" | "proof" | "usage" | "source" | "actor"> {
  /** May be left to the context of the caller. */
  readonly actor?: NativeEventInput["actor"];
}

/** What the work tells of itself while it runs. The last word counts. */
export interface EffectRecord {
  /** UUID of the intent: the parent of events that happen inside. */
  readonly id: string;
  /** Evidence that it took place. */
  proof(proof: AuditProof): void;
  /** What came of it. */
  result(result: unknown): void;
  /** It was done in part only. */
  partial(code?: string, message?: string): void;
  /** It ended badly, although nothing was thrown. */
  failed(code?: string, message?: string): void;
  /** Adds to the details of the outcome. */
  details(details: Record<string, unknown>): void;
}

interface Emits {
  emit(event: NativeEventInput, options?: EmitOptions): Promise<AuditEventResult>;
}

/**
 * Runs a side effect between two entries: what is about to happen, on stable storage before it begins, and how it ended. A process that dies in between leaves an *open
 * effect*, which `GET /api/v1/effects?state=open` lists. Both entries tell of one deed, which counts once. Rules: SDK-8 to SDK-10.
 *
 * @returns What `work` returns. What it throws is recorded as the failure and thrown again.
 * @throws {AuditError} With strict delivery: `work` is not run unless the trail has the intent.
 */
export async function runEffect<Result>(
  emitter: Emits,
  clock: Clock,
  request: EffectRequest,
  work: (effect: EffectRecord) => Result | Promise<Result>,
  options: EmitOptions = {},
): Promise<Result> {
  // A best-effort intent could be lost with the process, and then nothing would tell of the effect.
  const delivery = options.delivery === "best-effort" ? "durable" : options.delivery;
  const emitOptions: EmitOptions = delivery === undefined ? { delivery: "durable" } : { delivery };
  const base = request as Omit<NativeEventInput, "outcome">;
  const intent = await emitter.emit({ ...base, phase: "intent", outcome: { status: "pending" } }, emitOptions);
  if (delivery === "strict" && intent.state !== "stored") throw intent.error ?? new AuditError("TRAIL_UNREACHABLE");

  const told: { outcome: NativeEventInput["outcome"]; proof: AuditProof; details: Record<string, unknown> } = {
    outcome: { status: "success" },
    proof: { type: "none" },
    details: {},
  };
  const record: EffectRecord = {
    id: intent.id,
    proof: (proof) => {
      told.proof = proof;
    },
    result: (result) => {
      told.outcome = { ...told.outcome, result };
    },
    partial: (code, message) => {
      told.outcome = { ...told.outcome, ...statusOf("partial", code, message) };
    },
    failed: (code, message) => {
      told.outcome = { ...told.outcome, ...statusOf("failure", code, message) };
    },
    details: (details) => {
      told.details = { ...told.details, ...details };
    },
  };
  const startedMs = clock.nowMs();
  try {
    return await work(record);
  } catch (error) {
    told.outcome = { ...told.outcome, ...failureOf(error) };
    throw error;
  } finally {
    const durationMs = Math.round((clock.nowMs() - startedMs) * 1_000) / 1_000;
    const outcome: NativeEventInput = {
      ...base,
      phase: "outcome",
      outcome: told.outcome,
      proof: told.proof as NonNullable<NativeEventInput["proof"]>,
      usage: { durationMs },
      context: { ...base.context, parentEventId: intent.id },
      ...(Object.keys(told.details).length === 0 ? {} : { details: { ...base.details, ...told.details } }),
    };
    // The effect has happened: its outcome is recorded as well as can be, and never takes the result of the work away.
    await emitter.emit(outcome, { delivery: "durable" }).catch(() => undefined);
  }
}

function statusOf(status: "partial" | "failure", code: string | undefined, message: string | undefined): NativeEventInput["outcome"] {
  return { status, ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) };
}

/** Code and message of what was thrown; a code may be any text that names the kind of failure. */
function failureOf(error: unknown): NativeEventInput["outcome"] {
  if (!(error instanceof Error)) return { status: "failure", code: "ERROR", message: String(error) };
  const { code } = error as { code?: unknown };
  const name = typeof code === "string" && code !== "" ? code : error.name;
  return { status: "failure", code: codeOf(name), message: error.message };
}

/** A code stands in the leaf, which takes short text without control characters. */
function codeOf(name: string): string {
  const code = name
    .replace(/[\u0000-\u001f\u007f]/g, "")
    .toWellFormed()
    .slice(0, CODE_CHARS_MAX);
  return code === "" ? "ERROR" : code.toWellFormed();
}
