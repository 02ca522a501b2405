import type { DuckDBConnection } from "@duckdb/node-api";
import { nearestName } from "@vouchtrail/events/reading";
import { COLUMNS } from "./columns.ts";
import { SQL_COLUMNS_MAX, SQL_TABLES_MAX } from "./limits.ts";
import { CHECKED_FUNCTIONS, checkArguments } from "./sql-arguments.ts";
import { checkPlanningCost } from "./sql-cost.ts";
import { ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS, refusalOf } from "./sql-functions.ts";
import { isNode, nodesOf, parseSql, type SqlNode, sqlForbidden } from "./sql-tree.ts";
import { checkSqlType } from "./sql-types.ts";

/** What may be selected from. */
const VIEWS: ReadonlySet<string> = new Set(["entries", "deeds", "agent_audit_log"]);
const VIEW_LIST = "entries, deeds and agent_audit_log";
/** Characters of a name that a message repeats. */
const NAME_CHARS_MAX = 64;

/** How much a part of a statement is once every WITH query stands where it is used. */
interface Extent {
  /** Uses of the views, of table functions and of WITH queries. */
  readonly tables: number;
  /** Columns of its rows; 0 for an expression. */
  readonly columns: number;
}

const NOTHING: Extent = { tables: 0, columns: 0 };
const ONE_VIEW: Extent = { tables: 1, columns: COLUMNS.length };

/** A name that a WITH clause gave to a query. It hides the names further out, views too. */
interface Scope {
  readonly name: string;
  readonly extent: Extent;
  readonly outer: Scope | undefined;
}

/**
 * Lets through one SELECT statement over the views of the search index. What is not known to be harmless is refused: the kind of each node of the
 * parser's tree, each table, function and type stands in a list of what is allowed.
 *
 * It is one of several walls: the engine has no access to files outside of its folder and its settings are locked, the statement runs in a
 * transaction that only reads, and the process has nothing to lose but a cache. Rules: SQL-1 to SQL-5.
 *
 * @param connection Any connection of the engine; only its parser is used.
 * @throws {AuditError} `SQL_INVALID` with what the parser says, `SQL_FORBIDDEN` with what is not allowed and why.
 */
export async function checkSql(connection: DuckDBConnection, sql: string): Promise<void> {
  const query = await parseSql(connection, sql);
  checkPlanningCost(query);
  visitQuery(query, undefined);
}

function visitQuery(query: SqlNode, outer: Scope | undefined): Extent {
  const { cte_map: withQueries, ...members } = query;
  let scope = outer;
  for (const { key, value } of nodesOf(isNode(withQueries) ? withQueries.map : undefined)) {
    if (typeof key !== "string" || !isNode(value)) throw unknownForm("WITH");
    // Its own name is not yet there, nor are those behind it: they would mean the tables of the engine.
    scope = { name: plainName(key), extent: visitMembers(value, scope), outer: scope };
  }
  return bounded(visitQueryBody(members, scope));
}

function visitQueryBody(query: SqlNode, scope: Scope | undefined): Extent {
  switch (query.type) {
    case "SELECT_NODE": {
      const { from_table: from, select_list: list, type, ...others } = query;
      const source = visitMember(from, scope);
      const chosen = visitMember(list, scope);
      const rest = visitMembers(others, scope);
      const columns = nodesOf(list).reduce((sum, item) => sum + (hasStar(item) ? source.columns : 1), 0);
      return { tables: source.tables + chosen.tables + rest.tables, columns };
    }
    case "SET_OPERATION_NODE":
      return visitMembers(without(query, "type"), scope);
    case "RECURSIVE_CTE_NODE": {
      const { left, right, cte_name: name, type, ...others } = query;
      if (typeof name !== "string") throw unknownForm("WITH RECURSIVE");
      const first = visitMember(left, scope);
      const again = visitMember(right, { name: plainName(name), extent: first, outer: scope });
      return sumOf([first, again, visitMembers(others, scope)]);
    }
    default:
      throw unknownForm(query.type);
  }
}

