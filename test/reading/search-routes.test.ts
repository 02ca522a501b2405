import { AuditError, CSV_COLUMNS, type SearchHit, type SearchPage } from "@vouchtrail/events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, openReadingApp, type ReadingApp, type Reply } from "./reading-app.ts";

let reading: ReadingApp;
beforeAll(async () => {
  reading = await openReadingApp();
  await reading.add(
    ...Array.from({ length: 7 }, (_, i) =>
      eventOf({ tenant: "seven", actor: { type: "user", id: `u-${i}`, name: i === 3 ? "=1+1" : `Name ${i}` } }),
    ),
  );
});
afterAll(() => reading.close());

interface ErrorBody {
  readonly error: { readonly code: string; readonly path?: string; readonly message: string };
}
const errorOf = (reply: Reply): { status: number; code: string; path: string | undefined; message: string } => {
  const { error } = reply.json<ErrorBody>();
  return { status: reply.status, code: error.code, path: error.path, message: error.message };
};
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the routes", () => {
  test("READING-10: every answer says how large the ledger is and how far was searched", async () => {
    const { treeSize } = await reading.ledger.head();
    for (const url of ["/api/v1/events", "/api/v1/stats", "/api/v1/sources", "/api/v1/effects", "/api/v1/bundle"]) {
      const answer = await reading.get(`${url}?tenant=seven&wait=searchable`);
      expect(answer.status).toBe(200);
      expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
      expect(answer.json()).toMatchObject({ treeSize, searchedTo: treeSize });
    }
  });

  test("CACHE-1: searches, counts and the state of the index are not to be kept", async () => {
    for (const url of [
      "/api/v1/events",
      "/api/v1/events?format=csv",
      "/api/v1/stats",
      "/api/v1/sources",
      "/api/v1/effects",
      "/api/v1/bundle",
      "/api/v1/index",
    ])
      expect((await reading.get(url)).headers["cache-control"]).toBe("no-store");
  });

  test("READING-2: cursors lead from page to page over HTTP", async () => {
    const indexes: number[] = [];
    let url = "/api/v1/events?tenant=seven&limit=3";
    for (;;) {
      const { events, nextCursor } = (await reading.get(url)).json<SearchPage>();
      indexes.push(...events.map(({ index }) => index));
      if (nextCursor === undefined) break;
      url = `/api/v1/events?limit=2&tenant=seven&cursor=${nextCursor}`;
    }
    expect(indexes).toEqual([6, 5, 4, 3, 2, 1, 0]);
  });

  test("READING-4: a cursor of another tenant's key is refused and says nothing else", async () => {
    const bound = await reading.keyFor({ scopes: ["read"], tenant: "seven" });
    const other = await reading.keyFor({ scopes: ["read"], tenant: "eight" });
    const { nextCursor } = (await reading.get("/api/v1/events?limit=3", bound)).json<SearchPage>();
    const refused = errorOf(await reading.get(`/api/v1/events?limit=3&cursor=${nextCursor}`, other));
    expect(refused).toEqual({ status: 400, code: "CURSOR_INVALID", path: "cursor", message: new AuditError("CURSOR_INVALID").message });
    expect(errorOf(await reading.get("/api/v1/events?limit=3&cursor=AAAA", other))).toEqual(refused);
  });

  test("READING-11: deeds are grouped by several names, spans and labels", async () => {
    await reading.add(eventOf({ tenant: "groups", labels: { env: "prod" } }), eventOf({ tenant: "groups", labels: { env: "test" } }));
    const answer = await reading.get("/api/v1/stats?tenant=groups&group=actor&group=label.env&bucket=day&limit=1");
    expect(answer.json()).toMatchObject({
      total: 2,
      groupCount: 2,
      groups: [{ key: { actor: "agent-7", "label.env": expect.any(String) }, total: 1 }],
      buckets: [{ from: "2026-03-01T00:00:00.000Z", total: 2 }],
    });
  });

  test("READING-11: effects are open or closed, sources tell their gaps", async () => {
    const effect = eventOf({ tenant: "effects", phase: "intent", outcome: { status: "pending" } });
    const done = eventOf({ tenant: "effects", phase: "intent", outcome: { status: "pending" } });
    await reading.add(effect, done, eventOf({ tenant: "effects", phase: "outcome", context: { parentEventId: String(done.id) } }));
    const states = async (query: string): Promise<unknown> =>
      (await reading.get(`/api/v1/effects?tenant=effects${query}`))
        .json<{ effects: { event: { id: string }; state: string }[] }>()
        .effects.map(({ event, state }) => [event.id, state]);
    expect(await states("")).toEqual([[effect.id, "open"]]);
    expect(await states("&state=closed")).toEqual([[done.id, "closed"]]);
    expect(await states("&state=all&order=oldest")).toEqual([
      [effect.id, "open"],
      [done.id, "closed"],
    ]);
    await reading.add(...[1, 2, 5].map((sequence) => eventOf({ tenant: "sources", source: { name: "app", instance: "i", sequence } })));
    expect((await reading.get("/api/v1/sources?tenant=sources")).json()).toMatchObject({
      sources: [{ tenant: "sources", name: "app", entries: 3, firstSequence: 1, lastSequence: 5, missing: 2, gaps: [[3, 4]] }],
      sourceCount: 1,
    });
  });
});

