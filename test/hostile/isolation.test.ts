import { randomInt } from "node:crypto";
import { type EffectPage, GROUP_NAMES, type SearchPage } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HeldMinutes, holdMinutes } from "../e2e/held-minutes.ts";
import { notedReads } from "../e2e/noted-reads.ts";
import { type Comparable, comparable } from "./comparable-answer.ts";
import type { Answer, SendOptions } from "./running-server.ts";
import { openTail } from "./tail.ts";
import { commonId, eventsOf, idsOf, OTHER, OWN, questions, SECRETS, type Tenant, urlOf } from "./tenant-events.ts";
import { type Asked, openTenantPair, type TenantPair } from "./tenant-pair.ts";

/*
 * One ledger holds the events of several tenants, another one those of a single tenant. Whatever a key of that tenant asks, both must answer the
 * same, but for positions and hashes. How long an answer takes is not compared.
 */

/** Of the events and of the questions. A failure prints it: put it here to repeat. */
const SEED = randomInt(2 ** 31);
/** Events of each tenant with common ids; as many more have ids of their own. */
const COUNT = 24;
const ROUNDS = 6;
/** A question waits for its own note to be found; on a busy machine hundreds of them take minutes. */
const FUZZ_TIMEOUT_MS = 300_000;

let pair: TenantPair;
let minutes: HeldMinutes;
const known = new Set<string>();

const KEYS = {
  writer: { scopes: ["ingest"] },
  operator: { scopes: ["read", "admin"] },
  own: { scopes: ["read"], tenant: OWN },
  ownAdmin: { scopes: ["read", "ingest", "admin"], tenant: OWN },
  other: { scopes: ["read", "ingest"], tenant: OTHER },
} as const;

beforeAll(async () => {
  ({ started: pair, minutes } = await holdMinutes(() => openTenantPair(KEYS)));
  const events = new Map<Tenant, ReturnType<typeof eventsOf>>();
  for (const tenant of [OTHER, OWN, "default"] as const) events.set(tenant, eventsOf(tenant, COUNT, SEED));
  for (const { id } of [...events.values()].flat()) known.add(String(id));
  const part = (tenant: Tenant, round: number): ReturnType<typeof eventsOf> =>
    (events.get(tenant) ?? []).filter((_, i) => i % ROUNDS === round);
  for (let round = 0; round < ROUNDS; round++) {
    await pair.post(part(OTHER, round), "shared");
    await pair.post(part(OWN, round), "both");
    await pair.post(part("default", round), "shared");
    // The others read as well: what they ask is theirs.
    for (const name of ["other", "operator"])
      await pair.shared.send(`/api/v1/events?text=${SECRETS[0]}`, { headers: pair.headers[name] ?? {} });
  }
  await pair.erase(commonId(0), OWN);
});
afterAll(() => pair.close());

/** Ends the minute, and resolves when what the tenant's key has read is summed up on both servers. */
async function endMinute(): Promise<void> {
  const countOf = async ({ running }: Asked): Promise<number> =>
    (await notedReads(running.ledger)).filter(({ tenant }) => tenant === OWN).length;
  const before = await countOf(pair.shared);
  expect(await countOf(pair.alone)).toBe(before);
  minutes.end();
  for (const asked of [pair.shared, pair.alone]) await expect.poll(() => countOf(asked)).toBe(before + 1);
}

/** Asks both servers the same, and expects the same. @returns What the shared one answered. */
async function askBoth(
  path: string,
  { name = "own", ...options }: SendOptions & { readonly name?: "own" | "ownAdmin" } = {},
): Promise<Answer> {
  const headers = { ...pair.headers[name], ...options.headers };
  const shared = await pair.shared.send(path, { ...options, headers });
  const alone = await pair.alone.send(path, { ...options, headers });
  expect(comparableOf(shared), `${path} (seed ${SEED})`).toEqual(comparableOf(alone));
  expectNoSecret(shared);
  return shared;
}

const comparableOf = (answer: Answer): Comparable => comparable(answer, known);

function expectNoSecret({ text, headers }: Answer): void {
  const bytes = `${text}${JSON.stringify(headers)}`;
  for (const secret of SECRETS) expect(bytes).not.toContain(secret);
}

