import type { DuckDBConnection } from "@duckdb/node-api";
import { effectsInSteps } from "./effects-sql.ts";
import { findInSteps } from "./find-sql.ts";
import type {
  EffectsQuestion,
  FindQuestion,
  Found,
  FoundEffects,
  FoundSources,
  FoundStats,
  SourcesQuestion,
  StatsQuestion,
} from "./search-engine.ts";
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

const runOn =
  (connection: DuckDBConnection): RunStatement =>
  async ({ sql, values }) =>
    (await connection.runAndReadAll(sql, [...values])).getRowsJS();

/** Where the newest entry ends: a file that is being made anew may leave a hole below it. */
async function endOf(connection: DuckDBConnection, searchedTo: number): Promise<number> {
  const [row] = (await connection.runAndReadAll('SELECT max("index") FROM entries')).getRowsJS();
  return Math.max(searchedTo, Number(row?.[0] ?? -1) + 1);
}
