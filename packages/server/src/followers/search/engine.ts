import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events/errors";
import { compareRows, countMiscounted } from "./checking.ts";
import { faultKind, toEngineError } from "./damage.ts";
import { fileBytes, quoted } from "./index-file.ts";
import { INDEX_LAYOUT, type IndexLayout } from "./index-layout.ts";
import { type IndexStore, openIndexStore } from "./index-store.ts";
import { ENGINE_MEMORY_BYTES, HOT_TABLE_MEMORY_SHARE, QUERY_TIMEOUT_MS, REPAIRS_TOLD_MAX } from "./limits.ts";
import { createQueryRunner } from "./query-runner.ts";
import { findCompleteness, findEffects, findEntries, findSessions, findSources, findStats } from "./questions.ts";
import type { Repair, SearchEngine, SqlQuestion, SqlRows } from "./search-engine.ts";
import { createSnapshotGate } from "./snapshot-gate.ts";
import { answerSql } from "./sql-runner.ts";
import { openSuspects } from "./suspects.ts";

/** Plain data, so that it can be sent to a process. */
export interface EngineOptions {
  /** The folder of the index files; made when it is missing. */
  readonly directory: string;
  readonly origin: string;
  /** Entries below it were pruned from the ledger. */
  readonly minimumIndex: number;
  readonly memoryBytes?: number;
  readonly threads?: number;
  readonly queryTimeoutMs?: number;
  /** How rows are cut into files and row groups; for tests. */
  readonly layout?: IndexLayout;
  /** Memory that the rows of one hot table may take, about. A part of `memoryBytes` unless given. */
  readonly hotBytesMax?: number;
}

export interface EngineCallbacks {
  /** Files were taken away outside of `apply`: the cursor stands elsewhere now. */
  readonly onRewound?: () => void;
  /** A file was taken away. */
  readonly onRepair?: (repair: Repair) => void;
  /** The engine is of no use any more: close it and open another one. What it holds in memory is in the ledger. */
  readonly onFatal?: (error: unknown) => void;
}

