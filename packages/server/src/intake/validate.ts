import {
  type AuditError,
  type AuditEvent,
  type AuditEventInput,
  AuditEventInputSchema,
  EVENT_SCHEMA,
  FAULTS_MAX,
  type Fault,
  type JsonObject,
} from "@vouchtrail/events";
import { v7 as uuidv7 } from "uuid";

export interface ValidateOptions {
  /** Tenant of events that name none. */
  readonly tenant: string;
  /** Time of events that name none. */
  readonly now: string;
}

export type Validated = { readonly event: AuditEvent; readonly keptExtensions: number } | { readonly faults: readonly Fault[] };

const NEWER_SCHEMA = /^vouchtrail\/[1-9]\d{0,3}$/;
const KNOWN_KEYS: ReadonlySet<string> = new Set(Object.keys(AuditEventInputSchema.shape).filter((key) => key !== "extensions"));
const EXTENSIONS_FAULT: Fault = {
  code: "KEY_UNKNOWN",
  path: "extensions",
  message: "The server fills extensions. Put free-form data under details.",
};

/**
 * Validates one event as sent and fills what may be absent. Every fault is named, not only the first.
 *
 * Unknown top-level keys are faults, unless the event carries a newer schema: then they are kept under `extensions`, so that a newer SDK never
 * loses events on an older server. Rule: INTAKE-3.
 */
export function validateEvent(value: unknown, options: ValidateOptions): Validated {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { faults: [{ code: "EVENT_INVALID", path: "", message: "Expected an event, which is a JSON object." }] };
  }
  let input = value as JsonObject;
  if (Object.hasOwn(input, "extensions")) return { faults: [EXTENSIONS_FAULT] };
  let keptExtensions = 0;
  const schema = input["schema"];
  if (typeof schema === "string" && schema !== EVENT_SCHEMA && NEWER_SCHEMA.test(schema)) {
    const known: JsonObject = {};
    const extensions: JsonObject = {};
    for (const [key, member] of Object.entries(input)) Object.defineProperty(KNOWN_KEYS.has(key) ? known : extensions, key, own(member));
    keptExtensions = Object.keys(extensions).length;
    input = keptExtensions === 0 ? known : { ...known, extensions };
  } else if (schema !== undefined && schema !== EVENT_SCHEMA) {
    return { faults: [{ code: "EVENT_INVALID", path: "schema", message: `Expected ${EVENT_SCHEMA}.` }] };
  }
  const result = AuditEventInputSchema.safeParse(input);
  if (!result.success) return { faults: toFaults(result.error.issues) };
  return { event: complete(result.data, options), keptExtensions };
}

function own(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

function complete(input: AuditEventInput, options: ValidateOptions): AuditEvent {
  const { schema: _schema, activity, ...rest } = input;
  const event = {
    ...rest,
    id: input.id?.toLowerCase() ?? uuidv7(),
    occurredAt: input.occurredAt ?? options.now,
    tenant: input.tenant ?? options.tenant,
    target: input.target ?? { type: activity?.type ?? "", id: activity?.name ?? "" },
  };
  return (activity === undefined ? event : { ...event, activity }) as AuditEvent;
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function toFaults(issues: readonly Issue[]): Fault[] {
  const faults: Fault[] = [];
  for (const issue of issues) {
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys ?? []) {
        faults.push({
          code: "KEY_UNKNOWN",
          path: [...path, key].join("."),
          message: `The schema does not know the key "${key.slice(0, 64)}".`,
        });
      }
    } else faults.push({ code: "EVENT_INVALID", path: path.join("."), message: issue.message });
  }
  if (faults.length <= FAULTS_MAX) return faults;
  const more = faults.length - FAULTS_MAX;
  return [...faults.slice(0, FAULTS_MAX), { code: "EVENT_INVALID", path: "", message: `There are ${more} more faults.` }];
}

/** The fault of an error that was thrown for one event. */
export function faultOf(error: AuditError): Fault {
  return { code: error.code, path: error.path ?? "", message: error.message };
}
