import { AuditError, type EntryView, type JsonObject } from "@vouchtrail/events";

/** Values of one filter: any of `wanted`, none of `unwanted`. */
interface Choice {
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
}

/** Where each filter looks. Several values of one event count as any of them. */
const FIELDS: Readonly<Record<string, (view: EntryView) => readonly unknown[]>> = {
  tenant: ({ event }) => [event.tenant],
  actor: ({ event }) => [at(event, "actor", "id")],
  onBehalfOf: ({ event }) => listAt(event, "actor", "onBehalfOf").map((party) => at(party, "id")),
  action: ({ event }) => [event.action],
  target: ({ event }) => [at(event, "target", "id"), typeAndId(event)],
  outcome: ({ event }) => [at(event, "outcome", "status")],
  tool: ({ event }) => [at(event, "activity", "name")],
  session: ({ event }) => [at(event, "context", "sessionId")],
  conversation: ({ event }) => [at(event, "context", "conversationId")],
  call: ({ event }) => [at(event, "context", "callId")],
  request: ({ event }) => [at(event, "context", "requestId")],
  trace: ({ event }) => [at(event, "context", "traceId")],
  ip: ({ event }) => [at(event, "context", "ipAddress")],
  sensitive: ({ event }) => [String(at(event, "security", "sensitiveDataAccessed") === true)],
  source: ({ event }) => [at(event, "source", "name")],
  via: ({ received }) => [received.via],
};

/** Names of the filters besides `label.x`. */
export const FILTER_NAMES: readonly string[] = Object.keys(FIELDS);
/** Values of all filters of one request together. */
const FILTER_VALUES_MAX = 100;
const FILTER_CHARS_MAX = 1_000;

/**
 * Compiles query parameters into a predicate. A parameter repeats for OR and takes `!` for NOT; `action` takes a prefix with `*`.
 *
 * @throws {AuditError} `FILTER_INVALID` with the name of the parameter.
 */
export function compileFilter(query: Readonly<Record<string, unknown>>): (view: EntryView) => boolean {
  const tests: ((view: EntryView) => boolean)[] = [];
  let count = 0;
  for (const [name, raw] of Object.entries(query)) {
    const values = (Array.isArray(raw) ? raw : [raw]).map(String);
    count += values.length;
    if (count > FILTER_VALUES_MAX)
      throw new AuditError("FILTER_INVALID", { path: name, message: `At most ${FILTER_VALUES_MAX} filter values.` });
    if (values.some((value) => value === "" || value.length > FILTER_CHARS_MAX)) {
      throw new AuditError("FILTER_INVALID", { path: name, message: `A filter value has 1 to ${FILTER_CHARS_MAX} characters.` });
    }
    const fields = /^label\../.test(name)
      ? labelField(name.slice("label.".length))
      : Object.hasOwn(FIELDS, name)
        ? FIELDS[name]
        : undefined;
    if (fields === undefined) {
      throw new AuditError("FILTER_INVALID", {
        path: name,
        message: `There is no filter "${name.slice(0, 64)}". There are: ${FILTER_NAMES.join(", ")}, label.<name>.`,
      });
    }
    const choice: Choice = {
      wanted: values.filter((value) => !value.startsWith("!")),
      unwanted: values.filter((value) => value.startsWith("!")).map((value) => value.slice(1)),
    };
    const equal = name === "action" ? matchesAction : (value: string, pattern: string): boolean => value === pattern;
    tests.push((view) => {
      const texts = fields(view)
        .filter((value) => value !== undefined)
        .map(String);
      const isAny = (patterns: readonly string[]): boolean => patterns.some((pattern) => texts.some((text) => equal(text, pattern)));
      return (choice.wanted.length === 0 || isAny(choice.wanted)) && !isAny(choice.unwanted);
    });
  }
  return (view) => tests.every((test) => test(view));
}

function matchesAction(value: string, pattern: string): boolean {
  return pattern.endsWith("*") ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
}

function labelField(name: string): (view: EntryView) => readonly unknown[] {
  return ({ event }) => {
    const labels = event.labels;
    return isObject(labels) && Object.hasOwn(labels, name) ? [labels[name]] : [];
  };
}

function typeAndId(event: JsonObject): string | undefined {
  const id = at(event, "target", "id");
  return id === undefined ? undefined : `${String(at(event, "target", "type"))}/${String(id)}`;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found: unknown = value;
  for (const name of path) found = isObject(found) ? found[name] : undefined;
  return found;
}

function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
