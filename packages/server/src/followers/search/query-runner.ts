import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events/errors";
import { faultKind, toEngineError } from "./damage.ts";
import { INTERRUPT_INTERVAL_MS, QUERIES_RUNNING_MAX, QUERIES_WAITING_MAX, QUERY_STOP_MS } from "./limits.ts";
import type { SnapshotGate } from "./snapshot-gate.ts";

type Use<T> = (connection: DuckDBConnection, searchedTo: number) => Promise<T>;

/** Runs reading work on connections of its own, a few at a time, each on one moment of the whole index. */
export interface QueryRunner {
  /**
   * @param use Gets a connection within a transaction that only reads, and the index below which that moment of the index holds everything.
   * @throws {AuditError} `QUERY_BUSY`, `QUERY_TIMEOUT`, `QUERY_TOO_LARGE`, `SEARCH_UNAVAILABLE`; the signal's reason when it aborts.
   */
  run<T>(use: Use<T>, signal?: AbortSignal): Promise<T>;
  /** Stops what runs, refuses what waits, and resolves when nothing is under way any more. */
  close(): Promise<void>;
}

export interface QueryRunnerOptions {
  readonly instance: DuckDBInstance;
  readonly gate: SnapshotGate;
  readonly timeoutMs: number;
  /** Everything below it is in the index. */
  readonly searchedTo: () => number;
  /** Told about errors that concern the store, not the question. */
  readonly onFault: (error: unknown) => void;
  /** A query went on long after it was told to stop. */
  readonly onStuck: () => void;
}

interface RunningQuery {
  readonly connection: DuckDBConnection;
  /** Aborts with the reason why the query is stopped. */
  readonly stopping: AbortController;
  readonly timers: NodeJS.Timeout[];
}

export function createQueryRunner({ instance, gate, timeoutMs, searchedTo, onFault, onStuck }: QueryRunnerOptions): QueryRunner {
  const idle: DuckDBConnection[] = [];
  const queries = new Set<RunningQuery>();
  const waiting: (() => void)[] = [];
  /** Called when somebody has left and nobody took the place. */
  const leaving: (() => void)[] = [];
  let running = 0;
  let isClosed = false;

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (isClosed) throw new AuditError("SEARCH_UNAVAILABLE");
    if (running < QUERIES_RUNNING_MAX) {
      running += 1;
      return;
    }
    if (waiting.length >= QUERIES_WAITING_MAX) throw new AuditError("QUERY_BUSY");
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        waiting.splice(waiting.indexOf(resume), 1);
        reject(signal?.reason);
      };
      const resume = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      waiting.push(resume);
    });
  }

  /** The place goes to the next in line, if there is one. */
  function leave(): void {
    const next = waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    running -= 1;
    for (const resolve of leaving.splice(0)) resolve();
  }

  async function runOn<T>({ connection, stopping }: RunningQuery, use: Use<T>): Promise<T> {
    let reach = 0;
    return gate.read(
      async () => {
        // Before the snapshot: what is added meanwhile is there in addition.
        reach = searchedTo();
        await connection.run("BEGIN TRANSACTION READ ONLY");
        // Binds every table, which begins the snapshot of each attached file.
        await connection.run('SELECT "index" FROM entries LIMIT 0');
      },
      () => use(connection, reach),
      stopping.signal,
    );
  }

  /** Stops a query, whatever it is doing: an interrupt reaches only the statement that runs at that moment. */
  function stop(query: RunningQuery, reason: unknown): void {
    if (query.stopping.signal.aborted) return;
    query.stopping.abort(reason);
    query.connection.interrupt();
    query.timers.push(
      setInterval(() => query.connection.interrupt(), INTERRUPT_INTERVAL_MS),
      setTimeout(onStuck, QUERY_STOP_MS),
    );
  }

  /** The answer, and the connection is ready for the next question; or an error, and it is closed. */
  async function ask<T>(use: Use<T>, signal: AbortSignal | undefined): Promise<T> {
    const query: RunningQuery = { connection: idle.pop() ?? (await instance.connect()), stopping: new AbortController(), timers: [] };
    const onAbort = (): void => stop(query, signal?.reason);
    queries.add(query);
    query.timers.push(setTimeout(() => stop(query, new AuditError("QUERY_TIMEOUT")), timeoutMs));
    signal?.addEventListener("abort", onAbort, { once: true });
    let isReady = false;
    try {
      signal?.throwIfAborted();
      if (isClosed) throw new AuditError("SEARCH_UNAVAILABLE");
      const answer = await runOn(query, use);
      // Rows that are streamed end without a word where an error or an interrupt cut them off: the answer would lack the rest.
      query.stopping.signal.throwIfAborted();
      await assertUnbroken(query.connection);
      await query.connection.run("COMMIT");
      isReady = !isClosed;
      return answer;
    } catch (error) {
      // What the asker or the time limit said comes before what DuckDB made of it.
      if (faultKind(error) === "interrupted") query.stopping.signal.throwIfAborted();
      throw error;
    } finally {
      for (const timer of query.timers) clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      queries.delete(query);
      // After an error nobody knows what the connection still holds.
      if (isReady) idle.push(query.connection);
      else query.connection.closeSync();
    }
  }

  return {
    async run(use, signal) {
      await enter(signal);
      try {
        return await ask(use, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const kind = faultKind(error);
        if (kind === "damaged" || kind === "fatal") onFault(error);
        throw toEngineError(error, "asking");
      } finally {
        leave();
      }
    },
    async close() {
      isClosed = true;
      const closed = new AuditError("SEARCH_UNAVAILABLE");
      for (const query of queries) stop(query, closed);
      while (running > 0) await new Promise<void>((resolve) => leaving.push(resolve));
      for (const connection of idle.splice(0)) connection.closeSync();
    },
  };
}

/** A transaction in which something failed refuses every further statement; only its end is granted as if nothing had been. */
async function assertUnbroken(connection: DuckDBConnection): Promise<void> {
  try {
    await connection.run("SELECT 1");
  } catch (cause) {
    throw new AuditError("SEARCH_UNAVAILABLE", { message: "The query broke off while its rows were read. Narrow it and retry.", cause });
  }
}
