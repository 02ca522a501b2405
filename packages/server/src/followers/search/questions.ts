import type { DuckDBConnection } from "@duckdb/node-api";
import { COMPARED_ENTRIES_MAX } from "../../completeness/limits.ts";
import { assessSession } from "../../completeness/verdict.ts";
import { effectsInSteps } from "./effects-sql.ts";
import { findInSteps } from "./find-sql.ts";
import type {
  CompletenessQuestion,
  EffectsQuestion,
  FindQuestion,
  Found,
  FoundCompleteness,
  FoundEffects,
  FoundSessions,
  FoundSources,
  FoundStats,
  SessionsQuestion,
  SourcesQuestion,
  StatsQuestion,
} from "./search-engine.ts";
import { answerSessions, recordsOf, sessionTenantsSql } from "./sessions-sql.ts";
import { answerSources } from "./sources-sql.ts";
import type { RunStatement } from "./statement.ts";
import { answerStats } from "./stats-sql.ts";

/**
 * The questions of the read contract, each within one transaction.
 *
 * @param searchedTo Everything below it is in the moment of the index that the connection sees; there may be more.
 */
export async function findEntries(connection: DuckDBConnection, question: FindQuestion, searchedTo: number): Promise<Found> {
  return { ...(await findInSteps(question, await endOf(connection, searchedTo), runOn(connection))), searchedTo };
}

export async function findEffects(connection: DuckDBConnection, question: EffectsQuestion, searchedTo: number): Promise<FoundEffects> {
  return { ...(await effectsInSteps(question, await endOf(connection, searchedTo), runOn(connection))), searchedTo };
}

export async function findStats(connection: DuckDBConnection, question: StatsQuestion, searchedTo: number): Promise<FoundStats> {
  return { ...(await answerStats(question, runOn(connection))), searchedTo };
}

export async function findSources(connection: DuckDBConnection, question: SourcesQuestion, searchedTo: number): Promise<FoundSources> {
  return { ...(await answerSources(question, runOn(connection))), searchedTo };
}

/** @param nowMs Milliseconds since 1970. */
export async function findSessions(
  connection: DuckDBConnection,
  question: SessionsQuestion,
  { searchedTo, nowMs }: { readonly searchedTo: number; readonly nowMs: number },
): Promise<FoundSessions> {
  const run = runOn(connection);
  const { sessions, hasMore } = await answerSessions(question, run);
  let room = COMPARED_ENTRIES_MAX;
  const compared = sessions.filter(({ entries }) => {
    const fits = entries <= room;
    if (fits) room -= entries;
    return fits;
  });
  const keys = compared.map(({ tenant, id }) => ({ tenant, sessionId: id }));
  const records = keys.length === 0 ? [] : await recordsOf(keys, run);
  const verdicts = new Map(compared.map((session, position) => [session, assessSession(records[position]!, nowMs)]));
  return {
    sessions: sessions.map((session) => {
      const verdict = verdicts.get(session);
      return { ...session, verdict: verdict?.verdict ?? "unknown", holeCount: verdict?.holeCount ?? 0 };
    }),
    hasMore,
    searchedTo,
  };
}

/** @param nowMs Milliseconds since 1970. */
export async function findCompleteness(
  connection: DuckDBConnection,
  { sessionId, tenant }: CompletenessQuestion,
  { searchedTo, nowMs }: { readonly searchedTo: number; readonly nowMs: number },
): Promise<FoundCompleteness> {
  const run = runOn(connection);
  const keys = (await run(sessionTenantsSql(sessionId, tenant))).map(([found]) => ({ tenant: String(found), sessionId }));
  const records = keys.length === 0 ? [] : await recordsOf(keys, run);
  return { verdicts: records.map((record) => assessSession(record, nowMs)), searchedTo };
}

const runOn =
  (connection: DuckDBConnection): RunStatement =>
  async ({ sql, values }) =>
    (await connection.runAndReadAll(sql, [...values])).getRowsJS();

/** Where the newest entry ends: a file that is being made anew may leave a hole below it. */
async function endOf(connection: DuckDBConnection, searchedTo: number): Promise<number> {
  const [row] = (await connection.runAndReadAll('SELECT max("index") FROM entries')).getRowsJS();
  return Math.max(searchedTo, Number(row?.[0] ?? -1) + 1);
}
