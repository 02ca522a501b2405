import { isNode, nodesOf, sqlForbidden } from "./sql-tree.ts";

/**
 * Types that a statement may cast to, as the parser names them. Left out are fixed-size arrays (a few letters reserve gigabytes), types that recurse
 * into their text (VARIANT, GEOMETRY), numbers without bound, and types that somebody would have had to define. Rule: SQL-4.
 */
const TYPES: ReadonlySet<unknown> = new Set([
  ...["NULL", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"],
  ...["FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "CHAR", "BLOB", "BIT", "UUID", "DATE", "TIME", "TIME WITH TIME ZONE", "TIME_NS", "INTERVAL"],
  ...["TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "LIST", "STRUCT", "MAP"],
]);

/** Types that the parser leaves for later: they are names to it. */
const NAMED_TYPES: ReadonlySet<string> = new Set(["json"]);

/** @throws {AuditError} `SQL_FORBIDDEN`. */
export function checkSqlType(type: unknown): void {
  if (!isNode(type)) throw sqlForbidden("A cast names no type.");
  const info = isNode(type.type_info) ? type.type_info : {};
  const name = String(info.name ?? info.alias ?? type.id);
  const isAllowed =
    type.id === "UNBOUND"
      ? NAMED_TYPES.has(name.toLowerCase()) && info.schema === undefined && info.catalog === undefined
      : TYPES.has(type.id) && info.alias === undefined;
  if (!isAllowed) throw sqlForbidden(`The type "${name.slice(0, 64)}" is not allowed here.`);
  if (info.child_type !== undefined) checkSqlType(info.child_type);
  for (const { second } of nodesOf(info.child_types)) checkSqlType(second);
}
