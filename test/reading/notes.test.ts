import { AuditError } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Reads } from "../../packages/server/src/http/reads.ts";
import { eventOf, openReadingApp, type ReadingApp } from "./reading-app.ts";

let reading: ReadingApp;
const noted: Parameters<Reads["note"]>[] = [];
let refusal: AuditError | undefined;

beforeAll(async () => {
  reading = await openReadingApp({
    reads: {
      async note(...given) {
        if (refusal !== undefined) throw refusal;
        noted.push(given);
      },
    },
  });
});
afterAll(() => reading.close());

const last = (): unknown => {
  const [principal, read] = noted.at(-1) ?? [];
  return { key: principal?.key, tenant: principal?.tenant, ...read };
};

test("NOTED-1: every read is noted with who asks and what for", async () => {
  const event = eventOf();
  await reading.add(event);
  const id = String(event.id);
  const keyless = { key: undefined, tenant: undefined };
  const asked: readonly (readonly [url: string, route: string, parameters: readonly (readonly string[])[]])[] = [
    [
      "/api/v1/events?limit=5&to=2030-01-01&actor=b&actor=a&actor=b",
      "/api/v1/events",
      [
        ["actor", "a"],
        ["actor", "b"],
        ["to", "2030-01-01T00:00:00.000Z"],
        ["limit", "5"],
      ],
    ],
    [
      "/api/v1/events?format=csv&text=x",
      "/api/v1/events",
      [
        ["text", "x"],
        ["format", "csv"],
      ],
    ],
    [
      "/api/v1/stats?group=tool&group=actor&label.env=prod",
      "/api/v1/stats",
      [
        ["label.env", "prod"],
        ["group", "tool"],
        ["group", "actor"],
      ],
    ],
    ["/api/v1/sources", "/api/v1/sources", []],
    ["/api/v1/effects?state=all", "/api/v1/effects", [["state", "all"]]],
    ["/api/v1/bundle?session=s", "/api/v1/bundle", [["session", "s"]]],
    [`/api/v1/events/${id}`, "/api/v1/events/:id", [["id", id]]],
    [
      `/api/v1/events/${id}/inclusion-proof?tenant=default`,
      "/api/v1/events/:id/inclusion-proof",
      [
        ["id", id],
        ["tenant", "default"],
      ],
    ],
    [`/api/v1/events/${id}/bundle`, "/api/v1/events/:id/bundle", [["id", id]]],
    ["/api/v1/index", "/api/v1/index", []],
  ];
  for (const [url, route, parameters] of asked) {
    const count = noted.length;
    expect((await reading.get(url)).status).toBe(200);
    expect(noted).toHaveLength(count + 1);
    expect(last()).toEqual({ ...keyless, route: `GET ${route}`, parameters });
  }
});

test("NOTED-1: SQL is noted as it was written, with the key that asks", async () => {
  const headers = await reading.keyFor({});
  await reading.post("/api/v1/sql", { sql: "SELECT 1 -- why" }, headers);
  const key = /vt_([a-z0-9]{8})_/.exec(headers.authorization ?? "")?.[1];
  expect(last()).toEqual({
    key,
    tenant: undefined,
    route: "POST /api/v1/sql",
    parameters: [
      ["sql", "SELECT 1 -- why"],
      ["limit", "1000"],
    ],
  });
});

test("NOTED-1: all pages of a question are one read", async () => {
  await reading.add(...[1, 2, 3].map(() => eventOf({ tenant: "paged" })));
  const first = await reading.get("/api/v1/events?tenant=paged&limit=2");
  const before = last();
  await reading.get(`/api/v1/events?limit=2&tenant=paged&cursor=${first.json<{ nextCursor: string }>().nextCursor}`);
  expect(last()).toEqual(before);
});

test("NOTED-1: a tail is noted before it begins", async () => {
  const tail = new AbortController();
  const address = await reading.app.listen({ host: "127.0.0.1", port: 0 });
  const response = await fetch(`${address}/api/v1/tail?after=0&actor=x`, { signal: tail.signal });
  expect(response.status).toBe(200);
  expect(last()).toMatchObject({ route: "GET /api/v1/tail", parameters: [["actor", "x"]] });
  tail.abort();
});

test("NOTED-1: what is not a question is not noted", async () => {
  const count = noted.length;
  await reading.get("/api/v1/events?limt=1");
  await reading.get("/api/v1/events", { authorization: "Bearer wrong" });
  await reading.get("/tlog/main/checkpoint");
  expect(noted).toHaveLength(count);
});

test("NOTED-1: what cannot be noted is not answered", async () => {
  const event = eventOf();
  await reading.add(event);
  refusal = new AuditError("DISK_FULL");
  const headers = await reading.keyFor({});
  for (const url of [
    "/api/v1/events",
    "/api/v1/events?format=ndjson",
    "/api/v1/stats",
    "/api/v1/sources",
    "/api/v1/effects",
    "/api/v1/bundle",
    "/api/v1/index",
    "/api/v1/tail",
  ])
    expect((await reading.get(url)).status).toBe(503);
  for (const part of ["", "/inclusion-proof", "/bundle"]) {
    const answer = await reading.get(`/api/v1/events/${event.id}${part}`);
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain("agent-7");
  }
  expect((await reading.post("/api/v1/sql", { sql: "SELECT 1" }, headers)).status).toBe(503);
  refusal = undefined;
});
