import { AuditError } from "../errors.ts";
import { ACTIVITY_TYPES, ACTOR_TYPES, OUTCOME_STATUSES, PHASES, PROOF_TYPES, TenantSchema, TimestampSchema } from "../event.ts";
import { LABEL_NAME_CHARS_MAX } from "../limits.ts";
import { RECEIVED_VIA } from "../sections.ts";
import {
  type EventFilter,
  FILTER_NAMES,
  type FilterCondition,
  type FilterName,
  LABEL_PREFIX,
  TIME_FILTER_NAMES,
  type TimeFilterName,
} from "./event-filter.ts";
import { FILTER_CHARS_MAX, FILTER_VALUES_MAX, TEXT_WORDS_MAX, UNKNOWN_NAME_CHARS_MAX } from "./limits.ts";
import { microsOf } from "./micros.ts";
import { nearestName } from "./nearest-name.ts";
import { textWords } from "./text-words.ts";

/** Filters that know all their values. */
const KNOWN_VALUES: Readonly<Partial<Record<FilterName, readonly string[]>>> = {
  actorType: ACTOR_TYPES,
  outcome: OUTCOME_STATUSES,
  activity: [...ACTIVITY_TYPES, "*"],
  sensitive: ["true", "false"],
  proof: PROOF_TYPES,
  phase: PHASES,
  via: RECEIVED_VIA,
};

const DATE_PATTERN = /^\d{4}-\d{2}-\d{2}$/;
// A lone half of a pair has no UTF-8: it could meet other text in the search index.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The values of one filter while they are read. */
interface Choice {
  readonly wanted: Set<string>;
  readonly unwanted: Set<string>;
}

/**
 * Reads a filter from parameters, as a query string or a command line gives them: text or a list of texts by name; undefined is passed over.
 * A parameter repeats for OR, `!` in front of a value is NOT, `\!` in front stands for a value that begins with `!`; `action` takes a prefix with
 * a trailing `*`, `activity=*` any activity. Times are RFC 3339 or a date, which is its midnight in UTC; `from` is included, `to` is not.
 *
 * @returns The same filter for the same parameters in any order: conditions in the order of {@link FILTER_NAMES}, values sorted, each once.
 * @throws {AuditError} `FILTER_INVALID` with the parameter as path. Rules: FILTER-1 to FILTER-5, FILTER-7.
 */
export function parseFilter(query: Readonly<Record<string, unknown>>): EventFilter {
  const choices = new Map<string, Choice>();
  const times: Partial<Record<TimeFilterName, string>> = {};
  let count = 0;
  for (const [name, raw] of Object.entries(query)) {
    if (raw === undefined) continue;
    const values: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
    count += values.length;
    if (count > FILTER_VALUES_MAX) throw invalid(name, `A filter has at most ${FILTER_VALUES_MAX} values in all.`);
    if (isTimeName(name)) {
      if (values.length > 1) throw invalid(name, `${name} stands once.`);
      if (values.length === 1) times[name] = parseTime(name, values[0]);
    } else if (isConditionName(name)) {
      if (values.length > 0) choices.set(name, parseChoice(name, values));
    } else throw unknownName(name);
  }
  checkWords(choices.get("text"));
  checkSpan(times, "from", "to");
  checkSpan(times, "receivedFrom", "receivedTo");
  return { conditions: toConditions(choices), ...times };
}

/**
 * The parameters that {@link parseFilter} reads this filter from, in a fixed order: equal filters have equal parameters.
 *
 * @param filter As `parseFilter` gives it; another one comes back with its conditions merged and sorted.
 */
export function filterParameters(filter: EventFilter): [name: string, value: string][] {
  const choices = new Map<string, Choice>();
  for (const { name, wanted, unwanted } of filter.conditions) {
    const choice = choices.get(name) ?? { wanted: new Set(), unwanted: new Set() };
    for (const value of wanted) choice.wanted.add(value);
    for (const value of unwanted) choice.unwanted.add(value);
    choices.set(name, choice);
  }
  return [
    ...toConditions(choices).flatMap(({ name, wanted, unwanted }) => [
      ...wanted.map((value): [string, string] => [name, formatWanted(value)]),
      ...unwanted.map((value): [string, string] => [name, `!${value}`]),
    ]),
    ...TIME_FILTER_NAMES.flatMap((name): [string, string][] => {
      const time = filter[name];
      return time === undefined ? [] : [[name, time]];
    }),
  ];
}

function toConditions(choices: ReadonlyMap<string, Choice>): FilterCondition[] {
  const labels = [...choices.keys()].filter((name) => name.startsWith(LABEL_PREFIX)).sort();
  return [...FILTER_NAMES, ...labels].flatMap((name) => {
    const choice = choices.get(name);
    if (choice === undefined) return [];
    return [{ name: name as FilterCondition["name"], wanted: [...choice.wanted].sort(), unwanted: [...choice.unwanted].sort() }];
  });
}

