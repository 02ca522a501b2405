import { FILTER_NAMES, GROUP_NAMES, type JsonObject } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventOf, openReadingApp, type ReadingApp } from "./reading-app.ts";

/** Stands in every text of the other tenant's events, and nowhere else. */
const SECRET = "zulu";
const OWN = "north";
const OTHER = `south-${SECRET}`;

let reading: ReadingApp;
let headers: Record<string, string>;
const otherIds: string[] = [];
const otherIndexes: number[] = [];

/** Two tenants whose events have everything in common that they can have, besides texts with a word of their own. */
function eventFor(tenant: string, i: number, word: string): JsonObject {
  return eventOf({
    tenant,
    action: `${word}.act.${i % 3}`,
    actor: { type: "user", id: `${word}-actor-${i % 4}`, name: `${word} name` },
    target: { type: "document", id: `${word}-target`, name: `${word} target` },
    outcome: { status: i % 2 === 0 ? "success" : "failure", code: `${word}_CODE`, message: `${word} message` },
    labels: { env: `${word}-env`, [`${word}-label`]: "x" },
    activity: { type: "tool", name: `${word}-tool`, tool: { name: `${word}-tool` } },
    usage: { tokensInput: 1, model: `${word}-model` },
    context: { sessionId: "shared-session", callId: `call-${i % 5}`, traceId: "shared-trace" },
    source: { name: `${word}-source`, instance: "i", sequence: i * 2 },
    ...(i % 3 === 0 ? { phase: "intent" as const } : {}),
  });
}

beforeAll(async () => {
  reading = await openReadingApp();
  headers = await reading.keyFor({ scopes: ["read"], tenant: OWN });
  for (let i = 0; i < 30; i++) {
    const other = eventFor(OTHER, i, SECRET);
    const [, index = -1] = await reading.add(eventFor(OWN, i, "alpha"), other);
    otherIds.push(String(other.id));
    otherIndexes.push(index);
  }
});
afterAll(() => reading.close());

const values = fc.constantFrom(
  ...["alpha", SECRET].flatMap((word) => [
    `${word}-actor-1`,
    `${word}.act.*`,
    `${word}-target`,
    `${word}_CODE`,
    `${word}-tool`,
    `${word}-model`,
    `${word}-source`,
    `${word}-env`,
    `!${word}-tool`,
    word,
  ]),
  ...[
    OWN,
    OTHER,
    `!${OWN}`,
    "vouchtrail",
    "default",
    "shared-session",
    "shared-trace",
    "call-1",
    "success",
    "!success",
    "true",
    "http",
    "tool",
    "user",
    "intent",
    "*",
  ],
);
const filters = fc.array(fc.tuple(fc.constantFrom(...FILTER_NAMES, "label.env", `label.${SECRET}-label`), values), { maxLength: 3 });
const options: Readonly<Record<string, fc.Arbitrary<readonly (readonly [string, string])[]>>> = {
  "/api/v1/events": fc.constantFrom(
    [],
    [["format", "ndjson"]],
    [["format", "csv"]],
    [["deeds", "true"]],
    [
      ["order", "oldest"],
      ["limit", "7"],
    ],
  ),
  "/api/v1/stats": fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...GROUP_NAMES, "label.env"), { maxLength: 3 }),
      fc.constantFrom([], [["bucket", "day"]] as const),
    )
    .map(([groups, bucket]) => [...groups.map((name) => ["group", name] as const), ...bucket]),
  "/api/v1/sources": fc.constant([]),
  "/api/v1/effects": fc.constantFrom([["state", "all"]], [["state", "open"]], [["state", "closed"]]),
  "/api/v1/bundle": fc.constant([["limit", "5"]]),
};

test("READING-7: whatever a key of one tenant asks for, no answer holds a word of another tenant", async () => {
  const question = fc.constantFrom(...Object.keys(options)).chain((url) => fc.tuple(fc.constant(url), filters, options[url]!));
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(question, async ([url, conditions, more]) => {
      const asked = new URLSearchParams([...conditions, ...more].map(([name, value]): [string, string] => [name, value]));
      const { status, text } = await reading.get(`${url}?${asked}`, headers);
      expect([200, 400]).toContain(status);
      if (status === 200) answered += 1;
      // An error may repeat the name of a parameter that was asked for, and nothing else.
      const told = status === 400 ? text.replaceAll(`label.${SECRET}-label`, "") : text;
      expect(told).not.toContain(SECRET);
    }),
    { numRuns: 300 },
  );
  expect(answered).toBeGreaterThan(150);
});

test("READING-7: counts are those of its own tenant, although both share sessions, calls and traces", async () => {
  const ask = async (url: string, more: Record<string, string> = headers): Promise<Record<string, unknown>> =>
    (await reading.get(url, more)).json();
  const own = await ask("/api/v1/stats?session=shared-session&group=tenant");
  const whole = await ask("/api/v1/stats?session=shared-session&group=tenant", {});
  expect(own.total).toBe(Number(whole.total) / 2);
  expect(own.groupCount).toBe(1);
  expect((await ask("/api/v1/sources")).sourceCount).toBe(1);
  expect((await ask("/api/v1/events?trace=shared-trace&limit=100")).events).toHaveLength(30);
});

test("READING-7: by id, with a deed, and with any cursor another tenant's entry is not found", async () => {
  for (const id of otherIds.slice(0, 3)) {
    for (const more of ["", "/inclusion-proof", "/bundle"]) {
      for (const tenant of ["", `?tenant=${OTHER}`, `?tenant=${OWN}`]) {
        const { status, text } = await reading.get(`/api/v1/events/${id}${more}${tenant}`, { ...headers, "if-none-match": "*" });
        expect(status).toBe(404);
        expect(text).not.toContain(SECRET);
      }
    }
  }
  const { events } = (await reading.get(`/api/v1/events?tenant=${OTHER}&limit=1`)).json<{ events: { deed: string }[] }>();
  const { deed = "" } = events[0] ?? {};
  expect(deed).toMatch(/^[0-9a-f]{16}$/);
  expect((await reading.get(`/api/v1/events?deed=${deed}`, headers)).json()).toMatchObject({ events: [] });
});

test("READING-7: positions within pages are of its own entries", async () => {
  let cursor = "";
  const positions: number[] = [];
  do {
    const { nextCursor = "" } = (await reading.get(`/api/v1/events?limit=4${cursor}`, headers)).json<{ nextCursor?: string }>();
    cursor = nextCursor === "" ? "" : `&cursor=${nextCursor}`;
    if (nextCursor !== "") positions.push(Number(Buffer.from(nextCursor, "base64url").readBigUInt64BE()));
  } while (cursor !== "");
  expect(positions).toHaveLength(7);
  expect(positions.filter((position) => otherIndexes.includes(position))).toEqual([]);
});
