import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type AuditError, type EventFilter, formatCsvHeader, formatCsvRow, parseFilter, type SearchHit } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, createClient, type SearchEnd } from "../../packages/cli/src/client.ts";
import { openOfflineReader } from "../../packages/cli/src/offline-reader.ts";
import { eventOf, openReadingApp, type ReadingApp } from "./reading-app.ts";

let reading: ReadingApp;
let client: Client;
let administrator: Client;

beforeAll(async () => {
  reading = await openReadingApp();
  const url = await reading.app.listen({ host: "127.0.0.1", port: 0 });
  client = createClient({ url });
  const { authorization = "" } = await reading.keyFor({});
  administrator = createClient({ url, key: authorization.slice("Bearer ".length) });
  const context = { sessionId: "s & <ü>", callId: "c" };
  await reading.add(
    eventOf({ labels: { "a b&c=d": "!x+y" }, context, source: { name: "app", instance: "i", sequence: 3 } }),
    eventOf({ context, outcome: { status: "failure", code: "E" } }),
    eventOf({ phase: "intent", outcome: { status: "pending" } }),
    ...Array.from({ length: 20 }, (_, i) => eventOf({ tenant: i % 2 === 0 ? "even" : "odd" })),
  );
});
afterAll(() => reading.close());

const filters: readonly EventFilter[] = [
  { conditions: [] },
  parseFilter({ "label.a b&c=d": "\\!x+y" }),
  parseFilter({ session: "s & <ü>", outcome: ["!success", "!denied"], from: "2026-01-01", receivedTo: "2030-01-01T00:00:00+02:00" }),
  parseFilter({ tenant: "even" }),
  parseFilter({ actor: "nobody" }),
];

async function drain<T>(stream: AsyncGenerator<T, SearchEnd>): Promise<{ given: T[]; end: SearchEnd }> {
  const given: T[] = [];
  for (;;) {
    const step = await stream.next();
    if (step.done === true) return { given, end: step.value };
    given.push(step.value);
  }
}

test("CLIENT-1: over HTTP a reader gives what one in the process gives", async () => {
  const local = reading.reader();
  for (const filter of filters) {
    expect(await client.search({ filter })).toEqual(await local.search({ filter }));
    expect(await client.search({ filter, limit: 3, order: "oldest", deeds: true, wait: true })).toEqual(
      await local.search({ filter, limit: 3, order: "oldest", deeds: true }),
    );
    const groups = ["actor", "label.a b&c=d"] as const;
    expect(await client.stats({ filter, groups, bucket: "week", limit: 7 })).toEqual(
      await local.stats({ filter, groups, bucket: "week", limit: 7 }),
    );
    expect(await client.sources({ filter, limit: 1 })).toEqual(await local.sources({ filter, limit: 1 }));
    expect(await client.effects({ filter, state: "all" })).toEqual(await local.effects({ filter, state: "all" }));
    expect(await client.bundles({ filter, limit: 5 })).toEqual(await local.bundles({ filter, limit: 5 }));
  }
  const { events } = await client.search({ filter: { conditions: [] } });
  expect(events).toHaveLength(23);
  const { deed = "" } = events.find((hit) => hit.deed !== undefined) ?? {};
  expect(await client.search({ filter: { conditions: [] }, deed })).toEqual(await local.search({ filter: { conditions: [] }, deed }));
});

test("CLIENT-1: pages follow each other, and a cursor is refused with its path", async () => {
  const filter = parseFilter({ tenant: "odd" });
  const first = await client.search({ filter, limit: 4 });
  const second = await client.search({ filter, limit: 100, cursor: first.nextCursor ?? "" });
  expect([...first.events, ...second.events]).toHaveLength(10);
  const refused: unknown = await client.search({ filter, cursor: "x" }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: "AuditError", code: "CURSOR_INVALID", path: "cursor" } satisfies Partial<AuditError>);
});

