import type { BucketName, DeedSums, GroupName, StatsBucket, StatsGroup } from "@vouchtrail/events";
import { AuditError } from "@vouchtrail/events/errors";
import type { ColumnName } from "./columns.ts";
import { filterSql } from "./filter-sql.ts";
import { COST_USD_MAX, STATS_BUCKETS_MAX } from "./limits.ts";
import type { FoundStats, StatsQuestion } from "./search-engine.ts";
import type { RunStatement, Statement, StatementValue } from "./statement.ts";

/** Groups that are one column. */
const COLUMN_OF: Readonly<Partial<Record<GroupName, ColumnName>>> = {
  tenant: "tenant",
  actor: "actor_id",
  actorType: "actor_type",
  action: "action",
  targetType: "target_type",
  outcome: "outcome_status",
  code: "outcome_code",
  activity: "activity_type",
  tool: "activity_name",
  model: "model",
  session: "session_id",
  conversation: "conversation_id",
  ip: "ip_address",
  proof: "proof_type",
  source: "source_name",
  via: "via",
};
const SPANS: readonly string[] = ["minute", "hour", "day", "week", "month"] satisfies readonly BucketName[];
const LABEL_PREFIX = "label.";

/** In the order that {@link readSums} reads. A deed without cost or tokens adds nothing. */
const SUMS = [
  "count(*) AS total",
  ...["success", "failure", "partial", "pending", "denied"].map((status) => `count(*) FILTER (WHERE outcome_status = '${status}')`),
  "coalesce(sum(tokens_input), 0)",
  "coalesce(sum(tokens_output), 0)",
  // Bounded, so that no two costs add up to infinity. A sum of doubles in parallel differs in its last digits: rounded, it is the same each time.
  `coalesce(round(fsum(CASE WHEN cost_usd > ${COST_USD_MAX} THEN ${COST_USD_MAX} WHEN cost_usd < -${COST_USD_MAX} THEN -${COST_USD_MAX} ELSE cost_usd END), 9), 0)`,
].join(", ");
const SUMS_COUNT = 9;

/** Sums over all deeds that the filter accepts. One row. */
export function totalsSql({ filter, tenant }: StatsQuestion): Statement {
  const { where, values } = filterSql(filter, { tenant });
  return { sql: `SELECT ${SUMS} FROM deeds WHERE ${where}`, values };
}

/** Sums for each group, the ones with most deeds first: the sums, how many groups there are in all, the key. */
export function groupsSql({ filter, tenant, groups, limit }: StatsQuestion): Statement {
  const { where, values: filterValues } = filterSql(filter, { tenant });
  const values = [...filterValues];
  const bind = (value: StatementValue): string => `$${values.push(value)}`;
  const keys = groups.map((_, i) => `key${i}`);
  return {
    sql: `WITH sums AS MATERIALIZED (
  SELECT ${SUMS}, ${groups.map((group, i) => `${groupSql(group, bind)} AS key${i}`).join(", ")} FROM deeds WHERE ${where} GROUP BY ${keys.join(", ")}
), page AS (
  SELECT * FROM sums ORDER BY total DESC, ${keys.map((key) => `${key} NULLS LAST`).join(", ")} LIMIT ${bind(BigInt(limit))}::BIGINT
)
SELECT page.* REPLACE (${replacedKeys(groups)}), (SELECT count(*) FROM sums) FROM page ORDER BY total DESC, ${keys.map((key) => `page.${key} NULLS LAST`).join(", ")}`,
    values,
  };
}

/** Sums for each span of `occurredAt`, oldest first; one row more than may be answered. */
export function bucketsSql({ filter, tenant }: StatsQuestion, bucket: BucketName): Statement {
  const { where, values } = filterSql(filter, { tenant });
  return {
    sql: `SELECT * REPLACE (${timeText("start")} AS start) FROM (SELECT ${SUMS}, ${spanSql(bucket)} AS start FROM deeds WHERE ${where} GROUP BY start ORDER BY start LIMIT ${STATS_BUCKETS_MAX + 1}) ORDER BY start`,
    values,
  };
}

/** @throws {AuditError} `QUERY_TOO_LARGE` when the deeds lie in more than {@link STATS_BUCKETS_MAX} spans. */
export async function answerStats(question: StatsQuestion, run: RunStatement): Promise<Omit<FoundStats, "searchedTo">> {
  const { groups, bucket } = question;
  const [totals = []] = await run(totalsSql(question));
  const groupRows = groups.length === 0 ? [] : await run(groupsSql(question));
  const bucketRows = bucket === undefined ? [] : await run(bucketsSql(question, bucket));
  if (bucketRows.length > STATS_BUCKETS_MAX) {
    throw new AuditError("QUERY_TOO_LARGE", {
      path: "bucket",
      message: `There are more than ${STATS_BUCKETS_MAX} spans with deeds. Take longer ones, or narrow the time.`,
    });
  }
  return {
    ...readSums(totals),
    groups: groupRows.map((row) => readGroup(row, groups)),
    groupCount: Number(groupRows[0]?.[SUMS_COUNT + groups.length] ?? 0),
    buckets: bucketRows.map((row): StatsBucket => ({ from: String(row[SUMS_COUNT]), ...readSums(row) })),
  };
}

function groupSql(group: GroupName, bind: (value: StatementValue) => string): string {
  if (group.startsWith(LABEL_PREFIX)) return `json_extract_string(labels, ${bind(jsonPointer(group.slice(LABEL_PREFIX.length)))})`;
  if (SPANS.includes(group)) return spanSql(group as BucketName);
  // What has no id any more is still one of its type.
  if (group === "target") return "(target_type || coalesce('/' || target_id, ''))";
  if (group === "sensitive") return "(CASE WHEN sensitive_data_accessed THEN 'true' ELSE 'false' END)";
  const column = Object.hasOwn(COLUMN_OF, group) ? COLUMN_OF[group] : undefined;
  if (column === undefined)
    throw new AuditError("FILTER_INVALID", { path: "group", message: "There is nothing of this name to group by." });
  return column;
}

function spanSql(span: BucketName): string {
  // Without a zone, which would be looked up for every row: five times faster, and UTC whatever the session's zone is.
  return `date_trunc('${span}', make_timestamp(epoch_us(occurred_at)))`;
}

function timeText(time: string): string {
  return `strftime(${time}, '%Y-%m-%dT%H:%M:%S.000Z')`;
}

/** Times become text only in the rows that are answered. */
function replacedKeys(groups: readonly GroupName[]): string {
  return groups.map((group, i) => `${SPANS.includes(group) ? timeText(`page.key${i}`) : `page.key${i}`} AS key${i}`).join(", ");
}

/** RFC 6901, so that any name is just a name. */
function jsonPointer(name: string): string {
  return `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function readSums(row: readonly unknown[]): DeedSums {
  const [total = 0, success = 0, failure = 0, partial = 0, pending = 0, denied = 0, tokensInput = 0, tokensOutput = 0, costUsd = 0] =
    row.map(Number);
  const successRate = total === 0 ? null : success / total;
  return { total, success, failure, partial, pending, denied, successRate, tokensInput, tokensOutput, costUsd };
}

function readGroup(row: readonly unknown[], groups: readonly GroupName[]): StatsGroup {
  const values = row.slice(SUMS_COUNT).map((value) => (value === null ? null : String(value)));
  return { key: Object.fromEntries(groups.map((group, i) => [group, values[i] ?? null])), ...readSums(row) };
}
