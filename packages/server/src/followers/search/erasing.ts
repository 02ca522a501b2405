import { COLUMNS, type ColumnName } from "./columns.ts";

/** The table that says what is to be erased: one row for each range `[from, to)` of a section. */
export const ERASED_TABLE = 'CREATE OR REPLACE TEMP TABLE erased (section VARCHAR, "from" BIGINT, "to" BIGINT)';

const losing = (section: "personal" | "content"): string =>
  `(${section} IS NOT NULL AND EXISTS (SELECT 1 FROM erased r WHERE r.section = '${section}' AND "index" >= r."from" AND "index" < r."to"))`;

/** The condition for rows that an erasure changes. */
export const AFFECTED = `(${losing("personal")} OR ${losing("content")})`;

/** A table's rows with two more columns that say what each is about to lose. */
export function markedRows(table: string): string {
  return `(SELECT *, ${losing("personal")} AS lose_personal, ${losing("content")} AS lose_content FROM ${table}) e`;
}

const personalHas = (path: string): string => `json_exists(e.personal, '$.${path}')`;
const contentHas = (path: string): string => `json_exists(e.content, '$.${path}')`;

/**
 * What each column loses with a section. It mirrors `row.ts`: a column that is filled from a section is empty without it. Where a field may
 * stand in the leaf or in a section, the section's own JSON tells which.
 */
const PERSONAL: Readonly<Partial<Record<ColumnName, string>>> = {
  actor_id: personalHas("actor.id"),
  actor_name: "true",
  on_behalf_of: "true",
  target_id: personalHas("target.id"),
  target_name: personalHas("target.name"),
  session_id: personalHas("context.sessionId"),
  conversation_id: personalHas("context.conversationId"),
  call_id: personalHas("context.callId"),
  request_id: personalHas("context.requestId"),
  trace_id: personalHas("context.traceId"),
  parent_event_id: personalHas("context.parentEventId"),
  ip_address: "true",
  context: ["taskId", "approvalId", "spanId", "correlationId"].map((name) => personalHas(`context.${name}`)).join(" OR "),
  personal: "true",
  deed_key: `${personalHas("context.callId")} OR ${personalHas("context.parentEventId")}`,
};
const CONTENT: Readonly<Partial<Record<ColumnName, string>>> = {
  target_id: contentHas("target.id"),
  target_name: contentHas("target.name"),
  labels: "true",
  proof_type: "true",
  content: "true",
};

/** A row of {@link markedRows} that loses what its deed's key was made of. */
export const LOSES_KEY = `(e.lose_personal AND (${PERSONAL.deed_key}))`;

/** The condition for rows that could count for their deed, as `row.ts` has it. */
export const COULD_COUNT = "(e.phase IS DISTINCT FROM 'intent' AND e.via <> 'server')";

/** The key of an intent that tells of no call, as `deed-key.ts` makes it: the first 8 bytes of the hash, with a sign. */
const HASH_START = "('0x' || left(sha256('effect' || chr(0) || e.tenant || chr(0) || e.id::VARCHAR), 16))::UBIGINT::HUGEINT";
const INTENT_KEY = `(${HASH_START} - CASE WHEN ${HASH_START} >= 9223372036854775808 THEN 18446744073709551616 ELSE 0 END)::BIGINT`;

/**
 * The columns of a row of {@link markedRows} after an erasure, as select list: what `toRow` gives for the entry that is left. A row that loses
 * its deed's key stands alone from now on, and counts for itself.
 */
export const ERASED_COLUMNS: string = COLUMNS.map(({ name }) => {
  const value = `e."${name}"`;
  if (name === "counted") return `CASE WHEN ${LOSES_KEY} THEN ${COULD_COUNT} ELSE ${value} END AS counted`;
  if (name === "deed_key") {
    return `CASE WHEN NOT ${LOSES_KEY} THEN ${value} WHEN e.phase = 'intent' THEN ${INTENT_KEY} END AS deed_key`;
  }
  const losses = [
    PERSONAL[name] === undefined ? undefined : `(e.lose_personal AND (${PERSONAL[name]}))`,
    CONTENT[name] === undefined ? undefined : `(e.lose_content AND (${CONTENT[name]}))`,
  ].filter((loss) => loss !== undefined);
  return losses.length === 0 ? value : `CASE WHEN ${losses.join(" OR ")} THEN NULL ELSE ${value} END AS "${name}"`;
}).join(", ");