test(
  "ISOLATION-1: whatever a key of a tenant asks for, it is answered as if its events were alone",
  async () => {
    const answered = new Map<string, number>();
    const filled = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(questions, async (question) => {
        const { status, text } = await askBoth(urlOf(question));
        expect([200, 400]).toContain(status);
        if (status !== 200) return;
        answered.set(question.path, (answered.get(question.path) ?? 0) + 1);
        if (text.includes(OWN) || /"total":[1-9]/.test(text)) filled.set(question.path, (filled.get(question.path) ?? 0) + 1);
      }),
      { numRuns: 300, seed: SEED },
    );
    // Questions that say nothing about anything would all look alike.
    expect([...answered.keys()].sort()).toEqual([
      "/api/v1/bundle",
      "/api/v1/effects",
      "/api/v1/events",
      "/api/v1/sessions",
      "/api/v1/sources",
      "/api/v1/stats",
    ]);
    for (const [path, count] of answered) expect(count, path).toBeGreaterThan(20);
    for (const path of answered.keys()) expect(filled.get(path), path).toBeGreaterThan(5);
  },
  FUZZ_TIMEOUT_MS,
);

test("ISOLATION-1: without a filter all of the tenant's events are there, and only they", async () => {
  const { events } = JSON.parse((await askBoth("/api/v1/events?limit=1000&wait=searchable&via=http")).text) as SearchPage;
  expect(events).toHaveLength(2 * COUNT);
  const stats = JSON.parse((await askBoth(`/api/v1/stats?wait=searchable&group=tenant`)).text) as { groups: unknown[]; groupCount: number };
  expect(stats).toMatchObject({ groupCount: 1, groups: [{ key: { tenant: OWN } }] });
  for (const group of GROUP_NAMES) await askBoth(`/api/v1/stats?wait=searchable&bucket=day&group=${group}&limit=1000`);
  const whole = await pair.shared.send("/api/v1/events?limit=1000&wait=searchable&via=http", { headers: pair.headers.operator ?? {} });
  expect((JSON.parse(whole.text) as SearchPage).events).toHaveLength(6 * COUNT);
  for (const secret of SECRETS) expect(whole.text).toContain(secret);
});

test("ISOLATION-1: pages end and go on where they would if the tenant's events were alone", async () => {
  const walk = async ({ send }: Asked, path: string): Promise<unknown[]> => {
    const pages: unknown[] = [];
    let cursor = "";
    do {
      const answer = await send(`${path}${cursor}`, { headers: pair.headers.own ?? {} });
      expectNoSecret(answer);
      pages.push(comparableOf(answer));
      const { nextCursor } = JSON.parse(answer.text) as { nextCursor?: string };
      cursor = nextCursor === undefined ? "" : `&cursor=${nextCursor}`;
    } while (cursor !== "");
    return pages;
  };
  for (const path of ["/api/v1/events?via=http", "/api/v1/effects?state=all", "/api/v1/effects?state=open", "/api/v1/bundle?via=http"]) {
    for (const order of path.startsWith("/api/v1/bundle") ? [""] : ["&order=newest", "&order=oldest"]) {
      const url = `${path}&limit=3&wait=searchable&tenant=!nobody${order}`;
      const [shared, alone] = [await walk(pair.shared, url), await walk(pair.alone, url)];
      expect(shared).toEqual(alone);
      expect(shared.length, path).toBeGreaterThan(1);
    }
  }
});

test("ISOLATION-1: no cursor of somebody else leads anywhere", async () => {
  const paths = [
    "/api/v1/events?limit=3",
    "/api/v1/effects?state=all&limit=3",
    "/api/v1/bundle?limit=3",
    `/api/v1/events?limit=3&tenant=${OWN}`,
  ];
  for (const path of paths) {
    for (const name of ["other", "operator"]) {
      const { text } = await pair.shared.send(`${path}&wait=searchable`, { headers: pair.headers[name] ?? {} });
      const { nextCursor = "" } = JSON.parse(text) as { nextCursor?: string };
      if (nextCursor === "") expect([name, path]).toEqual(["other", paths[3]]);
      for (const cursor of [nextCursor, nextCursor.toLowerCase(), "A".repeat(32), "x"]) {
        if (cursor === "") continue;
        const answer = await askBoth(`${path}&wait=searchable&cursor=${cursor}`);
        expect(answer.status).toBe(400);
        expect(answer.text).toContain("CURSOR_INVALID");
      }
    }
  }
});