test("CLIENT-1: SQL and the search index are for administrators", async () => {
  await expect(client.sql({ sql: "SELECT 1" })).rejects.toMatchObject({ code: "KEY_REQUIRED" });
  const { treeSize } = await reading.ledger.head();
  expect(await administrator.sql({ sql: "SELECT count(*)::INTEGER AS n FROM entries", limit: 5, wait: true })).toMatchObject({
    rows: [[treeSize]],
    treeSize,
  });
  expect(await client.indexStatus()).toMatchObject({ searchedTo: treeSize, follower: { name: "search" } });
  const progress: unknown[] = [];
  expect(await administrator.checkIndex((step) => progress.push(step))).toMatchObject({ entries: treeSize, isGood: true });
  expect(progress.length).toBeLessThanOrEqual(1);
  expect(await administrator.rebuildIndex()).toEqual({ treeSize });
  await reading.search.waitFor(treeSize);
});

test("CLIENT-2: a stream gives everything, or as much as was asked for", async () => {
  const filter: EventFilter = { conditions: [] };
  const { events } = await client.search({ filter, limit: 1_000 });
  const whole = await drain(client.searchAll({ filter }));
  expect(whole.given).toEqual(events);
  expect(whole.end).toMatchObject({ events: 23 });
  expect(whole.end).not.toHaveProperty("nextCursor");
  const part = await drain(client.searchAll({ filter, limit: 5, order: "oldest" }));
  expect(part.given).toEqual(events.toReversed().slice(0, 5));
  const rest = await drain(client.searchAll({ filter, order: "oldest", cursor: part.end.nextCursor ?? "" }));
  expect([...part.given, ...rest.given]).toEqual(events.toReversed());
});

test("CLIENT-2: as text a stream is what the server writes", async () => {
  const filter = parseFilter({ tenant: "even" });
  const { events } = await client.search({ filter });
  const csv = await drain(client.searchStream({ filter }, "csv"));
  expect(csv.given.join("")).toBe(formatCsvHeader() + events.map(formatCsvRow).join(""));
  expect(csv.given.join("")).toBe((await reading.get("/api/v1/events?tenant=even&format=csv")).text);
  const ndjson = await drain(client.searchStream({ filter }, "ndjson"));
  expect(ndjson.given.map((line) => JSON.parse(line) as SearchHit)).toEqual(events);
  expect(ndjson.end.events).toBe(10);
});

test("CLIENT-2: who stops taking stops the stream", async () => {
  for await (const hit of client.searchAll({ filter: { conditions: [] } })) {
    expect(hit.index).toBe(22);
    break;
  }
  const gone = new AbortController();
  gone.abort(new Error("enough"));
  await expect(drain(client.searchAll({ filter: { conditions: [] } }, gone.signal))).rejects.toThrow("enough");
});

test("CLIENT-2: a stream that is cut off is an error, wherever it is cut", async () => {
  const { text } = await reading.get("/api/v1/events?tenant=even&format=ndjson");
  let answer = "";
  let isBroken = false;
  const server: Server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(answer, () => (isBroken ? response.destroy() : response.end()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cutClient = createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const lastLine = text.trimEnd().lastIndexOf("\n") + 1;
  for (const length of [0, 1, 1_000, lastLine - 1, lastLine, lastLine + 1, text.length - 2]) {
    for (isBroken of [false, true]) {
      answer = text.slice(0, length);
      await expect(drain(cutClient.searchAll({ filter: { conditions: [] } }))).rejects.toMatchObject({ name: "UnreachableError" });
      await expect(cutClient.checkIndex(() => {})).rejects.toMatchObject({ name: "UnreachableError" });
    }
  }
  answer = "<html>nonsense\n";
  await expect(drain(cutClient.searchAll({ filter: { conditions: [] } }))).rejects.toMatchObject({ name: "UnreachableError" });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("CLIENT-1: without a server the ledger answers by id, and says that searching needs one", async () => {
  const offline = openOfflineReader(reading.reader());
  const { events } = await client.search({ filter: { conditions: [] }, limit: 1 });
  expect(await offline.get(String(events[0]?.event.id))).toMatchObject({ index: events[0]?.index });
  for (const ask of [offline.search, offline.stats, offline.sources, offline.effects, offline.bundles])
    await expect(ask({ filter: { conditions: [] } })).rejects.toMatchObject({
      code: "SEARCH_UNAVAILABLE",
      message: expect.stringContaining("vouchtrail serve"),
    });
});
