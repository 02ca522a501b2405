import type { EventFilter, FilterCondition, FilterName } from "@vouchtrail/events";
import { AuditError } from "@vouchtrail/events/errors";
import { actionSpellings, looksIntoReads, microsOf, READ_ACTION, type TextWord, textWords } from "@vouchtrail/events/reading";
import type { ColumnName } from "./columns.ts";
import type { StatementValue } from "./statement.ts";

/** Binds a value and gives its place in the SQL: `$3`. */
type Bind = (value: StatementValue) => string;

/** A condition for rows of `entries` or `deeds`; further values of the statement follow behind its own. */
export interface FilterSql {
  readonly where: string;
  readonly values: readonly StatementValue[];
}

/** Filters that compare one column as it is. */
const COLUMN_OF: Readonly<Partial<Record<FilterName, ColumnName>>> = {
  tenant: "tenant",
  actor: "actor_id",
  actorType: "actor_type",
  targetType: "target_type",
  outcome: "outcome_status",
  code: "outcome_code",
  activity: "activity_type",
  tool: "activity_name",
  model: "model",
  session: "session_id",
  conversation: "conversation_id",
  call: "call_id",
  request: "request_id",
  trace: "trace_id",
  ip: "ip_address",
  proof: "proof_type",
  phase: "phase",
  source: "source_name",
  via: "via",
};

/** Plain columns that `text` looks at: what the leaf says and no section repeats. */
const TEXT_COLUMNS = ["action", "actor_id", "target_id", "activity_name", "outcome_code"] as const satisfies readonly ColumnName[];
const SECTION_COLUMNS = ["content", "personal"] as const satisfies readonly ColumnName[];

const LABEL_PREFIX = "label.";
// Characters that no other character is folded to. A word of these alone is found without folding a column, which takes twice as long.
const CASELESS = /^[\p{Lo}\p{Nd}\p{P}\p{Sc}\p{Sk}\p{Sm}\p{Zs}]+$/u;

/**
 * A filter as SQL. It accepts exactly the rows whose entries `matchesFilter` accepts.
 *
 * @param tenant The tenant that the asker is bound to: nothing of another one is looked at, whatever the filter says.
 * @throws {AuditError} `FILTER_INVALID` for a condition whose name is no filter. Rule: FILTER-10.
 */
