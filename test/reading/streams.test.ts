import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { afterEach, expect, test } from "vitest";
import type { SearchIndex } from "../../packages/server/src/followers/search/search-index.ts";
import { eventOf, openReadingApp, type ReadingApp, type ReadingAppOptions } from "./reading-app.ts";

let reading: ReadingApp;
let address = "";
afterEach(() => reading.close());

async function open(options: ReadingAppOptions = {}): Promise<void> {
  reading = await openReadingApp(options);
  address = await reading.app.listen({ host: "127.0.0.1", port: 0 });
}

/** The answer's head; nothing of its body is taken yet. */
function ask(path: string, more: (outgoing: ClientRequest) => void = () => {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${address}${path}`, { agent: false }, resolve);
    outgoing.on("error", reject);
    outgoing.end();
    more(outgoing);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += piece as string;
  return text;
}

type Find = SearchIndex["engine"]["find"];

/** The search index with something done before each find. */
function onFind(search: SearchIndex, before: (...given: Parameters<Find>) => Promise<Awaited<ReturnType<Find>> | undefined>): SearchIndex {
  const { engine } = search;
  const find: Find = async (question, signal) => (await before(question, signal)) ?? engine.find(question, signal);
  return { ...search, engine: { ...engine, find } };
}

/** Waits for as long as somebody waits for the answer. */
function untilGone(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

test("STREAM-3: over a connection the trailer says where to go on", async () => {
  await open();
  await reading.add(...[1, 2, 3].map(() => eventOf()));
  const response = await ask("/api/v1/events?format=csv&limit=2");
  expect(response.headers["transfer-encoding"]).toBe("chunked");
  expect((await textOf(response)).split("\r\n")).toHaveLength(4);
  expect(response.trailers["x-vouchtrail-next-cursor"]).toMatch(/^[A-Za-z0-9_-]{32}$/);
  const rest = await ask(`/api/v1/events?format=csv&cursor=${response.trailers["x-vouchtrail-next-cursor"]}`);
  expect((await textOf(rest)).split("\r\n")).toHaveLength(3);
  expect(rest.trailers).toEqual({ "x-vouchtrail-next-cursor": "" });
});

test("STREAM-4: a reader that takes nothing holds a bounded part of a large answer", async () => {
  let entriesRead = 0;
  await open({
    wrapLedger: (ledger) => ({
      ...ledger,
      async *read(from, to, signal) {
        for await (const batch of ledger.read(from, to, signal)) {
          entriesRead += batch.length;
          yield batch;
        }
      },
    }),
  });
  const size = 4_000;
  const details = { text: "x".repeat(30_000) };
  for (let i = 0; i < size; i += 500) await reading.add(...Array.from({ length: 500 }, () => eventOf({ details })));
  const response = await ask("/api/v1/events?format=ndjson");
  response.pause();
  // The server answers others meanwhile, and had every chance to read on.
  for (let i = 0; i < 50; i++) await (await ask("/api/v1/events?limit=1")).resume();
  const held = entriesRead;
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThan(size / 2);
  const lines = (await textOf(response)).trimEnd().split("\n");
  expect(lines).toHaveLength(size + 1);
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ end: { events: size } });
});

test("STREAM-4: a reader that leaves ends the work, and that is no failure", async () => {
  const signals: AbortSignal[] = [];
  await open({
    wrap: (search) =>
      onFind(search, async (_question, signal) => {
        if (signal !== undefined) signals.push(signal);
        return undefined;
      }),
  });
  await reading.add(...Array.from({ length: 2_000 }, () => eventOf({ details: { text: "x".repeat(10_000) } })));
  const response = await ask("/api/v1/events?format=ndjson");
  const [signal] = signals;
  expect(signal?.aborted).toBe(false);
  const ended = untilGone(signal).catch(() => "ended");
  response.destroy();
  expect(await ended).toBe("ended");
  expect((await ask("/api/v1/events")).statusCode).toBe(200);
  expect(reading.logged).toEqual([]);
});

test("STREAM-4: an asker who leaves ends the search that still runs", async () => {
  let outgoing: ClientRequest | undefined;
  let reason: unknown;
  const ended = new Promise<void>((resolve) => {
    void open({
      wrap: (search) =>
        onFind(search, async (_question, signal) => {
          outgoing?.destroy();
          reason = await untilGone(signal).catch((error: unknown) => error);
          resolve();
          throw reason;
        }),
    }).then(() => ask("/api/v1/events", (sent) => (outgoing = sent)).catch(() => {}));
  });
  await ended;
  expect(reason).toMatchObject({ name: "AbortError" });
  // Another request, so that the first one is over.
  await ask("/healthz");
  expect(reading.logged).toEqual([]);
});

test("STREAM-4: a server that stops tells who waits, and breaks off what is half sent", async () => {
  let isHeld = false;
  let hold = (): void => {};
  const held = new Promise<void>((resolve) => {
    hold = resolve;
  });
  await open({
    wrap: (search) =>
      onFind(search, async (_question, signal) => {
        if (!isHeld) return undefined;
        hold();
        return untilGone(signal);
      }),
  });
  await reading.add(...Array.from({ length: 3_000 }, () => eventOf({ details: { text: "x".repeat(10_000) } })));
  const response = await ask("/api/v1/events?format=ndjson");
  isHeld = true;
  const waiting = ask("/api/v1/events");
  await held;
  reading.stopping.abort();
  const told = await waiting;
  expect(told.statusCode).toBe(503);
  expect(await textOf(told)).toContain("SHUTTING_DOWN");
  await expect(textOf(response)).rejects.toMatchObject({ code: "ECONNRESET" });
});

test("STREAM-4: only so many run at a time, and a place is free again when one ends", async () => {
  await open({
    wrap: (search) => onFind(search, async (question, signal) => (question.order === "oldest" ? untilGone(signal) : undefined)),
  });
  await reading.add(eventOf());
  const running: ClientRequest[] = [];
  for (let i = 0; i < 32; i++) ask("/api/v1/events?format=csv&order=oldest", (outgoing) => running.push(outgoing)).catch(() => {});
  let refused = await ask("/api/v1/events?format=csv");
  // The others may still be on their way.
  while (refused.statusCode === 200) {
    refused.resume();
    refused = await ask("/api/v1/events?format=csv");
  }
  expect(refused.statusCode).toBe(503);
  expect(await textOf(refused)).toContain("PUSHBACK");
  expect((await ask("/api/v1/events")).statusCode).toBe(200);
  for (const outgoing of running) outgoing.destroy();
  let answer = await ask("/api/v1/events?format=csv");
  while (answer.statusCode !== 200) {
    answer.resume();
    answer = await ask("/api/v1/events?format=csv");
  }
  expect((await textOf(answer)).split("\r\n")).toHaveLength(3);
});

test("STREAM-3: what goes wrong after the beginning breaks the answer off, and is logged", async () => {
  let finds = 0;
  await open({
    wrap: (search) =>
      onFind(search, async (question, signal) => {
        finds += 1;
        if (finds > 1) throw new Error("the index is gone");
        return { ...(await search.engine.find({ ...question, limit: 2 }, signal)), hasMore: true };
      }),
  });
  await reading.add(...Array.from({ length: 5 }, () => eventOf({ details: { text: "x".repeat(100_000) } })));
  const response = await ask("/api/v1/events?format=ndjson");
  expect(response.statusCode).toBe(200);
  await expect(textOf(response)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(reading.logged).toHaveLength(1);
});

test("STREAM-3: what goes wrong before the beginning is an error answer", async () => {
  await open({
    wrap: (search) =>
      onFind(search, async () => {
        throw Object.assign(new Error("a fault"), { code: "XX" });
      }),
  });
  const response = await ask("/api/v1/events?format=csv");
  expect(response.statusCode).toBe(500);
  expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(response.headers.trailer).toBeUndefined();
});
