import { isDeepStrictEqual } from "node:util";
import { AuditError, type AuditEvent, AuditEventInputSchema } from "@vouchtrail/events";
import type { Transport } from "../../transport.ts";
import { setAuditEmitter } from "../default-emitter.ts";
import { AuditEmitter, type AuditEmitterConfig } from "../emitter.ts";

/** What an event must have: the members that are named, however deep. Members that are not named may be anything; arrays must be equal. */
export type ExpectedEvent = { readonly action: string } & PartialOf<AuditEvent>;
type PartialOf<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]?: PartialOf<Value[Key]> }
    : Value;

/** An emitter without a trail, for tests of an application. */
export interface MockAudit {
  /** A real emitter: it completes and checks events as any other does. */
  readonly emitter: AuditEmitter;
  /** All events that were recorded, oldest first, as the trail would have been sent them. */
  readonly events: readonly AuditEvent[];
  /**
   * @returns The first event that has all of this.
   * @throws {Error} There is none; the message shows what was recorded instead, nearest first.
   */
  assertAudited(expected: ExpectedEvent): AuditEvent;
  /** @throws {Error} An event has all of this. */
  assertNotAudited(expected: ExpectedEvent): void;
  /** @throws {Error} Anything was recorded. */
  assertNothingAudited(): void;
  /** Forgets what was recorded. */
  clear(): void;
  /**
   * Makes this the emitter of `audit`, `emitAuditEvent` and `getAuditEmitter`.
   *
   * @returns Puts the emitter back that a process has by default.
   */
  install(): () => void;
}

/** Recorded events that a message shows. */
const SHOWN_EVENTS_MAX = 5;

/**
 * An emitter that keeps its events in memory. Nothing is sent, written or waited for: an event is in `events` as soon as `emit` or `buffer` has been called,
 * and one that the trail would refuse throws its faults from there (`emit` returns it with the state `refused`) and is not in `events`.
 *
 * @param config As that of an emitter; there is no log, and nothing of the environment is read.
 */
export function mockAudit(
  config: Omit<AuditEmitterConfig, "url" | "key" | "transport" | "spool" | "environment" | "redact"> = {},
): MockAudit {
  const events: AuditEvent[] = [];
  const emitter = new AuditEmitter({
    logger: false,
    lifecycle: false,
    ...config,
    source: { name: "test", instance: "test", ...config.source },
    environment: {
      url: undefined,
      key: undefined,
      spoolDirectory: undefined,
      sourceName: undefined,
      tenant: undefined,
      isProduction: false,
    },
    transport: createKeepingTransport(),
    spool: false,
    // Called with each event on its way out, before `emit` waits for anything.
    redact: (json) => {
      events.push(checked(json));
      return json;
    },
  });
  return {
    emitter,
    events,
    assertAudited(expected) {
      const found = events.find((event) => includes(event, expected));
      if (found === undefined) throw new Error(`Expected an audit event like ${show(expected)}.\n${describeEvents(events, expected)}`);
      return found;
    },
    assertNotAudited(expected) {
      const found = events.find((event) => includes(event, expected));
      if (found !== undefined)
        throw new Error(`Expected no audit event like ${show(expected)}, but this was recorded:\n${describe(found)}`);
    },
    assertNothingAudited() {
      if (events.length > 0) throw new Error(`Expected no audit event.\n${describeEvents(events, undefined)}`);
    },
    clear() {
      events.length = 0;
    },
    install() {
      setAuditEmitter(emitter);
      return () => setAuditEmitter(undefined);
    },
  };
}

/** Answers as a trail does that stores everything. */
function createKeepingTransport(): Transport {
  let index = 0;
  return {
    send: async (events) => events.map(({ id }) => ({ receipt: { origin: "mock", id, index: index++, leafHash: "" } })),
  };
}

/** The event as the trail reads it; throws what the trail would answer. */
function checked(json: string): AuditEvent {
  const value = JSON.parse(json) as AuditEvent;
  const parsed = AuditEventInputSchema.safeParse(value);
  if (parsed.success) return value;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new AuditError("EVENT_INVALID", { path: parsed.error.issues[0]?.path.join(".") ?? "", message: faults.join("; ") });
}

function includes(actual: unknown, expected: unknown): boolean {
  if (!isRecord(expected)) return expected === undefined || isDeepStrictEqual(actual, expected);
  return isRecord(actual) && Object.entries(expected).every(([key, value]) => includes(actual[key], value));
}

/** Leaves that differ from what is expected, as paths with both values. */
function differences(actual: unknown, expected: unknown, path: string): string[] {
  if (includes(actual, expected)) return [];
  if (!isRecord(expected) || !isRecord(actual)) return [`${path}: expected ${show(expected)}, got ${show(actual)}`];
  return Object.entries(expected).flatMap(([key, value]) => differences(actual[key], value, path === "" ? key : `${path}.${key}`));
}

function describeEvents(events: readonly AuditEvent[], expected: ExpectedEvent | undefined): string {
  if (events.length === 0) return "Nothing was recorded.";
  const seen = events.map((event) => ({ event, faults: expected === undefined ? [] : differences(event, expected, "") }));
  // An event of the same action is nearer than any other.
  const distance = ({ event, faults }: (typeof seen)[number]): number => faults.length + (event.action === expected?.action ? 0 : 1_000);
  const nearest = expected === undefined ? seen : seen.toSorted((one, other) => distance(one) - distance(other));
  const shown = nearest
    .slice(0, SHOWN_EVENTS_MAX)
    .map(({ event, faults }) => [describe(event), ...faults.map((fault) => `      ${fault}`)].join("\n"));
  const rest = events.length - shown.length;
  return [
    `Recorded ${events.length === 1 ? "was" : `were ${events.length}, nearest first`}:`,
    ...shown,
    ...(rest > 0 ? [`  … and ${rest} more`] : []),
  ].join("\n");
}

function describe({ action, actor, target, outcome, tenant, details }: AuditEvent): string {
  const on = target === undefined ? "" : ` on ${target.type}/${target.id}`;
  const code = outcome.code === undefined ? "" : ` (${outcome.code})`;
  const rest = { ...(tenant === undefined ? {} : { tenant }), ...(details === undefined ? {} : { details }) };
  return `  - ${action} by ${actor.type}/${actor.id}${on}: ${outcome.status}${code}${Object.keys(rest).length === 0 ? "" : ` ${show(rest)}`}`;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