describe("READING-8: what a route does not take", () => {
  test.each([
    ["/api/v1/events?limt=5", "limt", "limit"],
    ["/api/v1/events?acton=x", "acton", "action"],
    ["/api/v1/stats?groups=actor", "groups", "group"],
    ["/api/v1/effects?stat=open", "stat", "state"],
    ["/api/v1/bundle?dead=x", "dead", "deed"],
    ["/api/v1/tail?actr=x", "actr", "actor"],
    ["/api/v1/sources?limits=1", "limits", "limit"],
  ])("%s is refused and the nearest name is told", async (url, path, nearest) => {
    const refused = errorOf(await reading.get(url));
    expect(refused).toMatchObject({ status: 400, code: "FILTER_INVALID", path });
    expect(refused.message).toContain(`Did you mean "${nearest}"?`);
  });

  test.each([
    ["/api/v1/events?limit=0", "limit"],
    ["/api/v1/events?limit=1000000000", "limit"],
    ["/api/v1/events?limit=1e3", "limit"],
    ["/api/v1/events?limit=-1", "limit"],
    ["/api/v1/events?limit=", "limit"],
    ["/api/v1/events?limit=9007199254740993", "limit"],
    ["/api/v1/events?limit=1&limit=2", "limit"],
    ["/api/v1/events?limit=1001", "limit"],
    ["/api/v1/events?format=ndjson&limit=1000001", "limit"],
    ["/api/v1/events?order=sideways", "order"],
    ["/api/v1/events?format=xml", "format"],
    ["/api/v1/events?deeds=yes", "deeds"],
    ["/api/v1/events?deed=xyz", "deed"],
    ["/api/v1/events?wait=checkpoint", "wait"],
    ["/api/v1/events?__proto__=1", "__proto__"],
    ["/api/v1/events?constructor=1", "constructor"],
    ["/api/v1/events?=1", ""],
    ["/api/v1/events?limit[]=1", "limit[]"],
    ["/api/v1/events?from=yesterday", "from"],
    ["/api/v1/stats?group=shoe", "group"],
    ["/api/v1/stats?group=a&group=b&group=c&group=d", "group"],
    ["/api/v1/stats?bucket=year", "bucket"],
    ["/api/v1/stats?cursor=x", "cursor"],
    ["/api/v1/stats?order=newest", "order"],
    ["/api/v1/effects?state=ajar", "state"],
    ["/api/v1/effects?deeds=true", "deeds"],
    ["/api/v1/bundle?limit=201", "limit"],
    ["/api/v1/bundle?order=newest", "order"],
    ["/api/v1/index?x=1", "x"],
    ["/api/v1/tail?after=1&after=2", "after"],
    ["/api/v1/events/0197a3c2-7d4b-7c1e-9a55-000000000001?tenat=x", "tenat"],
    ["/api/v1/events/0197a3c2-7d4b-7c1e-9a55-000000000001?tenant=x&tenant=y", "tenant"],
  ])("%s is refused with the name as path", async (url, path) => {
    expect(errorOf(await reading.get(url))).toMatchObject({ status: 400, code: "FILTER_INVALID", path });
  });

  test("a hundred filter values are taken, one more is refused", async () => {
    const query = (count: number): string => Array.from({ length: count }, (_, i) => `actor=u-${i}`).join("&");
    expect((await reading.get(`/api/v1/events?${query(100)}`)).status).toBe(200);
    expect(errorOf(await reading.get(`/api/v1/events?${query(101)}`))).toMatchObject({ code: "FILTER_INVALID" });
  });
});