test(
  "ISOLATION-1: an entry of another tenant is not found by its id, its deed or its tag",
  async () => {
    const tags = new Map<string, string>();
    for (const id of [...known]) {
      const { headers } = await pair.shared.send(`/api/v1/events/${id}?tenant=${OTHER}`, { headers: pair.headers.operator ?? {} });
      if (headers.etag !== undefined) tags.set(id, headers.etag);
    }
    expect(tags.size).toBe(2 * COUNT);
    let found = 0;
    const ids = [...Array.from({ length: COUNT + 1 }, (_, n) => commonId(n)), ...idsOf(COUNT + 1)];
    for (const [i, id] of [...ids, ...ids.map((one) => one.toUpperCase()), "x", "%00", "..%2f..", "\u0301"].entries()) {
      const part = ["", "/inclusion-proof", "/bundle"][i % 3] ?? "";
      for (const tenant of ["", `?tenant=${OTHER}`, `?tenant=${OWN}`, "?tenant=default", "?tenant=vouchtrail"]) {
        const path = `/api/v1/events/${encodeURI(id)}${part}${tenant}`;
        const { status } = await askBoth(path);
        if (status === 200) found += 1;
        if (tenant !== "") continue;
        await askBoth(path, { method: "HEAD" });
        for (const tag of ["*", tags.get(id.toLowerCase()) ?? '"x"', 'W/"x", *'])
          await askBoth(path, { headers: { "if-none-match": tag } });
      }
    }
    expect(found).toBeGreaterThan(COUNT);

    const deeds = new Set<string>();
    for (const path of ["/api/v1/events?", "/api/v1/effects?state=all&"]) {
      const { text } = await pair.shared.send(`${path}limit=1000&wait=searchable`, { headers: pair.headers.operator ?? {} });
      const { events, effects } = JSON.parse(text) as Partial<SearchPage> & Partial<EffectPage>;
      for (const { deed } of [...(events ?? []), ...(effects ?? [])]) if (deed !== undefined) deeds.add(deed);
    }
    let own = 0;
    for (const deed of deeds) {
      for (const path of [`/api/v1/events?deed=${deed}`, `/api/v1/bundle?deed=${deed}&limit=200`]) {
        const answer = await askBoth(`${path}&wait=searchable`);
        if (answer.text.includes(OWN)) own += 1;
      }
    }
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThan(deeds.size);
  },
  FUZZ_TIMEOUT_MS,
);

test("ISOLATION-1: a session and its verdict are made of the tenant's own entries, and sessions of others are not there", async () => {
  const statuses = new Set<number>();
  for (const word of ["common", "alpha", "zulu"]) {
    for (const id of word === "common" ? ["common-session"] : [`${word}-session-0`]) {
      for (const path of [`/api/v1/sessions/${id}`, `/api/v1/sessions/${id}/completeness`]) {
        for (const tenant of ["", `&tenant=${OWN}`, `&tenant=${OTHER}`]) {
          const { status } = await askBoth(`${path}?wait=searchable${tenant}`);
          statuses.add(status);
          if (word === "zulu" || tenant.endsWith(OTHER)) expect(status, path).toBe(404);
        }
      }
    }
  }
  expect([...statuses].sort()).toEqual([200, 404]);
  for (const id of [...known].slice(0, 4)) {
    await askBoth(`/api/v1/events/${id}/explain`);
    await askBoth(`/api/v1/events/${id}/explain?tenant=${OTHER}`);
  }
});

test("ISOLATION-1: a tail gives the tenant's entries alone, from wherever it begins", async () => {
  // Each lets the event through that ends the tail.
  const filters = [
    "",
    `tenant=${OTHER}&tenant=${OWN}`,
    `tenant=!${OTHER}`,
    "text=zulu",
    "actor=common-actor-1&actor=zulu-actor-1",
    "label.env=!zulu-env-0&label.env=!common-env-1",
    "action=*&via=!server",
  ];
  let sent = 0;
  const comparableEvents = (text: string): unknown[] =>
    [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) =>
      comparableOf({ status: 200, headers: { "content-type": "application/json" }, text: data, bytes: Buffer.from(data) }),
    );
  const indexOn = async ({ running }: Asked, id: string): Promise<number> => (await running.ledger.find([{ tenant: OWN, id }]))[0] ?? -1;

  for (const filter of filters) {
    for (const start of ["now", "beginning", "event", "reconnect"]) {
      sent += 1;
      const id = `0197a3c2-eeee-7000-8000-${String(sent).padStart(12, "0")}`;
      known.add(id);
      const begun: Promise<void>[] = [];
      const texts: Promise<string>[] = [];
      for (const asked of [pair.shared, pair.alone]) {
        const after = start === "beginning" ? -1 : await indexOn(asked, commonId(5));
        const query = start === "now" || start === "reconnect" ? filter : `${filter}&after=${after}`;
        const headers = { ...pair.headers.own, ...(start === "reconnect" ? { "last-event-id": String(after) } : {}) };
        const one = openTail(`${asked.running.url}/api/v1/tail?${query}`, headers, id);
        begun.push(one.begun);
        texts.push(one.text);
      }
      await Promise.all(begun);
      const noise = eventsOf(OTHER, 1, SEED + sent).map((event, n) => ({
        ...event,
        id: `0197a3c2-ffff-7000-8000-${String(10 * sent + n).padStart(12, "0")}`,
      }));
      await pair.post(noise, "shared");
      const last = { id, tenant: OWN, action: "document.read", occurredAt: "2026-02-01T00:00:00.000Z", details: { text: "zulu" } };
      const rest = {
        actor: { type: "agent", id: "common-actor-1" },
        target: { type: "document", id: "d" },
        outcome: { status: "success" },
      };
      await pair.post([{ ...last, ...rest }], "both");
      const [shared = "", alone = ""] = await Promise.all(texts);
      expect(comparableEvents(shared), `${filter} from ${start} (seed ${SEED})`).toEqual(comparableEvents(alone));
      expect(comparableEvents(shared).length).toBeGreaterThan(start === "now" ? 0 : 1);
      for (const secret of SECRETS) expect(shared).not.toContain(secret);
      const indexes = [...shared.matchAll(/^data: \{"index":(\d+)/gm)].map(([, index]) => index);
      expect([...shared.matchAll(/^id: (\d+)\ndata/gm)].map(([, index]) => index)).toEqual(indexes);
    }
  }
});

