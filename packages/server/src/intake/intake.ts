import {
  AuditError,
  type AuditEvent,
  type ErrorCode,
  EVENT_BYTES_MAX,
  type Fault,
  type JsonObject,
  type Minimizer,
  type PrivacyPolicy,
  REDACTION_RULES_MAX,
  type Received,
  type ReceivedVia,
  type Redactor,
  type Security,
} from "@vouchtrail/events";
import { deriveSecurity, type SensitivityRules } from "@vouchtrail/events/sensitivity";
import type { AppendResult, Ledger, Receipt, SealedEntry } from "../ledger/ledger.ts";
import type { Recorder } from "../recorder.ts";
import { splitBody } from "./body.ts";
import { fitContent } from "./fit-content.ts";
import { defaultTenant, type Principal, writeFault } from "./principal.ts";
import { type RedactionRecord, sealEvent } from "./seal.ts";
import { parseStrictly } from "./strict-json.ts";
import { faultOf, validateEvent } from "./validate.ts";

/** A fault with the place of its event in the request. */
export interface PositionedFault extends Fault {
  readonly position: number;
}

export interface PositionedReceipt extends Receipt {
  readonly position: number;
  /** True when the event was there already. */
  readonly duplicate?: true;
}

export interface IntakeResult {
  readonly receipts: readonly PositionedReceipt[];
  readonly errors: readonly PositionedFault[];
}

/** Told about everything that happens to events, for the metrics. */
export interface IntakeObserver {
  accepted(via: ReceivedVia, count: number, duplicates: number): void;
  refused(code: ErrorCode, count: number): void;
  redacted(rule: string, count: number): void;
  cut(rule: string, count: number): void;
}

export interface IntakeDeps {
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  readonly redactor: Redactor;
  readonly minimizer: Minimizer;
  readonly policy: PrivacyPolicy;
  /** What counts as sensitive in the inputs of tools; absent, no security block is derived. */
  readonly sensitivity?: SensitivityRules | undefined;
  readonly disclosureBytesMax: number;
  readonly now: () => string;
  readonly observer: IntakeObserver;
}

/**
 * From bytes to receipts: split, parse strictly, validate, authorise, redact, minimise, seal, append. Each event stands for itself: a fault in
 * one leaves the others alone.
 */
export interface Intake {
  /** @throws {AuditError} What concerns the body as a whole (`BODY_INVALID` …) or the ledger (`PUSHBACK`, `OUTCOME_UNKNOWN` …). */
  acceptBody(body: Buffer, options: { principal: Principal; via: ReceivedVia; isNdjson: boolean }): Promise<IntakeResult>;
  /** The same for values that are parsed already. */
  acceptValues(values: readonly unknown[], options: { principal: Principal; via: ReceivedVia }): Promise<IntakeResult>;
}

interface Accepted {
  readonly position: number;
  readonly entry: SealedEntry;
}