function parseChoice(name: FilterCondition["name"], values: readonly unknown[]): Choice {
  const choice: Choice = { wanted: new Set(), unwanted: new Set() };
  for (const raw of values) {
    if (typeof raw !== "string") throw invalid(name, "The value of a filter is text.");
    const isUnwanted = raw.startsWith("!");
    const value = isUnwanted ? raw.slice(1) : parseWanted(raw);
    checkValue(name, value);
    (isUnwanted ? choice.unwanted : choice.wanted).add(value);
  }
  return choice;
}

// Backslashes in front of a leading `!` are the only ones that mean something: one of them goes.
function parseWanted(raw: string): string {
  return /^\\+!/.test(raw) ? raw.slice(1) : raw;
}

function formatWanted(value: string): string {
  return /^\\*!/.test(value) ? `\\${value}` : value;
}

function checkValue(name: FilterCondition["name"], value: string): void {
  if (value === "" || value.length > FILTER_CHARS_MAX)
    throw invalid(name, `The value of a filter has 1 to ${FILTER_CHARS_MAX} characters.`);
  if (LONE_SURROGATE.test(value)) throw invalid(name, "The value of a filter is well-formed text; this holds half of a surrogate pair.");
  const known = Object.hasOwn(KNOWN_VALUES, name) ? KNOWN_VALUES[name as FilterName] : undefined;
  if (known !== undefined && !known.includes(value)) throw invalid(name, `${name} is one of: ${known.join(", ")}.`);
  if (name === "tenant" && !TenantSchema.safeParse(value).success)
    throw invalid(name, "The name of a tenant has 1 to 64 letters, digits and . _ -.");
  if (name === "action" && value.slice(0, -1).includes("*"))
    throw invalid(name, "In an action, * stands only at the end: ai.* is every action that begins with ai.");
  if (name === "text" && textWords(value).length === 0) throw invalid(name, "There is no word in this text.");
}

function checkWords(text: Choice | undefined): void {
  const count = [...(text?.wanted ?? []), ...(text?.unwanted ?? [])].reduce((sum, value) => sum + textWords(value).length, 0);
  if (count > TEXT_WORDS_MAX)
    throw invalid("text", `At most ${TEXT_WORDS_MAX} words are looked for at a time. Put words that stand together in double quotes.`);
}

function parseTime(name: TimeFilterName, raw: unknown): string {
  const time = typeof raw === "string" && DATE_PATTERN.test(raw) ? `${raw}T00:00:00.000Z` : raw;
  const parsed = TimestampSchema.safeParse(time);
  if (parsed.success) return parsed.data;
  const isPlusLost = typeof raw === "string" && /\d \d\d:\d\d$/.test(raw);
  const hint = isPlusLost ? " In a URL, the + of a zone is written %2B." : "";
  throw invalid(name, `${name} is a time such as 2026-01-31T12:00:00.000Z, or a date such as 2026-01-31.${hint}`);
}

function checkSpan(times: Partial<Record<TimeFilterName, string>>, from: TimeFilterName, to: TimeFilterName): void {
  const start = times[from];
  const end = times[to];
  if (start === undefined || end === undefined || microsOf(start) < microsOf(end)) return;
  throw invalid(to, `${to} must be later than ${from}: ${from} is the first moment that counts, ${to} the first that does not.`);
}

function isTimeName(name: string): name is TimeFilterName {
  return (TIME_FILTER_NAMES as readonly string[]).includes(name);
}

function isConditionName(name: string): name is FilterCondition["name"] {
  if (!name.startsWith(LABEL_PREFIX)) return (FILTER_NAMES as readonly string[]).includes(name);
  const label = name.slice(LABEL_PREFIX.length);
  if (label === "" || label.length > LABEL_NAME_CHARS_MAX || LONE_SURROGATE.test(label))
    throw invalid(name, `The name of a label has 1 to ${LABEL_NAME_CHARS_MAX} characters.`);
  return true;
}

function unknownName(name: string): AuditError {
  const [head = "", ...rest] = name.split(".");
  const labelName = `${LABEL_PREFIX}${rest.join(".")}`;
  const isLabel = rest.length > 0 && nearestName(head, [LABEL_PREFIX.slice(0, -1)]) !== undefined;
  const nearest = isLabel ? labelName : nearestName(name, [...FILTER_NAMES, ...TIME_FILTER_NAMES]);
  const guess = nearest === undefined ? "" : ` Did you mean ${quote(nearest)}?`;
  const list = [...FILTER_NAMES, ...TIME_FILTER_NAMES, `${LABEL_PREFIX}<name>`].join(", ");
  return invalid(name, `There is no filter ${quote(name)}.${guess} There are: ${list}.`);
}

// As JSON text, so that no control character of a name reaches a terminal.
function quote(name: string): string {
  return JSON.stringify(name.slice(0, UNKNOWN_NAME_CHARS_MAX));
}

function invalid(path: string, message: string): AuditError {
  return new AuditError("FILTER_INVALID", { path: path.slice(0, LABEL_PREFIX.length + LABEL_NAME_CHARS_MAX), message });
}