describe("streams", () => {
  test("STREAM-2: NDJSON is an entry a line, as pages have them, and the end", async () => {
    const page = (await reading.get("/api/v1/events?tenant=seven&limit=7")).json<SearchPage>();
    const answer = await reading.get("/api/v1/events?tenant=seven&format=ndjson");
    expect(answer.headers["content-type"]).toBe("application/x-ndjson; charset=utf-8");
    const lines = linesOf(answer.text);
    expect(lines.slice(0, -1)).toEqual(page.events);
    expect(lines.at(-1)).toEqual({ end: { events: 7, treeSize: page.treeSize, searchedTo: page.searchedTo } });
  });

  test("STREAM-3: a stream that stops at its limit says so, and goes on behind its cursor", async () => {
    const first = await reading.get("/api/v1/events?tenant=seven&format=ndjson&limit=5");
    const { end } = linesOf(first.text).at(-1) as { end: { events: number; nextCursor: string } };
    expect(end.events).toBe(5);
    expect(first.headers.trailer).toBe("x-vouchtrail-next-cursor");
    expect(first.trailers).toEqual({ "x-vouchtrail-next-cursor": end.nextCursor });
    const rest = await reading.get(`/api/v1/events?tenant=seven&format=csv&cursor=${end.nextCursor}`);
    expect(rest.trailers).toEqual({ "x-vouchtrail-next-cursor": "" });
    expect(rest.text.split("\r\n")).toHaveLength(4);
  });

  test("CSV-1: CSV has a byte order mark, its header and a line an entry; an empty answer is the header", async () => {
    const answer = await reading.get("/api/v1/events?tenant=seven&format=csv");
    expect(answer.headers["content-type"]).toBe("text/csv; charset=utf-8; header=present");
    const [header = "", ...rows] = answer.text.split("\r\n");
    expect(header).toBe(`\ufeff${CSV_COLUMNS.join(",")}`);
    expect(rows).toHaveLength(8);
    expect(rows[3]).toContain(",u-3,'=1+1,");
    expect((await reading.get("/api/v1/events?tenant=nobody&format=csv")).text).toBe(`${header}\r\n`);
  });

  test.each([
    ["*/*", "application/json"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "application/json"],
    ["application/x-ndjson", "application/x-ndjson"],
    ["text/csv; charset=utf-8, application/json", "text/csv"],
    ["TEXT/CSV", "text/csv"],
    ["constructor, __proto__", "application/json"],
  ])("STREAM-1: Accept %s is answered with %s", async (accept, type) => {
    const answer = await reading.get("/api/v1/events?tenant=seven", { accept });
    expect(String(answer.headers["content-type"]).split(";")[0]).toBe(type);
    expect(answer.headers.vary).toBe("accept");
  });

  test("STREAM-1: format goes before Accept", async () => {
    const answer = await reading.get("/api/v1/events?tenant=seven&format=json", { accept: "text/csv" });
    expect(answer.json<SearchPage>().events).toHaveLength(7);
  });

  test("STREAM-1: a stream may be larger than what the search index is asked for at a time", async () => {
    const size = 10_500;
    await reading.add(...Array.from({ length: size }, () => eventOf({ tenant: "many" })));
    const answer = await reading.get("/api/v1/events?tenant=many&format=ndjson&limit=1000000&order=oldest");
    const lines = linesOf(answer.text);
    expect(lines.at(-1)).toMatchObject({ end: { events: size } });
    const indexes = lines.slice(0, -1).map((line) => (line as unknown as SearchHit).index);
    expect(indexes).toEqual(indexes.map((_, i) => (indexes[0] ?? 0) + i));
    const standard = await reading.get("/api/v1/events?tenant=many&format=csv");
    expect(standard.text.split("\r\n")).toHaveLength(10_002);
    expect(standard.trailers["x-vouchtrail-next-cursor"]).not.toBe("");
  });
});

describe("one entry", () => {
  test("CACHE-2: an entry has a tag; who has it already is told so until something of it is erased", async () => {
    const event = eventOf({ tenant: "tagged", actor: { type: "user", id: "u-1", name: "Ann" } });
    await reading.add(event);
    const url = `/api/v1/events/${event.id}`;
    const first = await reading.get(url);
    const tag = String(first.headers.etag);
    expect(tag).toMatch(/^W\/"[A-Za-z0-9_-]{22}"$/);
    expect(first.headers["cache-control"]).toBe("private, no-cache");
    await reading.add(eventOf());
    for (const header of [tag, tag.slice(2), `"x", ${tag}`, "*"]) {
      const answer = await reading.get(url, { "if-none-match": header });
      expect([answer.status, answer.text, answer.headers.etag]).toEqual([304, "", tag]);
    }
    expect((await reading.get(url, { "if-none-match": 'W/"other"' })).status).toBe(200);
    for (const part of ["inclusion-proof", "bundle"]) {
      const answer = await reading.get(`${url}/${part}`);
      expect([answer.status, answer.headers["cache-control"]]).toEqual([200, "private, no-cache"]);
    }
  });
});
