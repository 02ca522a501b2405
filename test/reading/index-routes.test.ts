import type { SqlAnswer } from "@vouchtrail/events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SearchIndex } from "../../packages/server/src/followers/search/search-index.ts";
import { eventOf, openReadingApp, type ReadingApp, type Reply } from "./reading-app.ts";

let reading: ReadingApp;
let admin: Record<string, string>;
/** Whether the follower seems to be at the beginning. */
let isBehind = false;
/** What the next check does instead of checking. */
let check: SearchIndex["check"] | undefined;

beforeAll(async () => {
  reading = await openReadingApp({
    wrap: (search) => ({
      ...search,
      follower: () => ({ ...search.follower(), ...(isBehind ? { next: 0 } : {}) }),
      check: (options) => (check ?? search.check)(options),
    }),
  });
  admin = await reading.keyFor({});
  await reading.add(...[1, 2, 3].map((i) => eventOf({ usage: { tokensInput: i } })));
});
afterAll(() => reading.close());

const codeOf = (reply: Reply): unknown => [reply.status, reply.json<{ error: { code: string } }>().error.code];
const pathOf = (reply: Reply): unknown => reply.json<{ error: { path?: string } }>().error.path;
const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe("ADMIN-1: who may", () => {
  const routes = [
    ["POST", "/api/v1/sql"],
    ["GET", "/api/v1/index"],
    ["POST", "/api/v1/index/rebuild"],
    ["POST", "/api/v1/index/check"],
  ] as const;
  const ask = (method: "GET" | "POST", url: string, headers: Record<string, string>): Promise<Reply> =>
    method === "GET" ? reading.get(url, headers) : reading.post(url, { sql: "SELECT 1" }, headers);

  test.each(routes)("%s %s is not for a key that is bound to a tenant", async (method, url) => {
    expect(codeOf(await ask(method, url, await reading.keyFor({ tenant: "acme" })))).toEqual([403, "TENANT_FORBIDDEN"]);
  });

  test.each(routes.filter(([method]) => method === "POST"))("%s %s needs the scope admin", async (method, url) => {
    expect(codeOf(await ask(method, url, await reading.keyFor({ scopes: ["read", "ingest"] })))).toEqual([403, "SCOPE_MISSING"]);
    expect(codeOf(await ask(method, url, {}))).toEqual([401, "KEY_REQUIRED"]);
  });

  test("the key is checked before the body is read", async () => {
    const body = "x".repeat(2_000_000);
    expect(codeOf(await reading.post("/api/v1/sql", body, {}))).toEqual([401, "KEY_REQUIRED"]);
    expect(codeOf(await reading.post("/api/v1/sql", body, admin))).toEqual([413, "BODY_TOO_LARGE"]);
  });
});

describe("SQL", () => {
  const sql = (body: unknown): Promise<Reply> => reading.post("/api/v1/sql", body, admin);

  test("ADMIN-2: a statement is answered with columns, rows and how far was searched", async () => {
    const { treeSize } = await reading.ledger.head();
    const answer = await sql({ sql: "SELECT sum(tokens_input)::INTEGER AS tokens FROM deeds", wait: true });
    expect(answer.status).toBe(200);
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.json<SqlAnswer>()).toMatchObject({
      columns: [{ name: "tokens" }],
      rows: [[6]],
      isTruncated: false,
      treeSize,
      searchedTo: treeSize,
    });
    const cut = await sql({ sql: 'SELECT "index" FROM entries', limit: 2 });
    expect(cut.json<SqlAnswer>().rows).toHaveLength(2);
    expect(cut.json<SqlAnswer>().isTruncated).toBe(true);
  });

  test.each([
    ["SELECT", "BODY_INVALID", undefined],
    ["", "BODY_INVALID", undefined],
    [[], "FILTER_INVALID", undefined],
    [null, "FILTER_INVALID", undefined],
    [{}, "FILTER_INVALID", "sql"],
    [{ sql: "" }, "FILTER_INVALID", "sql"],
    [{ sql: 5 }, "FILTER_INVALID", "sql"],
    [{ sql: ["SELECT 1"] }, "FILTER_INVALID", "sql"],
    [{ sql: "x".repeat(100_001) }, "FILTER_INVALID", "sql"],
    [{ sql: "SELECT 1", limit: 0 }, "FILTER_INVALID", "limit"],
    [{ sql: "SELECT 1", limit: 1e9 }, "FILTER_INVALID", "limit"],
    [{ sql: "SELECT 1", limit: "5" }, "FILTER_INVALID", "limit"],
    [{ sql: "SELECT 1", wait: "searchable" }, "FILTER_INVALID", "wait"],
    [{ sql: "SELECT 1", timeoutMs: 1e9 }, "FILTER_INVALID", "timeoutMs"],
  ])("ADMIN-2: the body %j is refused", async (body, code, path) => {
    const answer = await sql(body);
    expect(codeOf(answer)).toEqual([400, code]);
    expect(pathOf(answer)).toBe(path);
    expect(answer.text).not.toContain("SELECT 1");
  });

  test("ADMIN-2: only JSON is taken, and no parameter", async () => {
    expect(codeOf(await reading.post("/api/v1/sql", "{}", { ...admin, "content-type": "application/x-ndjson" }))).toEqual([
      415,
      "CONTENT_TYPE_UNSUPPORTED",
    ]);
    expect(codeOf(await reading.post("/api/v1/sql?limit=5", { sql: "SELECT 1" }, admin))).toEqual([400, "FILTER_INVALID"]);
  });

  test("ADMIN-2: what is refused here is not counted as refused events", async () => {
    const refused = async (): Promise<string> =>
      (await reading.get("/metrics")).text
        .split("\n")
        .filter((line) => line.startsWith("vouchtrail_events_refused_total"))
        .join();
    const before = await refused();
    await sql({ sql: 5 });
    await sql({ sql: "SELEKT" });
    await reading.post("/api/v1/index/check", "x", admin);
    expect(await refused()).toBe(before);
    await reading.post("/api/v1/events", "nonsense");
    expect(await refused()).not.toBe(before);
  });
});