export function filterSql(filter: EventFilter, { tenant }: { readonly tenant?: string | undefined } = {}): FilterSql {
  const values: StatementValue[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const parts = [
    ...(tenant === undefined ? [] : [`tenant = ${bind(tenant)}`]),
    ...timeSql("occurred_at", filter.from, filter.to, bind),
    ...timeSql("received_at", filter.receivedFrom, filter.receivedTo, bind),
    ...filter.conditions.flatMap((condition) => conditionSql(condition, bind, looksIntoReads(filter))),
  ];
  return { where: parts.length === 0 ? "true" : parts.map((part) => `(${part})`).join(" AND "), values };
}

function timeSql(column: ColumnName, from: string | undefined, to: string | undefined, bind: Bind): string[] {
  const moment = (time: string): string => `make_timestamptz(${bind(microsOf(time))}::BIGINT)`;
  return [...(from === undefined ? [] : [`${column} >= ${moment(from)}`]), ...(to === undefined ? [] : [`${column} < ${moment(to)}`])];
}

function conditionSql({ name, wanted, unwanted }: FilterCondition, bind: Bind, hasReads: boolean): string[] {
  const any = (values: readonly string[]): string => {
    const found = anySql(name, values, bind);
    return name !== "text" || hasReads ? found : `(${found} AND NOT (action = '${READ_ACTION}' AND via = 'server'))`;
  };
  return [
    ...(wanted.length === 0 ? [] : [any(wanted)]),
    // What the entry lacks is NULL, and shuts nothing out.
    ...(unwanted.length === 0 ? [] : [`(${any(unwanted)}) IS NOT TRUE`]),
  ];
}

/** The row has any of the values. NULL counts as no. */
function anySql(name: FilterCondition["name"], values: readonly string[], bind: Bind): string {
  const list = (column: string, texts: readonly string[]): string => `${column} IN (${texts.map((text) => bind(text)).join(", ")})`;
  if (name.startsWith(LABEL_PREFIX)) return anyOf(values.map((value) => labelSql(name.slice(LABEL_PREFIX.length), value, bind)));
  switch (name) {
    case "text":
      return anyOf(values.map((value) => textSql(value, bind)));
    case "action":
      return actionSql(values, list, bind);
    case "activity":
      return values.includes("*") ? "activity_type IS NOT NULL" : list("activity_type", values);
    case "target":
      return targetSql(values, list);
    case "onBehalfOf":
      return anyOf(values.map((value) => onBehalfOfSql(value, bind)));
    case "sensitive":
      return `coalesce(sensitive_data_accessed, false) IN (${values.map((value) => bind(value === "true")).join(", ")})`;
    default: {
      const column = Object.hasOwn(COLUMN_OF, name) ? COLUMN_OF[name as FilterName] : undefined;
      if (column === undefined) throw new AuditError("FILTER_INVALID", { message: "A condition names a filter that there is not." });
      return list(column, values);
    }
  }
}

function actionSql(values: readonly string[], list: (column: string, texts: readonly string[]) => string, bind: Bind): string {
  const prefixes = values.filter((value) => value.endsWith("*")).map((value) => value.slice(0, -1));
  const actions = values.filter((value) => !value.endsWith("*"));
  return anyOf([
    ...(actions.length === 0 ? [] : [list("action", [...new Set(actions.flatMap(actionSpellings))])]),
    ...prefixes.map((prefix) => (prefix === "" ? "true" : `starts_with(action, ${bind(prefix)})`)),
  ]);
}

function targetSql(values: readonly string[], list: (column: string, texts: readonly string[]) => string): string {
  const qualified = values.filter((value) => value.includes("/"));
  return anyOf([list("target_id", values), ...(qualified.length === 0 ? [] : [list("(target_type || '/' || target_id)", qualified)])]);
}

/** `on_behalf_of` is `["a","b"]`: the first one anchored, the others behind a comma. */
function onBehalfOfSql(id: string, bind: Bind): string {
  const text = JSON.stringify(id);
  const inside = `contains(on_behalf_of, ${bind(`,${text}`)})`;
  return anyOf([`starts_with(on_behalf_of, ${bind(`[${text}`)})`, exactly(inside, id, () => `json_contains(on_behalf_of, ${bind(text)})`)]);
}

/** `labels` is `{"a":"b","c":"d"}`. */
function labelSql(label: string, value: string, bind: Bind): string {
  const text = `${JSON.stringify(label)}:${JSON.stringify(value)}`;
  const inside = `contains(labels, ${bind(`,${text}`)})`;
  return anyOf([`starts_with(labels, ${bind(`{${text}`)})`, exactly(inside, label, () => `json_contains(labels, ${bind(`{${text}}`)})`)]);
}

/**
 * A comma and a quotation mark are also the end of a text that ends with a comma: `["x,","y"]` holds `,","`. What could follow such an end begins
 * with one of four characters, so only a text that begins with one needs the slow, exact look.
 */
function exactly(inside: string, text: string, exact: () => string): string {
  return /^[,:\]}]/.test(text) ? `(${inside} AND ${exact()})` : inside;
}

function textSql(value: string, bind: Bind): string {
  const words = textWords(value);
  return words.length === 0 ? "true" : `(${words.map((word) => `(${wordSql(word, bind)})`).join(" AND ")})`;
}

/** Sections hold JSON text, so they are searched for the word as JSON writes it. */
function wordSql({ plain, escaped }: TextWord, bind: Bind): string {
  const place = bind(plain);
  const escapedPlace = escaped === plain ? place : bind(escaped);
  const folded = (column: string): string => (CASELESS.test(plain) ? column : `lower(${column})`);
  return anyOf([
    ...TEXT_COLUMNS.map((column) => `contains(${folded(column)}, ${place})`),
    ...SECTION_COLUMNS.map((column) => `contains(${folded(column)}, ${escapedPlace})`),
  ]);
}

function anyOf(parts: readonly string[]): string {
  return parts.length === 1 ? (parts[0] ?? "false") : `(${parts.join(" OR ")})`;
}
