import type { SessionSummary, VantagePoint } from "@vouchtrail/events";
import { COMPARED_ENTRIES_MAX, SEQUENCE_GAPS_MAX } from "../../completeness/limits.ts";
import { type SequenceGap, type SessionEntry, type SessionRecord, vantagePointOf } from "../../completeness/session-entry.ts";
import { filterSql } from "./filter-sql.ts";
import type { SessionsQuestion } from "./search-engine.ts";
import type { RunStatement, Statement, StatementValue } from "./statement.ts";

/** Names one session within its tenant. */
export interface SessionKey {
  readonly tenant: string;
  readonly sessionId: string;
}

/** Names that are told of one session, of each kind. */
const NAMES_TOLD_MAX = 20;

/** What is told of a session without comparing its entries; `last` is the index by which pages follow each other. */
export type FoundSession = Omit<SessionSummary, "verdict" | "holeCount"> & { readonly last: number };

/** The sessions with an entry that matches, the one with the newest such entry first: tenant, session, index of that entry. */
export function sessionsSql({ filter, tenant, beyond }: SessionsQuestion, limit: number): Statement {
  const { where, values: filterValues } = filterSql(filter, { tenant });
  const values: StatementValue[] = [...filterValues];
  const bind = (value: bigint): string => `$${values.push(value)}::BIGINT`;
  return {
    sql: `SELECT tenant, session_id, max("index") AS last FROM entries WHERE session_id IS NOT NULL AND ${where} GROUP BY tenant, session_id
${beyond === undefined ? "" : `HAVING last < ${bind(BigInt(beyond))}`} ORDER BY last DESC LIMIT ${bind(BigInt(limit))}`,
    values,
  };
}

/** The entries of some sessions: nothing of their sections. */
function ofSessions(keys: readonly SessionKey[]): { readonly where: string; readonly values: StatementValue[] } {
  const values: StatementValue[] = [];
  const pairs = keys.map(({ tenant, sessionId }) => `($${values.push(tenant)}, $${values.push(sessionId)})`);
  return { where: `(tenant, session_id) IN (${pairs.join(", ")})`, values };
}

const time = (expression: string): string => `strftime(make_timestamp(epoch_us(${expression})), '%Y-%m-%dT%H:%M:%S.%gZ')`;

/** One row a session: see {@link answerSummaries}. */
function summariesSql(keys: readonly SessionKey[]): Statement {
  const { where, values } = ofSessions(keys);
  const calls = "counted AND action = 'ai.tool_call'";
  const sum = (column: string): string => `coalesce(sum(${column}) FILTER (counted), 0)`;
  const names = (column: string, condition: string): string =>
    `list_slice(list_sort(coalesce(list(DISTINCT ${column}) FILTER (${condition}), [])), 1, ${NAMES_TOLD_MAX})`;
  return {
    sql: `SELECT tenant, session_id, ${names("actor_id", "actor_type = 'agent'")}, ${names("actor_id", "actor_type = 'user'")},
  ${names("model", "model IS NOT NULL")}, ${time("min(occurred_at)")}, ${time("max(occurred_at)")},
  epoch_ms(max(occurred_at)) - epoch_ms(min(occurred_at)), count(*),
  greatest(count(*) FILTER (action = 'agent.prompt.submitted'), count(*) FILTER (action = 'ai.chat_message' AND activity_name = 'prompt' AND actor_type = 'user')),
  count(*) FILTER (${calls}), count(*) FILTER (${calls} AND outcome_status = 'failure'), count(*) FILTER (${calls} AND outcome_status = 'denied'),
  ${["tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write", "cost_usd"].map(sum).join(", ")}, list(DISTINCT via)
FROM entries WHERE ${where} GROUP BY tenant, session_id`,
    values,
  };
}

/** A page of sessions, without their verdicts. */
export async function answerSessions(
  question: SessionsQuestion,
  run: RunStatement,
): Promise<{ readonly sessions: readonly FoundSession[]; readonly hasMore: boolean }> {
  const found = (await run(sessionsSql(question, question.limit + 1))).map(([tenant, sessionId, last]) => ({
    tenant: String(tenant),
    sessionId: String(sessionId),
    last: Number(last),
  }));
  const page = found.slice(0, question.limit);
  if (page.length === 0) return { sessions: [], hasMore: false };
  const summaries = new Map((await run(summariesSql(page))).map((row) => [keyText(String(row[0]), String(row[1])), row]));
  const sessions = page.flatMap(({ tenant, sessionId, last }) => {
    const row = summaries.get(keyText(tenant, sessionId));
    return row === undefined ? [] : [toFoundSession(row, last)];
  });
  return { sessions, hasMore: found.length > page.length };
}

// Ids hold no control characters.
const keyText = (tenant: string, sessionId: string): string => `${tenant}\u0000${sessionId}`;