test("ISOLATION-1: what a tenant reads is told to the tenant, and what others read is not", async () => {
  const before = JSON.parse((await askBoth("/api/v1/events?action=audit.log.read&limit=1000&wait=searchable")).text) as SearchPage;
  await endMinute();
  const { text } = await askBoth("/api/v1/events?action=audit.log.read&limit=1000&wait=searchable");
  const { events } = JSON.parse(text) as SearchPage;
  expect(events.length).toBeGreaterThan(before.events.length);
  expect(text).toContain("zulu-actor-1");
  for (const { event, received } of events) expect(received).toMatchObject({ via: "server", key: (event.actor as { id: string }).id });
  await askBoth("/api/v1/events?action=audit.log.read&limit=1000&wait=searchable&format=csv");
  await askBoth("/api/v1/bundle?action=audit.log.read&limit=50&wait=searchable");
});

test("ISOLATION-1: events that are sent tell nothing of other tenants' events", async () => {
  const send = (events: unknown): Promise<Answer> =>
    askBoth("/api/v1/events", {
      name: "ownAdmin",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(events),
    });
  const base = {
    occurredAt: "2026-02-01T00:00:00.000Z",
    action: "zulu.act",
    actor: { type: "agent", id: "common-actor-1" },
    target: { type: "document", id: "common-target-1" },
    outcome: { status: "success" },
    context: { sessionId: "common-session", callId: "common-call" },
  };
  const onlyOthers = idsOf(COUNT).filter((id) => known.has(id) && id.includes("-bbbb-"));
  expect(onlyOthers).toHaveLength(COUNT);
  // Ids that another tenant has, with the very event that it has.
  for (const id of onlyOthers.slice(0, 5)) {
    const answer = await send({ ...base, id, tenant: OWN });
    expect(answer.status).toBe(201);
    expect(answer.text).not.toContain("duplicate");
    expect((await send({ ...base, id, tenant: OWN })).text).toContain("duplicate");
    expect((await send({ ...base, id, tenant: OWN, action: "other.act" })).text).toContain("ID_CONFLICT");
    expect((await send({ ...base, id, tenant: OTHER })).status).toBe(400);
    expect((await send({ ...base, id, tenant: "vouchtrail" })).status).toBe(400);
  }
  const mixed = [
    ...onlyOthers.slice(0, 3).map((id) => ({ ...base, id, tenant: OTHER })),
    { id: commonId(1), tenant: OWN },
    { zulu: 1 },
    "zulu",
  ];
  expect((await send(mixed)).status).toBe(400);
  const log = { id: onlyOthers[6], timestamp: "2026-02-01T00:00:00Z", agent_id: "a", session_id: "common-session", tenant: OTHER };
  await askBoth("/log", { name: "ownAdmin", method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(log) });
  // No hook, because the id of one that is stored is made by each server.
  const hook = { session_id: "common-session", tool_use_id: "common-call", tenant: OTHER };
  await askBoth("/hooks/claude-code", {
    name: "ownAdmin",
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(hook),
  });
  const record = {
    timeUnixNano: "1770000000000000000",
    body: { stringValue: "claude_code.tool_result" },
    attributes: [
      { key: "event.name", value: { stringValue: "tool_result" } },
      { key: "session.id", value: { stringValue: "common-session" } },
      { key: "tool_use_id", value: { stringValue: "common-call" } },
      { key: "tenant", value: { stringValue: OTHER } },
    ],
  };
  const logs = {
    resourceLogs: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "claude-code" } }] },
        scopeLogs: [{ logRecords: [record] }],
      },
    ],
  };
  for (const path of ["/v1/logs", "/v1/traces", "/v1/metrics", "/mcp"]) {
    const body = JSON.stringify(path === "/v1/logs" ? logs : {});
    await askBoth(path, { name: "ownAdmin", method: "POST", headers: { "content-type": "application/json" }, body });
  }
  await askBoth("/api/v1/events?limit=1000&wait=searchable");
  await askBoth("/api/v1/effects?limit=1000&wait=searchable&state=all");
  await askBoth("/api/v1/stats?group=session&wait=searchable");
});