function visitTable(table: SqlNode, scope: Scope | undefined): Extent {
  if (table.at_clause !== undefined) throw sqlForbidden("AT is not allowed: the search index holds the trail as it is now.");
  switch (table.type) {
    case "BASE_TABLE":
      return extentOfTable(table, scope);
    case "TABLE_FUNCTION":
      return visitTableFunction(table, scope);
    case "EXPRESSION_LIST":
      return { ...visitMember(table.values, scope), columns: Array.isArray(table.values) ? lengthOf(table.values[0]) : 0 };
    case "PIVOT": {
      const source = visitMembers(without(table, "type"), scope);
      return { ...source, columns: source.columns + pivotedColumns(table) };
    }
    case "SHOW_REF":
      if (!isNode(table.query))
        throw sqlForbidden(`Only DESCRIBE and SUMMARIZE of ${VIEW_LIST}, or of a SELECT over them, can be shown here.`);
      return visitMember(table.query, scope);
    default:
      return visitMembers(without(table, "type"), scope);
  }
}

function extentOfTable({ catalog_name: catalog, schema_name: schema, table_name: table }: SqlNode, scope: Scope | undefined): Extent {
  const name = plainName(table);
  if (catalog === undefined && schema === undefined) {
    for (let named = scope; named !== undefined; named = named.outer) {
      // At least one: a query without tables is planned again for each use as well, and uses of uses multiply.
      if (named.name === name) return { ...named.extent, tables: Math.max(1, named.extent.tables) };
    }
    if (VIEWS.has(name)) return ONE_VIEW;
  }
  const written = [catalog, schema, table].filter((part) => part !== undefined).join(".");
  throw sqlForbidden(
    `There is no table "${written.slice(0, NAME_CHARS_MAX)}" here. ${VIEW_LIST} can be asked; files and the engine's own tables cannot.`,
  );
}

function visitTableFunction({ function: call, ...others }: SqlNode, scope: Scope | undefined): Extent {
  if (!isNode(call)) throw unknownForm("TABLE_FUNCTION");
  const name = plainName(call.function_name);
  if (isQualified(call) || !ALLOWED_TABLE_FUNCTIONS.has(name)) {
    throw sqlForbidden(
      `The table function "${shown(call.function_name)}" is not allowed. Allowed are ${[...ALLOWED_TABLE_FUNCTIONS].join(", ")}.`,
    );
  }
  const inner = sumOf([visitMember(call.children, scope), visitMembers(without(others, "type"), scope)]);
  return { tables: inner.tables + 1, columns: COLUMNS.length };
}

