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
  /** False only if no key of the value can be `__proto__`; saves a walk over the value. */
  readonly mayNameProto?: boolean;
}

export type Validated = { readonly event: AuditEvent; readonly keptExtensions: number } | { readonly faults: readonly Fault[] };

const NEWER_SCHEMA = /^vouchtrail\/[1-9]\d{0,3}$/;
const KNOWN_KEYS: ReadonlySet<string> = new Set(Object.keys(AuditEventInputSchema.shape).filter((key) => key !== "extensions"));
/** Below these members any key is data. */
const FREE_FORM: ReadonlySet<string> = new Set(["details", "result", "data", "before", "after", "parameters", "shown", "extensions"]);
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
  const schema = input.schema;
  if (typeof schema === "string" && schema !== EVENT_SCHEMA && NEWER_SCHEMA.test(schema)) {
    const known: JsonObject = {};
    const extensions: JsonObject = {};
    for (const [key, member] of Object.entries(input)) Object.defineProperty(KNOWN_KEYS.has(key) ? known : extensions, key, own(member));
    keptExtensions = Object.keys(extensions).length;
    input = keptExtensions === 0 ? known : { ...known, extensions };
  } else if (schema !== undefined && schema !== EVENT_SCHEMA) {
    return { faults: [{ code: "EVENT_INVALID", path: "schema", message: `Expected ${EVENT_SCHEMA}.` }] };
  }
  const protoPath = options.mayNameProto === false ? undefined : findProto(input, []);
  if (protoPath !== undefined)
    return { faults: [{ code: "KEY_UNKNOWN", path: protoPath, message: 'The schema does not know the key "__proto__".' }] };
  const result = AuditEventInputSchema.safeParse(input);
  if (!result.success) return { faults: toFaults(result.error.issues) };
  const { data } = result;
  return { event: complete(data.schema === undefined ? data : withoutSchema(data), options), keptExtensions };
}

/** Zod drops a key named `__proto__` without a word; nothing may be lost that way. */
function findProto(value: unknown, path: readonly string[]): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, "__proto__")) return [...path, "__proto__"].join(".");
  for (const [key, member] of Object.entries(value)) {
    if (typeof member !== "object" || FREE_FORM.has(key)) continue;
    const found = findProto(member, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function own(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

/** Fills what may be absent, in place: the validator's result is a fresh object that nobody else has. */
function complete(input: AuditEventInput, options: ValidateOptions): AuditEvent {
  const { activity } = input;
  input.id = input.id?.toLowerCase() ?? uuidv7();
  input.occurredAt ??= options.now;
  input.tenant ??= options.tenant;
  input.target ??= { type: activity?.type ?? "", id: activity?.name ?? "" };
  return input as AuditEvent;
}

function withoutSchema({ schema: _schema, ...rest }: AuditEventInput): AuditEventInput {
  return rest;
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