/** What a key that is bound to a tenant does not get at all, whatever its scopes are. */
const REFUSED: readonly (readonly [method: "GET" | "POST", path: string, body?: string])[] = [
  ["POST", "/api/v1/sql", JSON.stringify({ sql: "SELECT * FROM entries WHERE tenant = 'acme'" })],
  ["POST", "/api/v1/sql", JSON.stringify({ sql: "SELECT zulu" })],
  ["GET", "/api/v1/index"],
  ["POST", "/api/v1/index/rebuild", "{}"],
  ["POST", "/api/v1/index/check", "{}"],
  ["GET", "/tlog/main/tile/entries/000.p/1"],
  ["GET", "/tlog/main/tile/entries/000.p/255"],
  ["GET", "/tlog/main/tile/entries/x999/000"],
];

test("ISOLATION-2: what holds all tenants is refused to a key of one, and the refusal says the same whatever there is", async () => {
  for (const [method, path, body] of REFUSED) {
    for (const name of ["own", "ownAdmin"] as const) {
      const headers = { "content-type": "application/json" };
      const { status } = await askBoth(path, { name, method, headers, ...(body === undefined ? {} : { body }) });
      expect({ path, status }).toEqual({ path, status: 403 });
      if (method === "GET") await askBoth(path, { name, method: "HEAD" });
    }
  }
});

test("ISOLATION-2: metrics count what all tenants do, so a key of one tenant does not get them", async () => {
  expect((await askBoth("/metrics")).status).toBe(403);
  expect((await pair.shared.send("/metrics", { headers: pair.headers.operator ?? {} })).status).toBe(200);
});

test("ISOLATION-1: these tests ask every route that there is", async () => {
  const { text } = await pair.shared.send("/openapi.json");
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> };
  const told = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  expect(told.sort()).toEqual(
    [
      // Searching and counting: the first test.
      "GET /api/v1/bundle",
      "GET /api/v1/effects",
      "GET /api/v1/events",
      "GET /api/v1/sessions",
      "GET /api/v1/sources",
      "GET /api/v1/stats",
      // By id.
      "GET /api/v1/events/{id}",
      "GET /api/v1/events/{id}/bundle",
      "GET /api/v1/events/{id}/explain",
      "GET /api/v1/events/{id}/inclusion-proof",
      // By session.
      "GET /api/v1/sessions/{id}",
      "GET /api/v1/sessions/{id}/completeness",
      "GET /api/v1/tail",
      // Sending.
      "POST /api/v1/events",
      "POST /hooks/{agent}",
      "POST /v1/logs",
      "POST /v1/metrics",
      "POST /v1/traces",
      // Refused to whoever has no service behind it; test/mcp asks it for other tenants' events.
      "POST /mcp",
      "POST /log",
      // Refused.
      "GET /api/v1/index",
      "POST /api/v1/index/check",
      "POST /api/v1/index/rebuild",
      "POST /api/v1/sql",
      "GET /metrics",
      // Entries are refused; hashes are open, and so is what follows.
      "GET /tlog/main/tile/{path}",
      "GET /healthz",
      "GET /openapi.json",
      "GET /readyz",
      "GET /tlog/main/checkpoint",
      "GET /tlog/main/vkey",
    ].sort(),
  );
  for (const path of ["/healthz", "/readyz", "/openapi.json", "/nothing", "/api/v1/zulu", "/tlog/zulu/checkpoint"]) {
    await askBoth(path);
    await askBoth(path, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  }
});
