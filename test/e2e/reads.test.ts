import { randomUUID } from "node:crypto";
import type { SearchPage, Stats } from "@vouchtrail/events";
import { sealSystemEntry } from "@vouchtrail/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, eventOf, startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openTail } from "../hostile/tail.ts";
import { fill } from "../page/trail.ts";
import { type HeldMinutes, holdMinutes } from "./held-minutes.ts";
import { linesOf, type NotedReads, notedReads } from "./noted-reads.ts";

const ADMIN_KEY = "vt_test_admin_key_of_the_reads_tests_0000000000";
const AT = "2026-01-01T00:00:00.000Z";

/** Somebody with a key: asks, and knows what the trail says of it. */
interface Reader {
  readonly id: string;
  readonly headers: { readonly authorization: string };
  ask(
    path: string,
    more?: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string },
  ): Promise<Answer>;
  noted(): Promise<NotedReads[]>;
  lines(): Promise<string[]>;
}

async function readerOf(
  server: TestServer,
  { tenant, secret }: { readonly tenant?: string; readonly secret?: string } = {},
): Promise<Reader> {
  const key = { name: "test", scopes: ["read" as const, "ingest" as const], ...(tenant === undefined ? {} : { tenant }) };
  const made = secret === undefined ? await server.keys.create(key, AT) : { record: await server.keys.adopt(secret, key, AT), secret };
  const headers = { authorization: `Bearer ${made.secret}` };
  const noted = async (): Promise<NotedReads[]> =>
    (await notedReads(server.running.ledger)).filter(({ reader }) => reader === made.record.id);
  // A key is seen within a second after it was made.
  await expect.poll(async () => (await server.send("/api/v1/events?acton=x", { headers })).status, { timeout: 10_000 }).toBe(400);
  return {
    id: made.record.id,
    headers,
    ask: (path, more = {}) => server.send(path, { ...more, headers: { ...headers, ...more.headers } }),
    noted,
    lines: async () => linesOf(await noted()),
  };
}

