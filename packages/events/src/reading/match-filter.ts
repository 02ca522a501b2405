import { AuditError } from "../errors.ts";
import type { JsonObject } from "../event.ts";
import { actionSpellings } from "./action-aliases.ts";
import { type EventFilter, type FilterCondition, type FilterName, LABEL_PREFIX } from "./event-filter.ts";
import { microsOf } from "./micros.ts";
import type { EntryView } from "./reader.ts";
import { foldCase, looksIntoReads, READ_ACTION, type SectionTexts, type TextWord, textWords } from "./text-words.ts";

/** What a filter looks at, besides the section texts. */
export type FilteredEntry = Pick<EntryView, "event" | "received">;

/** Says whether an entry is what a filter asks for. `texts` are looked at by the filter `text` alone. */
export type EntryPredicate = (entry: FilteredEntry, texts: SectionTexts) => boolean;

/** Where each filter looks. Several values of one event count as any of them; what the event lacks is undefined or left out. */
const FIELDS: Readonly<Record<Exclude<FilterName, "text">, (entry: FilteredEntry) => readonly unknown[]>> = {
  tenant: ({ event }) => [event.tenant],
  actor: ({ event }) => [at(event, "actor", "id")],
  actorType: ({ event }) => [at(event, "actor", "type")],
  onBehalfOf: ({ event }) => listAt(event, "actor", "onBehalfOf").map((party) => at(party, "id")),
  action: ({ event }) => [event.action],
  target: ({ event }) => [at(event, "target", "id"), typeAndId(event)],
  targetType: ({ event }) => [at(event, "target", "type")],
  outcome: ({ event }) => [at(event, "outcome", "status")],
  code: ({ event }) => [at(event, "outcome", "code")],
  activity: ({ event }) => [at(event, "activity", "type")],
  tool: ({ event }) => [at(event, "activity", "name")],
  model: ({ event }) => [at(event, "usage", "model")],
  session: ({ event }) => [at(event, "context", "sessionId")],
  conversation: ({ event }) => [at(event, "context", "conversationId")],
  call: ({ event }) => [at(event, "context", "callId")],
  request: ({ event }) => [at(event, "context", "requestId")],
  trace: ({ event }) => [at(event, "context", "traceId")],
  ip: ({ event }) => [at(event, "context", "ipAddress")],
  sensitive: ({ event }) => [String(at(event, "security", "sensitiveDataAccessed") === true)],
  proof: ({ event }) => [at(event, "proof", "type")],
  phase: ({ event }) => [event.phase],
  source: ({ event }) => [at(event, "source", "name")],
  via: ({ received }) => [received.via],
};

/** The fields of the leaf that `text` looks at besides the sections. What else is in the leaf has a filter of its own. */
const TEXT_FIELDS: readonly ((event: JsonObject) => unknown)[] = [
  (event) => event.action,
  (event) => at(event, "actor", "id"),
  (event) => at(event, "target", "id"),
  (event) => at(event, "activity", "name"),
  (event) => at(event, "outcome", "code"),
];

/**
 * Compiles a filter. This is what filters mean: the tail uses it, and the search index is compared with it.
 *
 * @throws {AuditError} `FILTER_INVALID` for a condition whose name is no filter.
 */
export function matchesFilter(filter: EventFilter): EntryPredicate {
  const tests = [
    ...filter.conditions.map((condition) => conditionTest(condition, looksIntoReads(filter))),
    ...timeTests(filter.from, filter.to, ({ event }) => event.occurredAt),
    ...timeTests(filter.receivedFrom, filter.receivedTo, ({ received }) => received.at),
  ];
  return (entry, texts) => tests.every((test) => test(entry, texts));
}

function conditionTest(condition: FilterCondition, hasReads: boolean): EntryPredicate {
  const { name, wanted, unwanted } = condition;
  if (name === "text") {
    const isWanted = anyTextTest(wanted, hasReads);
    const isUnwanted = anyTextTest(unwanted, hasReads);
    return (entry, texts) => (wanted.length === 0 || isWanted(entry, texts)) && !isUnwanted(entry, texts);
  }
  const fields = fieldsOf(name);
  const isWanted = anyValueTest(name, wanted);
  const isUnwanted = anyValueTest(name, unwanted);
  return (entry) => {
    const values = fields(entry).filter((value) => value !== undefined);
    return (wanted.length === 0 || values.some(isWanted)) && !values.some(isUnwanted);
  };
}

function fieldsOf(name: Exclude<FilterCondition["name"], "text">): (entry: FilteredEntry) => readonly unknown[] {
  if (name.startsWith(LABEL_PREFIX)) return labelField(name.slice(LABEL_PREFIX.length));
  if (Object.hasOwn(FIELDS, name)) return FIELDS[name as Exclude<FilterName, "text">];
  throw new AuditError("FILTER_INVALID", { message: "A condition names a filter that there is not." });
}

function labelField(label: string): (entry: FilteredEntry) => readonly unknown[] {
  return ({ event: { labels } }) => (isObject(labels) && Object.hasOwn(labels, label) ? [labels[label]] : []);
}

function anyValueTest(name: string, patterns: readonly string[]): (value: unknown) => boolean {
  if (name === "activity" && patterns.includes("*")) return () => true;
  if (name !== "action") {
    const values = new Set<unknown>(patterns);
    return (value) => values.has(value);
  }
  const prefixes = patterns.filter((pattern) => pattern.endsWith("*")).map((pattern) => pattern.slice(0, -1));
  const actions = new Set<unknown>(patterns.flatMap(actionSpellings));
  return (value) => actions.has(value) || prefixes.some((prefix) => String(value).startsWith(prefix));
}

/** True when all words of any of the values occur in the entry's text. */
function anyTextTest(values: readonly string[], hasReads: boolean): EntryPredicate {
  const choices = values.map(textWords);
  return ({ event, received }, { personal, content }) => {
    if (choices.length === 0 || (!hasReads && event.action === READ_ACTION && received.via === "server")) return false;
    const sections = [content, personal].filter((text) => text !== undefined).map(foldCase);
    const fields = TEXT_FIELDS.map((field) => field(event))
      .filter((value) => value !== undefined)
      .map((value) => foldCase(String(value)));
    const occurs = ({ plain, escaped }: TextWord): boolean =>
      fields.some((field) => field.includes(plain)) || sections.some((section) => section.includes(escaped));
    return choices.some((words) => words.every(occurs));
  };
}

function timeTests(from: string | undefined, to: string | undefined, field: (entry: FilteredEntry) => unknown): EntryPredicate[] {
  if (from === undefined && to === undefined) return [];
  const fromMicros = from === undefined ? undefined : microsOf(from);
  const toMicros = to === undefined ? undefined : microsOf(to);
  return [
    (entry) => {
      const micros = microsOf(String(field(entry)));
      return (fromMicros === undefined || micros >= fromMicros) && (toMicros === undefined || micros < toMicros);
    },
  ];
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