function toFoundSession(row: readonly unknown[], last: number): FoundSession {
  const names = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  const [tenant, id, agents, users, models, startedAt, lastAt, durationMs, entries, prompts, toolCalls, failures, denials, ...rest] = row;
  const [tokensInput, tokensOutput, tokensCacheRead, tokensCacheWrite, costUsd, vias] = rest;
  return {
    tenant: String(tenant),
    id: String(id),
    agents: names(agents),
    users: names(users),
    models: names(models),
    startedAt: String(startedAt),
    lastAt: String(lastAt),
    durationMs: Number(durationMs),
    entries: Number(entries),
    prompts: Number(prompts),
    toolCalls: Number(toolCalls),
    failures: Number(failures),
    denials: Number(denials),
    tokensInput: Number(tokensInput),
    tokensOutput: Number(tokensOutput),
    tokensCacheRead: Number(tokensCacheRead),
    tokensCacheWrite: Number(tokensCacheWrite),
    costUsd: Number(costUsd),
    vantagePoints: [...new Set(names(vias).flatMap((via) => vantagePointOf(via) ?? []))].sort(),
    last,
  };
}

/** The tenants that have a session of this id, at most two: more than one has to be chosen from. */
export function sessionTenantsSql(sessionId: string, tenant: string | undefined): Statement {
  const values: StatementValue[] = [sessionId];
  const isTenant = tenant === undefined ? "" : ` AND tenant = $${values.push(tenant)}`;
  return { sql: `SELECT DISTINCT tenant FROM entries WHERE session_id = $1${isTenant} ORDER BY tenant LIMIT 2`, values };
}

/**
 * Everything that verdicts are made of.
 *
 * @returns One record for each session, in the order given. Together they have at most {@link COMPARED_ENTRIES_MAX} entries; a record that had to
 * leave some out says so.
 */
export async function recordsOf(keys: readonly SessionKey[], run: RunStatement): Promise<readonly SessionRecord[]> {
  const { where, values } = ofSessions(keys);
  const rows = await run({
    sql: `SELECT tenant, session_id, "index", id, via, action, phase, outcome_status, outcome_code, call_id, conversation_id, activity_type, activity_name,
  json_extract_string(labels, '$.platform'), epoch_ms(occurred_at) FROM entries WHERE ${where} ORDER BY "index" LIMIT ${COMPARED_ENTRIES_MAX + 1}`,
    values,
  });
  const isCut = rows.length > COMPARED_ENTRIES_MAX;
  const entriesOf = new Map<string, SessionEntry[]>();
  for (const row of rows) {
    const entry = toSessionEntry(row.slice(2));
    if (entry === undefined) continue;
    const key = keyText(String(row[0]), String(row[1]));
    const known = entriesOf.get(key);
    if (known === undefined) entriesOf.set(key, [entry]);
    else known.push(entry);
  }
  const gapsOf = await sequenceGaps(keys, run);
  return keys.map(({ tenant, sessionId }) => {
    const key = keyText(tenant, sessionId);
    // Which of the sessions the entries that were left out belong to is not known.
    return { tenant, sessionId, entries: entriesOf.get(key) ?? [], gaps: gapsOf.get(key) ?? [], isCut };
  });
}

function toSessionEntry([index, id, via, action, phase, status, code, callId, ...rest]: readonly unknown[]): SessionEntry | undefined {
  const seenBy: VantagePoint | undefined = vantagePointOf(String(via));
  if (seenBy === undefined) return undefined;
  const text = (value: unknown): string | undefined => (value === null || value === undefined ? undefined : String(value));
  const [conversationId, activityType, activityName, platform, occurredAtMs] = rest;
  return {
    index: Number(index),
    id: String(id),
    via: seenBy,
    action: String(action),
    phase: text(phase),
    status: String(status),
    code: text(code),
    callId: text(callId),
    conversationId: text(conversationId),
    activityType: text(activityType),
    activityName: text(activityName),
    platform: text(platform),
    occurredAtMs: Number(occurredAtMs),
  };
}

/** Numbers that are missing between the first and the last one that a session has of a source: other sessions may have those in between. */
async function sequenceGaps(keys: readonly SessionKey[], run: RunStatement): Promise<ReadonlyMap<string, SequenceGap[]>> {
  const { where, values } = ofSessions(keys);
  const rows = await run({
    sql: `WITH spans AS MATERIALIZED (
  SELECT tenant, session_id, source_name, source_instance, min(source_sequence) AS low, max(source_sequence) AS high
  FROM entries WHERE source_name IS NOT NULL AND ${where} GROUP BY ALL
), numbers AS (
  SELECT DISTINCT s.tenant, s.session_id, s.source_name, s.source_instance, e.source_sequence AS number
  FROM spans s JOIN entries e ON e.tenant = s.tenant AND e.source_name = s.source_name AND e.source_instance = s.source_instance
    AND e.source_sequence BETWEEN s.low AND s.high
), steps AS (
  SELECT *, lag(number) OVER (PARTITION BY tenant, session_id, source_name, source_instance ORDER BY number) AS before FROM numbers
)
SELECT tenant, session_id, source_name, source_instance, before + 1, number - 1 FROM steps WHERE number > before + 1
ORDER BY tenant, session_id, source_name, source_instance, number LIMIT ${SEQUENCE_GAPS_MAX}`,
    values,
  });
  const gapsOf = new Map<string, SequenceGap[]>();
  for (const [tenant, sessionId, source, instance, from, to] of rows) {
    const key = keyText(String(tenant), String(sessionId));
    const known = gapsOf.get(key) ?? [];
    gapsOf.set(key, known);
    known.push({ source: String(source), instance: String(instance), from: Number(from), to: Number(to) });
  }
  return gapsOf;
}