describe("the search index", () => {
  test("ADMIN-1: its state tells files and follower", async () => {
    const answer = await reading.get("/api/v1/index");
    expect(answer.json()).toMatchObject({ files: expect.any(Array), follower: { name: "search", state: "waiting", lagEntries: 0 } });
  });

  test("ADMIN-3: a rebuild is begun, and everything can be found again", async () => {
    const { treeSize } = await reading.ledger.head();
    const answer = await reading.post("/api/v1/index/rebuild", {}, admin);
    expect([answer.status, answer.json()]).toEqual([202, { treeSize }]);
    await reading.search.waitFor(treeSize);
    expect((await reading.get("/api/v1/events?limit=1000")).json<{ events: unknown[] }>().events).toHaveLength(treeSize);
    expect(codeOf(await reading.post("/api/v1/index/rebuild", { force: true }, admin))).toEqual([400, "BODY_INVALID"]);
  });

  test("ADMIN-3: a second rebuild is refused until the first one is through", async () => {
    const { treeSize } = await reading.ledger.head();
    expect((await reading.post("/api/v1/index/rebuild", {}, admin)).status).toBe(202);
    isBehind = true;
    const refused = await reading.post("/api/v1/index/rebuild", {}, admin);
    isBehind = false;
    expect(codeOf(refused)).toEqual([503, "SEARCH_UNAVAILABLE"]);
    expect(refused.headers["retry-after"]).toBeDefined();
    await reading.search.waitFor(treeSize);
    expect((await reading.post("/api/v1/index/rebuild", {}, admin)).status).toBe(202);
    await reading.search.waitFor(treeSize);
  });

  test("ADMIN-4: a check ends with its report, and says on the way how far it is", async () => {
    const answer = await reading.post("/api/v1/index/check", "", admin);
    expect(answer.headers["content-type"]).toBe("application/x-ndjson; charset=utf-8");
    const { treeSize } = await reading.ledger.head();
    expect(linesOf(answer.text).at(-1)).toEqual({ entries: treeSize, mismatchCount: 0, mismatches: [], miscounted: 0, isGood: true });
  });

  test("ADMIN-4: lines come as they are taken, the report last; one check at a time", async () => {
    const started = gate();
    const finish = gate();
    const report = { entries: 2, mismatchCount: 1, mismatches: [{ index: 1, columns: ["action"] }], miscounted: 0, isGood: false };
    check = async ({ onProgress } = {}) => {
      onProgress?.(1, 2);
      started.open();
      await finish.opened;
      onProgress?.(2, 2);
      return report;
    };
    const answer = reading.post("/api/v1/index/check", {}, admin);
    await started.opened;
    expect(codeOf(await reading.post("/api/v1/index/check", {}, admin))).toEqual([503, "QUERY_BUSY"]);
    finish.open();
    expect(linesOf((await answer).text).at(-1)).toEqual(report);
    check = undefined;
    expect((await reading.post("/api/v1/index/check", {}, admin)).status).toBe(200);
  });

  test("ADMIN-4: a check that fails ends with the error", async () => {
    check = async () => {
      throw new Error("a fault of ours");
    };
    const answer = await reading.post("/api/v1/index/check", {}, admin);
    check = undefined;
    expect(linesOf(answer.text)).toEqual([{ error: expect.objectContaining({ code: "INTERNAL" }) }]);
    expect(answer.text).not.toContain("fault of ours");
  });
});