/** Kinds of table that hold others, and nothing that is to be checked on its own. */
const TABLES: ReadonlySet<unknown> = new Set([
  "BASE_TABLE",
  "TABLE_FUNCTION",
  "EXPRESSION_LIST",
  "PIVOT",
  "SHOW_REF",
  "JOIN",
  "SUBQUERY",
  "EMPTY",
]);
const QUERIES: ReadonlySet<unknown> = new Set(["SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"]);
/** ORDER BY, LIMIT, DISTINCT: they hold expressions. */
const MODIFIERS: ReadonlySet<unknown> = new Set([
  ...["ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"],
  ...["ORDER_DEFAULT", "ASCENDING", "DESCENDING"],
]);
const EXPRESSIONS: ReadonlySet<unknown> = new Set([
  ...["BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "OPERATOR"],
  ...["POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "WINDOW"],
]);

/** Looks at whatever a node holds. It may recurse: the tree was found to be shallow. */
function visitMember(value: unknown, scope: Scope | undefined): Extent {
  if (Array.isArray(value)) return sumOf(value.map((member) => visitMember(member, scope)));
  if (!isNode(value)) return NOTHING;
  if (value.class !== undefined) return visitExpression(value, scope);
  if (typeof value.type !== "string") return visitMembers(value, scope);
  if (QUERIES.has(value.type)) return visitQuery(value, scope);
  if (TABLES.has(value.type)) return bounded(visitTable(value, scope));
  if (MODIFIERS.has(value.type)) return visitMembers(without(value, "type"), scope);
  throw unknownForm(value.type);
}

function visitMembers(node: SqlNode, scope: Scope | undefined): Extent {
  return sumOf(Object.values(node).map((member) => visitMember(member, scope)));
}

function visitExpression(expression: SqlNode, scope: Scope | undefined): Extent {
  const { class: kind } = expression;
  if (kind === "PARAMETER") throw sqlForbidden("Parameters such as ? and $1 have no values here: write the values into the statement.");
  if (!EXPRESSIONS.has(kind)) throw unknownForm(kind);
  if (kind === "CONSTANT") return NOTHING;
  if (kind === "FUNCTION" || kind === "WINDOW") checkFunction(expression);
  const { cast_type: type, ...members } = without(expression, "type", "class");
  if (kind === "CAST") checkSqlType(type);
  // Its columns are those of the rows around it only for a table.
  return { ...visitMembers(members, scope), columns: 0 };
}

function checkFunction(call: SqlNode): void {
  const name = plainName(call.function_name);
  if (isQualified(call)) throw sqlForbidden(`Nothing may stand before the name of a function: write ${shown(call.function_name)}(…).`);
  if (call.export_state === true) throw sqlForbidden("EXPORT_STATE is not allowed.");
  checkArguments(call, name);
  if (CHECKED_FUNCTIONS.has(name) || ALLOWED_FUNCTIONS.has(name)) return;
  const reason = refusalOf(name);
  if (reason !== undefined) throw sqlForbidden(`The function "${shown(name)}" is not allowed: ${reason}`);
  const nearest = nearestName(name, [...ALLOWED_FUNCTIONS, ...CHECKED_FUNCTIONS]);
  throw sqlForbidden(`There is no function "${shown(name)}" here.${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`);
}

/** The parser itself puts `main` before functions that it knows. */
function isQualified({ catalog, schema }: SqlNode): boolean {
  return catalog !== undefined || (schema !== undefined && schema !== "main");
}

/** Whether an item of a select list stands for all columns: `*`, `COLUMNS(…)`, also within an expression. */
function hasStar(item: SqlNode): boolean {
  const open: unknown[] = [item];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (isNode(value) && value.class === "STAR") return true;
    if (typeof value === "object" && value !== null) open.push(...Object.values(value).filter((member) => typeof member === "object"));
  }
  return false;
}

function pivotedColumns({ pivots, aggregates }: SqlNode): number {
  const values = nodesOf(pivots).reduce((product, pivot) => product * Math.max(1, lengthOf(pivot.entries)), 1);
  return values * Math.max(1, lengthOf(aggregates));
}

function bounded(extent: Extent): Extent {
  if (extent.tables > SQL_TABLES_MAX) {
    throw sqlForbidden(
      `The statement uses tables more than ${SQL_TABLES_MAX} times, counting every use of a WITH query for what is in it.`,
    );
  }
  if (extent.columns > SQL_COLUMNS_MAX) throw sqlForbidden(`A part of the statement has more than ${SQL_COLUMNS_MAX} columns.`);
  return extent;
}

function sumOf(extents: readonly Extent[]): Extent {
  return extents.reduce((sum, { tables, columns }) => ({ tables: sum.tables + tables, columns: sum.columns + columns }), NOTHING);
}

function without(node: SqlNode, ...names: readonly string[]): SqlNode {
  return Object.fromEntries(Object.entries(node).filter(([name]) => !names.includes(name)));
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

/** The engine compares names without regard to case, but only of ASCII letters: the sign of Kelvin is no k to it. */
function plainName(name: unknown): string {
  return String(name).replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function shown(name: unknown): string {
  return String(name).slice(0, NAME_CHARS_MAX);
}

function unknownForm(kind: unknown): Error {
  return sqlForbidden(`This form of SELECT is not allowed here (${shown(kind)}).`);
}
