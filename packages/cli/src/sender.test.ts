import { AuditError, type Fault } from "@vouchtrail/events";
import { expect, test } from "vitest";
import type { SendResult } from "./client.ts";
import { UnreachableError } from "./command-error.ts";
import { ATTEMPTS_MAX, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, REQUESTS_IN_FLIGHT_MAX, RETRY_DELAY_MS_MAX } from "./limits.ts";
import { createSender } from "./sender.ts";
import type { OutgoingEvent, Refusal } from "./shape-reader.ts";

const eventOf = (line: number, more: Partial<OutgoingEvent> = {}): OutgoingEvent => ({
  json: JSON.stringify({ id: String(line) }),
  line,
  hasOwnId: false,
  ...more,
});

/** A server that keeps what it gets by id. `answer` may fail a request or name faults instead. */
function openServer(answer: (ids: readonly string[], requests: number) => readonly (Fault & { position: number })[] = () => []) {
  const stored = new Set<string>();
  const requests: { ids: readonly string[]; bytes: number }[] = [];
  let inFlight = 0;
  let inFlightMax = 0;
  return {
    stored,
    requests,
    inFlightMax: () => inFlightMax,
    async send(ndjson: string): Promise<SendResult> {
      const ids = ndjson.split("\n").map((line) => (JSON.parse(line) as { id: string }).id);
      requests.push({ ids, bytes: Buffer.byteLength(ndjson) });
      inFlight += 1;
      inFlightMax = Math.max(inFlightMax, inFlight);
      try {
        await new Promise((resolve) => setImmediate(resolve));
        const errors = answer(ids, requests.length);
        const good = ids.filter((_, position) => errors.every((error) => error.position !== position));
        const receipts = good.map((id) => ({ origin: "o", id, index: 0, leafHash: "", ...(stored.has(id) ? { duplicate: true } : {}) }));
        for (const id of good) stored.add(id);
        return { receipts, errors };
      } finally {
        inFlight -= 1;
      }
    },
  };
}

function observe() {
  const seen = { stored: 0, duplicates: 0, refusals: [] as Refusal[], delays: [] as number[] };
  const observer = {
    stored: (count: number) => (seen.stored += count),
    duplicate: (count: number) => (seen.duplicates += count),
    refused: (refusal: Refusal) => seen.refusals.push(refusal),
    retrying: (_error: Error, delayMs: number) => seen.delays.push(delayMs),
  };
  return { seen, observer };
}

const noWait = async (): Promise<void> => {};

test("events go out in batches of bounded number and bytes, and no more requests at a time than allowed", async () => {
  const server = openServer();
  const { seen, observer } = observe();
  const sender = createSender(server, observer, noWait);
  const count = 3 * BATCH_EVENTS_MAX + 7;
  for (let line = 1; line <= count; line++) await sender.add(eventOf(line));
  for (let line = 1; line <= 6; line++)
    await sender.add(eventOf(count + line, { json: JSON.stringify({ id: `big-${line}`, pad: "x".repeat(BATCH_BYTES_MAX / 3) }) }));
  await sender.finish();
  expect(seen).toMatchObject({ stored: count + 6, duplicates: 0, refusals: [] });
  expect(Math.max(...server.requests.map(({ ids }) => ids.length))).toBe(BATCH_EVENTS_MAX);
  expect(Math.max(...server.requests.map(({ bytes }) => bytes))).toBeLessThanOrEqual(BATCH_BYTES_MAX);
  expect(server.inFlightMax()).toBeLessThanOrEqual(REQUESTS_IN_FLIGHT_MAX);
});

test("a request that failed for now is sent again with the same ids, later and later", async () => {
  const server = openServer((_ids, requests) => {
    if (requests < 4) throw requests % 2 === 0 ? new AuditError("OUTCOME_UNKNOWN") : new UnreachableError("http://127.0.0.1:9");
    return [];
  });
  const { seen, observer } = observe();
  const sender = createSender(server, observer, noWait);
  await sender.add(eventOf(1));
  await sender.finish();
  expect(seen).toMatchObject({ stored: 1, delays: [500, 1_000, 2_000] });
  expect(new Set(server.requests.map(({ ids }) => ids.join()))).toEqual(new Set(["1"]));
});

test("after the last attempt the import is given up, and says that going on later is safe", async () => {
  const server = openServer(() => {
    throw new AuditError("PUSHBACK");
  });
  const { seen, observer } = observe();
  const sender = createSender(server, observer, noWait);
  await sender.add(eventOf(1));
  await expect(sender.finish()).rejects.toThrow(/Given up after 8 attempts.*is not stored twice/);
  expect(server.requests).toHaveLength(ATTEMPTS_MAX);
  expect(Math.max(...seen.delays)).toBe(RETRY_DELAY_MS_MAX);
});

test("a key that is not accepted ends everything at once", async () => {
  const server = openServer(() => {
    throw new AuditError("KEY_INVALID");
  });
  const { observer } = observe();
  const sender = createSender(server, observer, noWait);
  await sender.add(eventOf(1));
  await expect(sender.finish()).rejects.toMatchObject({ code: "KEY_INVALID" });
  await expect(sender.add(eventOf(2))).rejects.toMatchObject({ code: "KEY_INVALID" });
  expect(server.requests).toHaveLength(1);
});

test("a body that is refused as a whole is halved until the one event at fault is found", async () => {
  const server = openServer((ids) => {
    if (ids.includes("5")) throw new AuditError("BODY_TOO_LARGE");
    return [];
  });
  const { seen, observer } = observe();
  const sender = createSender(server, observer, noWait);
  for (let line = 1; line <= 9; line++) await sender.add(eventOf(line));
  await sender.finish();
  expect(seen.stored).toBe(8);
  expect(seen.refusals).toEqual([{ line: 5, code: "BODY_TOO_LARGE", path: "", message: expect.any(String) }]);
});

test("an event with several faults is refused once, and a conflict of an id made from the text itself is the same text again", async () => {
  const fault = (position: number, code: Fault["code"], path: string): Fault & { position: number } => ({
    position,
    code,
    path,
    message: "m",
  });
  const server = openServer(() => [
    fault(0, "EVENT_INVALID", "a"),
    fault(0, "EVENT_INVALID", "b"),
    fault(1, "ID_CONFLICT", "id"),
    fault(2, "ID_CONFLICT", "id"),
  ]);
  const { seen, observer } = observe();
  const sender = createSender(server, observer, noWait);
  await sender.add(eventOf(1));
  await sender.add(eventOf(2, { hasOwnId: true }));
  await sender.add(eventOf(3));
  await sender.finish();
  expect(seen).toMatchObject({ stored: 0, duplicates: 1 });
  expect(seen.refusals.map(({ line, code, path }) => [line, code, path])).toEqual([
    [1, "EVENT_INVALID", "a"],
    [3, "ID_CONFLICT", "id"],
  ]);
});

test("an answer that leaves out events is not taken for success", async () => {
  const { observer } = observe();
  const sender = createSender({ send: async () => ({ receipts: [], errors: [] }) }, observer, noWait);
  await sender.add(eventOf(1));
  await expect(sender.finish()).rejects.toThrow("The server answered for 0 of 1 events.");
});
