import { SQL_DEPTH_MAX, SQL_PLANNING_COST_MAX } from "./limits.ts";
import { nodesOf, type SqlNode, sqlForbidden } from "./sql-tree.ts";

/** Expressions whose inside is bound twice each time: n of them within each other double the work n times. */
const DOUBLING: ReadonlySet<unknown> = new Set(["LAMBDA", "SUBQUERY"]);
/** How much dearer than a node is a pair of alternatives that each hold several conditions: the planner looks for what they have in common. */
const ALTERNATIVES_COST = 28;

/** What a query costs beside its expressions: a chain of UNION ALL takes its time when it begins to run. */
const QUERY_COST = 2_500;
/** What a table costs, one of a WITH query that nobody uses too: a view stands for a table of each file. */
const TABLE_COST = 50_000;

interface Place {
  readonly value: unknown;
  /** Levels of the tree above it. */
  readonly level: number;
  /** Expressions around it, within the same query. */
  readonly depth: number;
  /** Expressions around it whose inside is bound twice. */
  readonly doublings: number;
}

/**
 * Refuses a statement that takes the planner seconds: it cannot be stopped before it is done. The work grows with the square of the depth of each
 * expression, doubles with every lambda, arrow and subquery around it, and grows with the square of alternatives. Measured: a unit takes 50 to
 * 250 ns. Rule: SQL-5.
 *
 * It also bounds the depth of the tree, so that whoever walks it afterwards may recurse.
 *
 * @throws {AuditError} `SQL_FORBIDDEN`.
 */
export function checkPlanningCost(query: SqlNode): void {
  let cost = 0;
  // A list of what is still to be seen, not recursion: a long chain of UNION is as deep as it is long.
  const open: Place[] = [{ value: query, level: 0, depth: 0, doublings: 0 }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, level } = place;
    if (typeof value !== "object" || value === null) continue;
    if (level > SQL_DEPTH_MAX)
      throw sqlForbidden("The statement is nested too deeply. Write it in steps: WITH first AS (…), second AS (…) SELECT …");
    const node = Array.isArray(value) ? undefined : (value as SqlNode);
    const isExpression = node !== undefined && typeof node.class === "string";
    const isQuery = node !== undefined && "select_list" in node;
    const depth = isQuery ? 0 : place.depth + (isExpression ? 1 : 0);
    const doublings = place.doublings + (isExpression && DOUBLING.has(node.class) ? 1 : 0);
    if (isExpression) cost += depth ** 2 * 2 ** Math.min(doublings, SQL_DEPTH_MAX) + alternativesCost(node);
    if (isQuery) cost += QUERY_COST;
    if (node?.type === "BASE_TABLE") cost += TABLE_COST;
    if (cost > SQL_PLANNING_COST_MAX) {
      throw sqlForbidden(
        "The statement takes too long to plan: its expressions are nested too deeply, or its parts are too many. Write it in steps.",
      );
    }
    for (const member of Object.values(value)) open.push({ value: member, level: level + 1, depth, doublings });
  }
}

function alternativesCost(node: SqlNode): number {
  if (node.type !== "CONJUNCTION_OR") return 0;
  return ALTERNATIVES_COST * nodesOf(node.children).filter(({ type }) => type === "CONJUNCTION_AND").length ** 2;
}
