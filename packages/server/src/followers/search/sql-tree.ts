import type { DuckDBConnection } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events/errors";
import { SQL_CHARS_MAX, SQL_COMMENTS_MAX } from "./limits.ts";

/** A node of the tree that DuckDB's own parser makes of a statement, as JSON. No name of a member comes from the statement. */
export interface SqlNode {
  readonly [name: string]: unknown;
}

/**
 * The query of a text that holds one SELECT statement and nothing else. It is parsed by DuckDB's own parser: what is meant is not guessed from the
 * text. Nothing of the statement is looked up or run.
 *
 * Rules: SQL-1, SQL-8.
 *
 * @throws {AuditError} `SQL_INVALID` for what is no SQL, with what the parser says and where; `SQL_FORBIDDEN` for any other statement.
 */
export async function parseSql(connection: DuckDBConnection, sql: string): Promise<SqlNode> {
  checkText(sql);
  const reader = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)", [sql]);
  const tree = JSON.parse(String(reader.getRowsJS()[0]?.[0])) as SqlNode;
  if (tree.error === true) throw await parserError(connection, sql, String(tree.error_message));
  const statements = nodesOf(tree.statements);
  const [query] = statements;
  if (statements.length > 1) throw sqlForbidden("Only one statement can be run at a time.");
  if (query === undefined || !isNode(query.node))
    throw sqlInvalid("There is no statement in it. Ask for example: SELECT count(*) FROM deeds");
  return query.node;
}

export function sqlInvalid(message: string, cause?: unknown): AuditError {
  return new AuditError("SQL_INVALID", { path: "sql", message, cause });
}

export function sqlForbidden(message: string): AuditError {
  return new AuditError("SQL_FORBIDDEN", { path: "sql", message });
}

export function isNode(value: unknown): value is SqlNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The nodes of a list; none for what is not a list. */
export function nodesOf(value: unknown): readonly SqlNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

const HALF_SURROGATE = /\p{Surrogate}/u;

function checkText(sql: string): void {
  if (sql.length > SQL_CHARS_MAX) throw sqlInvalid(`The statement is longer than ${SQL_CHARS_MAX} characters.`);
  // The engine reads up to the first NUL, and replaces halves of surrogate pairs: it would run something else than what was checked and recorded.
  if (sql.includes("\u0000")) throw sqlInvalid("The statement holds a NUL character.");
  if (HALF_SURROGATE.test(sql)) throw sqlInvalid("The statement holds half of a surrogate pair.");
  if (sql.split("/*").length - 1 > SQL_COMMENTS_MAX) throw sqlInvalid(`The statement begins more than ${SQL_COMMENTS_MAX} comments.`);
}

async function parserError(connection: DuckDBConnection, sql: string, message: string): Promise<AuditError> {
  if (message.startsWith("Only SELECT statements")) {
    if (/^\s*\(?\s*pivot\b/i.test(sql))
      return sqlForbidden("PIVOT needs its values here: PIVOT deeds ON outcome_status IN ('success', 'failure').");
    return sqlForbidden("Only SELECT can be run here; DESCRIBE entries names the columns.");
  }
  // The same parser tells more through another door: the line, and where in it. It does not get further than before.
  const told = await connection.extractStatements(sql).catch((error: unknown) => error);
  if (!(told instanceof Error)) return sqlInvalid(message);
  return sqlInvalid(told.message.replace(/^Failed to extract statements: /, ""), told);
}