describe("a server that is asked over HTTP", () => {
  let server: TestServer;
  let minutes: HeldMinutes;
  let id = "";
  beforeAll(async () => {
    ({ started: server, minutes } = await holdMinutes(() => startTestServer({}, { VOUCHTRAIL_ADMIN_KEY: ADMIN_KEY })));
    [id = ""] = await fill(server, [
      eventOf({ tenant: "acme", actor: { type: "agent", id: "fox" }, context: { sessionId: "s-1" } }),
      ...Array.from({ length: 9 }, () => eventOf({ tenant: "acme", details: { note: "quick" } })),
      ...Array.from({ length: 5 }, () => eventOf({ tenant: "other" })),
    ]);
  });
  afterAll(() => server.remove());

  test("READ-1: each route tells what it was asked, and what is no question leaves nothing", async () => {
    const reader = await readerOf(server);
    for (const path of [
      "/tlog/main/checkpoint",
      "/tlog/main/vkey",
      "/tlog/main/tile/0/000.p/8",
      "/metrics",
      "/healthz",
      "/readyz",
      "/",
      "/openapi.json",
    ])
      expect((await reader.ask(path)).status).toBe(200);
    expect((await reader.ask("/api/v1/events?acton=x")).status).toBe(400);
    expect((await reader.ask("/tlog/main/tile/entries/000.p/255")).status).toBe(404);
    expect((await server.send("/api/v1/events", { headers: { authorization: "Bearer vt_wrong" } })).status).toBe(401);
    expect(await reader.lines()).toEqual([]);

    const asked: readonly (readonly [path: string, line: string])[] = [
      ["/api/v1/events?actor=fox&actor=!hen&text=quick%20fox&limit=5", `events {"actor":["fox","!hen"],"text":"quick fox","limit":"5"}`],
      ["/api/v1/events?format=csv&receivedFrom=2026-01-01", `events {"receivedFrom":"2026-01-01T00:00:00.000Z","format":"csv"}`],
      ["/api/v1/stats?group=tool&group=actor&label.env=prod", `stats {"label.env":"prod","group":["tool","actor"]}`],
      ["/api/v1/sources", "sources {}"],
      ["/api/v1/effects?state=all", `effects {"state":"all"}`],
      ["/api/v1/bundle?session=s-1", `bundle {"session":"s-1"}`],
      [`/api/v1/events/${id}`, `events/:id {"id":"${id}"}`],
      [`/api/v1/events/${id}/inclusion-proof`, `events/:id/inclusion-proof {"id":"${id}"}`],
      [`/api/v1/events/${id}/bundle?tenant=acme`, `events/:id/bundle {"id":"${id}","tenant":"acme"}`],
      ["/api/v1/index", "index {}"],
    ];
    for (const [path] of asked) expect((await reader.ask(path)).status).toBe(200);
    expect((await reader.ask("/tlog/main/tile/entries/000.p/8")).status).toBe(200);
    const expected = [...asked.map(([, line]) => `1 GET /api/v1/${line}`), "1 GET /tlog/main/tile/entries {}"];
    expect(await reader.lines()).toEqual(expected);
    for (const entry of await reader.noted()) expect(entry).toMatchObject({ tenant: "vouchtrail", via: "server", unnamed: 0 });

    // What does not exist is asked for all the same; an answer without a body is one.
    const unknown = "00000000-0000-4000-8000-000000000000";
    expect((await reader.ask(`/api/v1/events/${unknown}`)).status).toBe(404);
    expect((await reader.ask(`/api/v1/events/${id}`, { method: "HEAD" })).status).toBe(200);
    expected.push(`1 GET /api/v1/events/:id {"id":"${unknown}"}`);
    expect(await reader.lines()).toEqual(expected);
    minutes.end();
    await expect.poll(() => reader.lines()).toEqual([...expected, `1 GET /api/v1/events/:id {"id":"${id}"}`]);
  });

  test("READ-1: SQL is told as it was written, with the key that asks", async () => {
    const admin = (await server.keys.list())[0];
    const sql = 'SELECT count(*) FROM entries -- it\'s "mine"';
    const before = await notedReads(server.running.ledger);
    await server.send("/api/v1/sql", {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ sql }),
    });
    const [entry] = (await notedReads(server.running.ledger)).slice(before.length);
    expect(entry?.reader).toBe(admin?.id);
    expect(entry?.reads).toEqual([{ route: "POST /api/v1/sql", parameters: { sql, limit: "1000" }, count: 1 }]);
  });

  test("READ-3: the same question a hundred times within the minute is an entry and a summary", async () => {
    const reader = await readerOf(server);
    for (let i = 0; i < 100; i++) expect((await reader.ask("/api/v1/events?actor=fox&limit=3")).status).toBe(200);
    const line = `GET /api/v1/events {"actor":"fox","limit":"3"}`;
    expect(await reader.lines()).toEqual([`1 ${line}`]);
    minutes.end();
    await expect.poll(() => reader.lines()).toEqual([`1 ${line}`, `99 ${line}`]);
    minutes.end();
    await reader.ask("/api/v1/events?actor=fox&limit=3");
    expect(await reader.lines()).toEqual([`1 ${line}`, `99 ${line}`, `1 ${line}`]);
  });

  test("READ-11: a walk over all pages is one question", async () => {
    const reader = await readerOf(server);
    let cursor = "";
    for (let pages = 0; pages < 5; pages++) {
      const answer = await reader.ask(`/api/v1/events?tenant=acme&limit=2&action=!audit.log.read${cursor}`);
      const { nextCursor = "" } = JSON.parse(answer.text) as SearchPage;
      cursor = `&cursor=${nextCursor}`;
      expect(nextCursor === "").toBe(pages === 4);
    }
    for (const width of [3, 5, 8]) await reader.ask(`/tlog/main/tile/entries/000.p/${width}`);
    minutes.end();
    await expect.poll(async () => (await reader.noted()).length).toBe(3);
    const line = `GET /api/v1/events {"tenant":"acme","action":"!audit.log.read","limit":"2"}`;
    expect(await reader.lines()).toEqual([
      `1 ${line}`,
      "1 GET /tlog/main/tile/entries {}",
      `4 ${line}`,
      "2 GET /tlog/main/tile/entries {}",
    ]);
  });

  test("READ-4: asking a thousand different questions in a minute leaves 31 entries that count them all", async () => {
    const reader = await readerOf(server);
    for (let i = 0; i < 1_000; i += 50)
      await Promise.all(Array.from({ length: 50 }, (_, _at) => reader.ask(`/api/v1/events/${randomUUID()}`)));
    minutes.end();
    const countOf = async (): Promise<number> =>
      (await reader.noted()).reduce((sum, { reads, unnamed }) => sum + unnamed + reads.reduce((of, { count }) => of + count, 0), 0);
    await expect.poll(countOf, { timeout: 10_000 }).toBe(1_000);
    expect((await reader.noted()).length).toBeLessThanOrEqual(31);
    expect(new Set(await reader.lines()).size).toBe(1_000);
  });

  test("READ-7: what a tenant's key reads is the tenant's own entry, and no other tenant finds it", async () => {
    const [acme, other] = [await readerOf(server, { tenant: "acme" }), await readerOf(server, { tenant: "other" })];
    await acme.ask("/api/v1/events?text=marker-of-acme");
    const search = "/api/v1/events?action=audit.log.read&wait=searchable";
    const found = async (reader: Reader): Promise<unknown[]> =>
      (JSON.parse((await reader.ask(search)).text) as SearchPage).events.map(({ event }) => event.details);
    expect(JSON.stringify(await found(acme))).toContain("marker-of-acme");
    const seen = await found(other);
    expect(seen).toHaveLength(1);
    expect(JSON.stringify(seen)).not.toContain("acme");
    const [entry] = await acme.noted();
    expect(entry?.tenant).toBe("acme");
    expect((await acme.ask(`/api/v1/events/${entry?.id}`)).status).toBe(200);
    expect((await other.ask(`/api/v1/events/${entry?.id}`)).status).toBe(404);
  });

  test("READ-8: reads are never counted, and whoever writes an event that looks like one does not write the server's", async () => {
    const reader = await readerOf(server, { tenant: "counted" });
    const body = JSON.stringify([eventOf({ action: "audit.log.read", details: { reads: [] }, received: undefined }), eventOf()]);
    const headers = { "content-type": "application/json" };
    expect((await reader.ask("/api/v1/events", { method: "POST", body, headers })).status).toBe(201);
    const forged = eventOf({ action: "audit.log.read", received: { at: AT, via: "server" } });
    expect((await reader.ask("/api/v1/events", { method: "POST", body: JSON.stringify(forged), headers })).status).toBe(400);
    expect((await reader.ask("/api/v1/events?via=server", { method: "POST", body, headers })).status).toBe(400);
    expect((await server.post(eventOf({ tenant: "vouchtrail", action: "audit.log.read" }))).status).toBe(400);

    const statsOf = async (): Promise<Stats> => JSON.parse((await reader.ask("/api/v1/stats?wait=searchable")).text) as Stats;
    const first = await statsOf();
    expect(first.total).toBe(2);
    for (let i = 0; i < 10; i++) await reader.ask(`/api/v1/events?limit=${i + 1}`);
    minutes.end();
    const { total } = await statsOf();
    expect(total).toBe(2);
    const hits = async (query: string): Promise<SearchPage["events"]> =>
      (JSON.parse((await reader.ask(`/api/v1/events?action=audit.log.read&limit=100&${query}`)).text) as SearchPage).events;
    expect((await hits("via=!server")).map(({ received }) => received.via)).toEqual(["http"]);
    const own = await hits("via=server");
    expect(own.length).toBeGreaterThan(10);
    expect(own.filter(({ counted, deed }) => counted || deed !== undefined)).toEqual([]);
    expect(await hits("via=server&deeds=true")).toEqual([]);
  });

  test("READ-9: what was asked can be erased from the trail and from the search index", async () => {
    const reader = await readerOf(server);
    await reader.ask("/api/v1/events?actor=person-to-forget");
    const [entry] = await reader.noted();
    const index = entry?.index ?? -1;
    const erases = { content: [[index, index + 1]] as [number, number][] };
    const { ledger } = server.running;
    const [result] = await ledger.append([sealSystemEntry({ action: "sections.erased", ledger: "main", system: { erases } }, AT)]);
    await ledger.erase(erases, result !== undefined && "receipt" in result ? result.receipt.index : -1);
    const { text, status } = await reader.ask(`/api/v1/events/${entry?.id}`);
    expect(status).toBe(200);
    expect(text).not.toContain("person-to-forget");
    expect(JSON.parse(text)).toMatchObject({ event: { action: "audit.log.read", actor: { id: reader.id } } });
    // This question is told as well, so it finds itself.
    const url = "/api/v1/events?action=audit.log.read&text=person-to-forget&wait=searchable";
    const found = JSON.parse((await reader.ask(url)).text) as SearchPage;
    expect(found.events.map((hit) => hit.index)).not.toContain(index);
    expect(found.events).toHaveLength(1);
  });

  test("READ-11: a tail is noted at its start, and one from now on does not begin with its own note", async () => {
    const reader = await readerOf(server);
    const id = randomUUID();
    const tail = openTail(`${server.running.url}/api/v1/tail?via=!hook`, reader.headers, id);
    await tail.begun;
    await server.post(eventOf({ id, action: "after.the.start" }));
    const text = await tail.text;
    expect(text.match(/^data: /gm)).toHaveLength(1);
    expect(text).toContain("after.the.start");
    expect(await reader.lines()).toEqual([`1 GET /api/v1/tail {"via":"!hook"}`]);
  });
});