/** {@link SearchEngine} in this process. The folder must not be open elsewhere. */
export async function openSearchEngine(options: EngineOptions, callbacks: EngineCallbacks = {}): Promise<SearchEngine> {
  const directory = resolve(options.directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const memoryBytes = options.memoryBytes ?? ENGINE_MEMORY_BYTES;
  const repairs: Repair[] = [];
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(options.threads ?? Math.min(4, availableParallelism())),
    memory_limit: `${memoryBytes}B`,
  });
  const connection = await instance.connect();
  const mover = await instance.connect();
  const gate = createSnapshotGate();
  const store = await openStore().catch((error: unknown) => {
    closeConnections();
    throw toEngineError(error, "indexing");
  });
  const queries = createQueryRunner({
    instance,
    gate,
    timeoutMs: options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
    searchedTo: () => store.next(),
    onFault: repairSoon,
    onStuck: () => callbacks.onFatal?.(new AuditError("QUERY_TIMEOUT", { message: "A query could not be stopped." })),
  });
  /** One writing call at a time. */
  let writing: Promise<unknown> = Promise.resolve();
  let isRepairing = false;
  let comparisons = 0;
  let closing: Promise<void> | undefined;

  async function openStore(): Promise<IndexStore> {
    for (const setting of [
      `SET allowed_directories = [${quoted(`${directory}/`)}]`,
      // Nothing is spilled to disk: it could hold what an erasure must reach.
      "SET temp_directory = ''",
      "SET timezone = 'UTC'",
      "SET enable_external_access = false",
      "SET lock_configuration = true",
    ]) {
      await connection.run(setting);
    }
    const suspects = await openSuspects(directory);
    return openIndexStore({
      connection,
      mover,
      directory,
      origin: options.origin,
      layout: options.layout ?? INDEX_LAYOUT,
      minimumIndex: options.minimumIndex,
      hotBytesMax: options.hotBytesMax ?? memoryBytes * HOT_TABLE_MEMORY_SHARE,
      gate,
      suspects: suspects.refused,
      onOpening: suspects.note,
      onRepair(repair) {
        repairs.push(repair);
        repairs.splice(0, repairs.length - REPAIRS_TOLD_MAX);
        callbacks.onRepair?.(repair);
      },
    });
  }

  function closeConnections(): void {
    mover.closeSync();
    connection.closeSync();
    instance.closeSync();
  }

  function write<T>(run: () => Promise<T>): Promise<T> {
    if (closing !== undefined) return Promise.reject(new AuditError("SEARCH_UNAVAILABLE"));
    const result = writing.then(async () => {
      try {
        return await run();
      } catch (error) {
        await repair(error);
        throw toEngineError(error, "indexing");
      }
    });
    writing = result.catch(() => undefined);
    return result;
  }

  /** A question met it: the repair takes its turn among the writing calls. One is enough for all that meet it meanwhile. */
  function repairSoon(error: unknown): void {
    if (isRepairing || closing !== undefined) return;
    isRepairing = true;
    writing = writing
      .then(() => repair(error))
      .finally(() => {
        isRepairing = false;
      });
  }

  /** Takes away what an error says is damaged. Where that cannot be found, only opening everything again helps. Never rejects. */
  async function repair(error: unknown): Promise<void> {
    const kind = faultKind(error);
    if (kind === "fatal") callbacks.onFatal?.(error);
    if (kind !== "damaged") return;
    try {
      if (!(await store.removeDamaged())) callbacks.onFatal?.(error);
    } catch (second) {
      callbacks.onFatal?.(second);
    }
    callbacks.onRewound?.();
  }

  async function close(): Promise<void> {
    await writing;
    await store.flush().catch(() => undefined);
    await queries.close();
    closeConnections();
  }

  const askSql = (question: SqlQuestion, signal?: AbortSignal): Promise<SqlRows> =>
    queries.run(
      async (reader, searchedTo) => ({ ...(await answerSql(reader, question, { nowMs: () => performance.now() })), searchedTo }),
      signal,
    );

  return {
    cursor: () => write(async () => store.cursor()),
    apply: (batch) =>
      write(async () => {
        await store.apply(batch);
        return { next: store.next(), durable: store.durable() };
      }),
    find: (question, signal) => queries.run((reader, searchedTo) => findEntries(reader, question, searchedTo), signal),
    effects: (question, signal) => queries.run((reader, searchedTo) => findEffects(reader, question, searchedTo), signal),
    stats: (question, signal) => queries.run((reader, searchedTo) => findStats(reader, question, searchedTo), signal),
    sources: (question, signal) => queries.run((reader, searchedTo) => findSources(reader, question, searchedTo), signal),
    sessions: (question, signal) =>
      queries.run((reader, searchedTo) => findSessions(reader, question, { searchedTo, nowMs: question.nowMs ?? Date.now() }), signal),
    completeness: (question, signal) =>
      queries.run((reader, searchedTo) => findCompleteness(reader, question, { searchedTo, nowMs: question.nowMs ?? Date.now() }), signal),
    sql: askSql,
    sqlJson: async (question, signal) => Buffer.from(JSON.stringify(await askSql(question, signal))),
    async state() {
      const files = store.files();
      const bytes = await Promise.all(files.map(({ path }) => fileBytes(path)));
      return {
        searchedTo: store.next(),
        hotEntries: store.hot().reduce((sum, table) => sum + table.next - table.start, 0),
        files: files.map(({ first, minimum, next }, i) => ({ first, entries: next - minimum, bytes: bytes[i] ?? 0 })),
        repairs: [...repairs],
      };
    },
    compare: (batch) =>
      write(async () => {
        // Without moves beside it a statement sees one moment of all tables.
        await store.flush();
        comparisons += 1;
        return compareRows(connection, batch, `expected_${comparisons}`);
      }),
    miscounted: () =>
      write(async () => {
        await store.flush();
        return countMiscounted(connection, store.minimum() > 0);
      }),
    clear: () => write(() => store.clear()),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
