import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEvent, createMinimizer, createRedactor, type JsonObject } from "@vouchtrail/events";
import {
  type FileLedger,
  type KeyRecord,
  openDataDirectory,
  openKeyStore,
  SCOPES,
  type SealedEntry,
  sealEvent,
  sha256,
} from "@vouchtrail/server";
import type { FastifyInstance } from "fastify";
import { createFileCursorStore } from "../../packages/server/src/followers/cursor-file.ts";
import { openSearchEngine } from "../../packages/server/src/followers/search/engine.ts";
import { openSearchIndex, type SearchIndex } from "../../packages/server/src/followers/search/search-index.ts";
import { createApp } from "../../packages/server/src/http/app.ts";
import { createGuard } from "../../packages/server/src/http/guard.ts";
import type { Read, Reads } from "../../packages/server/src/http/reads.ts";
import { createIntake } from "../../packages/server/src/intake/intake.ts";
import type { Principal } from "../../packages/server/src/intake/principal.ts";
import { nodeFileSystem } from "../../packages/server/src/ledger/file-system.ts";
import { createMetrics } from "../../packages/server/src/metrics.ts";
import { openReader, type ServerReader } from "../../packages/server/src/reading/audit-reader.ts";
import { loadCursorKey } from "../../packages/server/src/reading/cursor-key.ts";
import { createRecorder } from "../../packages/server/src/recorder.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly text: string;
  json<T = Readonly<Record<string, unknown>>>(): T;
}

/** A ledger, its search index and the HTTP interface over both, in this process and in a folder of its own. */
export interface ReadingApp {
  readonly app: FastifyInstance;
  readonly ledger: FileLedger;
  readonly search: SearchIndex;
  readonly cursorKey: Uint8Array;
  readonly stopping: AbortController;
  /** What was logged as an error so far. */
  readonly logged: object[];
  /** Reads that were noted so far. */
  readonly noted: { readonly principal: Principal; readonly read: Read }[];
  /** Seals and appends events, and waits until they can be found. */
  add(...events: readonly JsonObject[]): Promise<readonly number[]>;
  reader(tenant?: string): ServerReader;
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  post(url: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** Headers with a new key. */
  keyFor(key: Partial<Pick<KeyRecord, "scopes" | "tenant">>): Promise<Record<string, string>>;
  close(): Promise<void>;
}

export interface ReadingAppOptions {
  readonly reads?: Reads;
  /** Puts something between the routes and the search index. */
  readonly wrap?: (search: SearchIndex) => SearchIndex;
  /** Puts something between the routes and the ledger. */
  readonly wrapLedger?: (ledger: FileLedger) => FileLedger;
}

let clockMs = Date.UTC(2026, 0, 1);
function now(): string {
  clockMs += 1;
  return new Date(clockMs).toISOString();
}
const policy = { personalTargets: new Set<string>(), impersonalTargets: new Set<string>(), contextIds: "leaf" } as const;

export function sealed(event: JsonObject): SealedEntry {
  const received = { at: now(), via: "http" } as const;
  return sealEvent(event as unknown as AuditEvent, received, policy);
}

export async function openReadingApp(options: ReadingAppOptions = {}): Promise<ReadingApp> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-reading-"));
  const { ledger, paths, lock } = await openDataDirectory({ directory: join(root, "data"), ledger: { checkpointIntervalMs: 50 } });
  const engine = await openSearchEngine({ directory: join(paths.root, "index"), origin: ledger.origin, minimumIndex: 0 });
  const followers = join(paths.root, "followers");
  await mkdir(followers, { recursive: true });
  const index = openSearchIndex({
    ledger,
    engine,
    cursors: createFileCursorStore(nodeFileSystem, join(followers, "search.json")),
    follow: { directory: followers, now },
  });
  const search = options.wrap?.(index) ?? index;
  const cursorKey = await loadCursorKey(paths.secrets);
  const keys = openKeyStore(paths.secrets, undefined, () => Number.POSITIVE_INFINITY);
  const noted: ReadingApp["noted"] = [];
  const logged: object[] = [];
  const reads: Reads = options.reads ?? {
    async note(principal, read) {
      noted.push({ principal, read });
    },
  };
  const recorder = createRecorder({ ledger, ledgerName: "main", now, heartbeatMs: 3_600_000, onError: () => {} });
  const metrics = createMetrics();
  const stopping = new AbortController();
  const app = createApp(
    { bodyBytesMax: 1_048_576, connectionsMax: 100, logger: { debug() {}, error: (line: object) => logged.push(line) } as never },
    {
      guard: createGuard({ keys, hosts: [], origins: [], loopbackWithoutKey: true }),
      intake: createIntake({
        ledger,
        recorder,
        redactor: createRedactor(),
        minimizer: createMinimizer({}, sha256),
        policy,
        disclosureBytesMax: 1_048_576,
        now,
        observer: metrics,
      }),
      ledger: options.wrapLedger?.(ledger) ?? ledger,
      search,
      cursorKey,
      recorder,
      name: "main",
      metrics,
      version: "0",
      warnings: [],
      stopping: stopping.signal,
      isStopping: () => false,
      reads,
    },
  );

  async function inject(method: "GET" | "POST", url: string, headers: Readonly<Record<string, string>>, payload?: string): Promise<Reply> {
    const answer = await app.inject({
      method,
      url,
      headers: { host: "localhost", ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      trailers: answer.trailers,
      text: answer.body,
      json: <T>() => JSON.parse(answer.body) as T,
    };
  }

  return {
    app,
    ledger,
    search,
    cursorKey,
    stopping,
    logged,
    noted,
    async add(...events) {
      const results = await ledger.append(events.map(sealed));
      const { treeSize } = await ledger.head();
      await index.waitFor(treeSize);
      return results.map((result) => ("receipt" in result ? result.receipt.index : result.conflictIndex));
    },
    reader: (tenant) => openReader({ ledger, search, cursorKey }, { tenant }),
    get: (url, headers = {}) => inject("GET", url, headers),
    post: (url, body, headers = {}) =>
      inject("POST", url, { "content-type": "application/json", ...headers }, typeof body === "string" ? body : JSON.stringify(body)),
    async keyFor({ scopes = [...SCOPES], tenant }) {
      const { secret } = await keys.create({ name: "test", scopes, ...(tenant === undefined ? {} : { tenant }) }, now());
      return { authorization: `Bearer ${secret}` };
    },
    async close() {
      stopping.abort();
      // Clients of this process keep theirs open for the next request.
      app.server.closeAllConnections();
      await app.close();
      await recorder.close();
      await index.close();
      await engine.close();
      await ledger.close();
      lock.release();
      await rm(root, { recursive: true, force: true });
    },
  };
}

let count = 0;
/** A fresh valid event; `changes` replace its members. */
export function eventOf(changes: JsonObject = {}): JsonObject {
  count += 1;
  return {
    id: `0197a3c2-7d4b-7c1e-9a55-${String(count).padStart(12, "0")}`,
    occurredAt: "2026-03-01T10:11:12.345Z",
    tenant: "default",
    action: "document.read",
    actor: { type: "agent", id: "agent-7" },
    target: { type: "document", id: "document-1" },
    outcome: { status: "success" },
    ...changes,
  };
}