export function createIntake(deps: IntakeDeps): Intake {
  const { ledger, recorder, redactor, minimizer, policy, observer } = deps;

  /** @param hints False only if the bytes of this very event say so; both only save work. */
  function prepare(
    value: unknown,
    hints: { readonly mayHoldSecrets: boolean; readonly mayNameProto: boolean },
    principal: Principal,
    via: ReceivedVia,
    at: string,
  ): SealedEntry | readonly Fault[] {
    const validated = validateEvent(value, { tenant: defaultTenant(principal), now: at, mayNameProto: hints.mayNameProto });
    if ("faults" in validated) return validated.faults;
    if (validated.keptExtensions > 0) recorder.count("EXTENSIONS_KEPT");
    let { event } = validated;
    const forbidden = writeFault(principal, event);
    if (forbidden !== undefined) return [forbidden];

    const hits = new Map<string, number>();
    const lengthBuckets = new Map<string, number>();
    if (hints.mayHoldSecrets) {
      const redacted = redact(event, hits, lengthBuckets);
      // The action names the event in the leaf and in every filter; a secret there cannot be cut out of it.
      if (redacted.action !== event.action) {
        return [{ code: "EVENT_INVALID", path: "action", message: "The action holds what looks like a secret." }];
      }
      event = redacted;
    }
    // From what is left: a value without the name beside it is no longer known as a secret.
    const security = derivedSecurity(event, deps.sensitivity);
    if (security !== undefined) {
      // Quotes and escapes that are gone may have hidden one.
      event = { ...event, security: mayHoldSecret(security) ? redact({ security }, hits, lengthBuckets).security : security };
    }
    for (const [rule, count] of hits) observer.redacted(rule, count);
    const redaction: RedactionRecord | undefined =
      hits.size === 0 ? undefined : { hits: boundedHits(hits), lengthBuckets: Object.fromEntries(lengthBuckets) };
    const minimized = minimizer.minimizeEvent(event);
    for (const [rule, count] of minimized.cuts) observer.cut(rule, count);
    const received: Received = { at, via, ...(principal.key === undefined ? {} : { key: principal.key }) };
    const entry = sealEvent(minimized.event, received, policy, redaction);
    if (!isTooLarge(entry.disclosures.content)) return entry;
    // Sealed for nothing, which only the rare event over the limit pays: measuring each one before would cost all of them.
    const fitted = fitContent(minimized.event, deps.disclosureBytesMax);
    if (fitted.cuts > 0) observer.cut("size", fitted.cuts);
    return sealEvent(fitted.event, received, policy, redaction);
  }

  /** @param hits What was found is added, and to `lengthBuckets` how long it was. */
  function redact<T extends object>(value: T, hits: Map<string, number>, lengthBuckets: Map<string, number>): T {
    const redacted = redactor.redactEvent(value);
    for (const [rule, count] of redacted.hits) hits.set(rule, (hits.get(rule) ?? 0) + count);
    for (const [bucket, count] of redacted.lengthBuckets) lengthBuckets.set(bucket, (lengthBuckets.get(bucket) ?? 0) + count);
    return redacted.hits.size === 0 ? value : redacted.event;
  }

  function mayHoldSecret(value: unknown): boolean {
    const bytes = Buffer.from(JSON.stringify(value));
    return redactor.mayContainSecrets(bytes, 0, bytes.length);
  }

  function isTooLarge(disclosure: string | undefined): boolean {
    // A code unit is at most three bytes.
    return (
      disclosure !== undefined && disclosure.length > deps.disclosureBytesMax / 3 && Buffer.byteLength(disclosure) > deps.disclosureBytesMax
    );
  }

  async function append(accepted: readonly Accepted[], errors: PositionedFault[], via: ReceivedVia): Promise<IntakeResult> {
    const results: readonly AppendResult[] = accepted.length === 0 ? [] : await ledger.append(accepted.map(({ entry }) => entry));
    const receipts: PositionedReceipt[] = [];
    let duplicates = 0;
    results.forEach((result, i) => {
      const position = accepted[i]?.position ?? i;
      if ("conflictIndex" in result) {
        errors.push({
          position,
          code: "ID_CONFLICT",
          path: "id",
          message: "An event with this id but another time, action or outcome is already in the trail. Use a fresh id.",
        });
        return;
      }
      if (result.isDuplicate) duplicates += 1;
      receipts.push(result.isDuplicate ? { ...result.receipt, position, duplicate: true } : { ...result.receipt, position });
    });
    if (receipts.length > 0) {
      recorder.active();
      observer.accepted(via, receipts.length - duplicates, duplicates);
    }
    const refusedPositions = new Map<number, ErrorCode>();
    for (const error of errors) if (!refusedPositions.has(error.position)) refusedPositions.set(error.position, error.code);
    for (const code of refusedPositions.values()) {
      recorder.count(code);
      observer.refused(code, 1);
    }
    errors.sort((left, right) => left.position - right.position);
    return { receipts, errors };
  }

  /** Prepares each event by itself; what one throws is its own fault. */
  function accept(
    count: number,
    via: ReceivedVia,
    prepareAt: (position: number, at: string) => SealedEntry | readonly Fault[],
  ): Promise<IntakeResult> {
    const at = deps.now();
    const accepted: Accepted[] = [];
    const errors: PositionedFault[] = [];
    for (let position = 0; position < count; position++) {
      try {
        const prepared = prepareAt(position, at);
        if ("leaf" in prepared) accepted.push({ position, entry: prepared });
        else for (const fault of prepared) errors.push({ position, ...fault });
      } catch (error) {
        if (!(error instanceof AuditError)) throw error;
        errors.push({ position, ...faultOf(error) });
      }
    }
    return append(accepted, errors, via);
  }

  return {
    async acceptBody(body, { principal, via, isNdjson }) {
      const { values } = splitBody(body, isNdjson);
      // Once for the whole body, because nearly none has it; an escape can spell it too.
      const bodyNamesProto = body.includes("__proto__") || values.some((value) => value.hasUnicodeEscape);
      return accept(values.length, via, (position, at) => {
        const scanned = values[position]!;
        const { start, end } = scanned;
        if (end - start > EVENT_BYTES_MAX) {
          throw new AuditError("EVENT_TOO_LARGE", {
            message: `One event has at most ${EVENT_BYTES_MAX} bytes.`,
            detail: { bytes: end - start },
          });
        }
        const value = parseStrictly(body, scanned);
        const hints = {
          mayHoldSecrets: redactor.mayContainSecrets(body, start, end),
          mayNameProto: bodyNamesProto && (scanned.hasUnicodeEscape || body.subarray(start, end).includes("__proto__")),
        };
        return prepare(value, hints, principal, via, at);
      });
    },
    async acceptValues(values, { principal, via }) {
      const hints = { mayHoldSecrets: true, mayNameProto: true };
      return accept(values.length, via, (position, at) => prepare(values[position], hints, principal, via, at));
    },
  };
}

const SECURITY_MEMBERS = ["permissionLevel", "resourcesAccessed", "sensitiveDataAccessed"] as const;
const TYPES_WITH_INPUT: ReadonlySet<string> = new Set(["tool", "skill", "external"]);

/**
 * The security block with the members that the sender left out derived from what its tool was given. What the sender said stays. Rules: SENS-2, SENS-3.
 *
 * @returns undefined when there is nothing to add.
 */
function derivedSecurity(event: AuditEvent, rules: SensitivityRules | undefined): Security | undefined {
  const { activity, security } = event;
  if (rules === undefined || activity === undefined || !TYPES_WITH_INPUT.has(activity.type)) return undefined;
  if (security !== undefined && SECURITY_MEMBERS.every((name) => security[name] !== undefined)) return undefined;
  const derived = deriveSecurity(activity, rules, { cwd: event.labels?.cwd ?? longFolder(event.details) });
  return derived === undefined ? undefined : { ...derived, ...security };
}

/** A working folder that is too long for a label. */
function longFolder(details: JsonObject | undefined): string | undefined {
  return typeof details?.cwd === "string" ? details.cwd : undefined;
}

/** The leaf names a bounded number of rules; hits of further ones are added up. */
function boundedHits(hits: ReadonlyMap<string, number>): JsonObject {
  const sorted = [...hits].sort(([, left], [, right]) => right - left);
  const named = sorted.slice(0, REDACTION_RULES_MAX);
  const others = sorted.slice(REDACTION_RULES_MAX).reduce((sum, [, count]) => sum + count, 0);
  return Object.fromEntries(others === 0 ? named : [...named, ["other", others]]);
}
