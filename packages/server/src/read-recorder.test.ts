import { AuditError, createRedactor, DEFAULT_PRIVACY_POLICY, type JsonObject } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AppendResult, SealedEntry } from "./ledger/ledger.ts";
import {
  createReadRecorder,
  READ_ENTRIES_MAX,
  READ_SPAN_MS,
  READS_WRITTEN_AT_ONCE_MAX,
  type Read,
  type ReadRecorder,
  type ReadRecorderOptions,
} from "./read-recorder.ts";
import { READS_NAMED_MAX } from "./read-summary.ts";

const LOOPBACK = { key: undefined, tenant: undefined };
const ALICE = { key: "aaaaaaaa", tenant: undefined };
const BOUND = { key: "bbbbbbbb", tenant: "acme" };

interface Told {
  readonly tenant: string;
  readonly key: string | undefined;
  readonly actor: string;
  readonly from: string;
  readonly to: string;
  readonly reads: readonly { readonly route: string; readonly parameters: JsonObject; readonly count: number }[];
  readonly unnamed: number;
}

/** The details of an entry. */
interface Details extends Pick<Told, "from" | "to" | "reads"> {
  readonly unnamedReads?: readonly { readonly route: string; readonly count: number }[];
}

/** A recorder over a ledger that keeps entries in a list, can be told to refuse, and to hold an answer back; time passes when the test says so. */
function open(changes: Partial<ReadRecorderOptions> = {}) {
  const entries: SealedEntry[] = [];
  const errors: unknown[] = [];
  let isRefusing = false;
  let held: Promise<void> = Promise.resolve();
  let release = (): void => {};
  let clockMs = Date.UTC(2026, 0, 1);
  let tick = (): void => {};
  let isStopped = false;
  const ledger = {
    async append(sealed: readonly SealedEntry[]): Promise<readonly AppendResult[]> {
      await held;
      if (isRefusing) throw new AuditError("PUSHBACK");
      entries.push(...sealed);
      return sealed.map(({ id }) => ({ receipt: { origin: "o", id, index: 0, leafHash: "" }, isDuplicate: false }));
    },
  };
  const recorder: ReadRecorder = createReadRecorder({
    ledger,
    ledgerName: "main",
    redactor: createRedactor(),
    policy: DEFAULT_PRIVACY_POLICY,
    now: () => new Date(clockMs).toISOString(),
    every(run, intervalMs) {
      expect(intervalMs).toBe(READ_SPAN_MS);
      tick = run;
      return () => {
        isStopped = true;
      };
    },
    onError: (error) => errors.push(error),
    ...changes,
  });
  return {
    recorder,
    entries,
    errors,
    told: (): Told[] => entries.map(toldBy),
    refuse: (isOn: boolean) => {
      isRefusing = isOn;
    },
    /** Keeps the ledger from answering until the function is called that it gives. */
    hold(): () => void {
      held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    pass: (milliseconds: number) => {
      clockMs += milliseconds;
    },
    /** Ends the span, and resolves when everything that it set off is done. */
    async endSpan() {
      clockMs += READ_SPAN_MS;
      tick();
      await settled();
    },
    isStopped: () => isStopped,
  };
}

/** Turns of the event loop, not time: whatever the list ledger answers has been dealt with. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function toldBy({ leaf, disclosures, tenant }: SealedEntry): Told {
  const { received, actor } = JSON.parse(leaf) as { received: { key?: string }; actor: { id: string } };
  const [, , { details }] = JSON.parse(disclosures.content ?? "") as [string, string, { details: Details }];
  const { unnamedReads = [], ...rest } = details;
  return { tenant, key: received.key, actor: actor.id, ...rest, unnamed: unnamedReads.reduce((sum, { count }) => sum + count, 0) };
}

const search = (...parameters: readonly (readonly [string, string])[]): Read => ({ route: "GET /api/v1/events", parameters });
const countOf = (told: readonly Told[]): number =>
  told.reduce((sum, { reads, unnamed }) => sum + unnamed + reads.reduce((of, { count }) => of + count, 0), 0);

test("READ-1: an entry says who asked for what, by which route and when", async () => {
  const { recorder, entries, told, pass } = open();
  await recorder.note(ALICE, search(["actor", "u-1"], ["actor", "!u-2"], ["label.env", "prod"], ["limit", "5"]));
  pass(1_000);
  await recorder.note(LOOPBACK, { route: "POST /api/v1/sql", parameters: [["sql", "SELECT 1 -- why"]] });
  expect(told()).toEqual([
    {
      tenant: "vouchtrail",
      key: "aaaaaaaa",
      actor: "aaaaaaaa",
      from: "2026-01-01T00:00:00.000Z",
      to: "2026-01-01T00:00:00.000Z",
      reads: [{ route: "GET /api/v1/events", parameters: { actor: ["u-1", "!u-2"], "label.env": "prod", limit: "5" }, count: 1 }],
      unnamed: 0,
    },
    {
      tenant: "vouchtrail",
      key: undefined,
      actor: "loopback",
      from: "2026-01-01T00:00:01.000Z",
      to: "2026-01-01T00:00:01.000Z",
      reads: [{ route: "POST /api/v1/sql", parameters: { sql: "SELECT 1 -- why" }, count: 1 }],
      unnamed: 0,
    },
  ]);
  expect(entries.map(({ leaf }) => JSON.parse(leaf) as unknown)).toEqual([
    expect.objectContaining({ action: "audit.log.read", target: { type: "ledger", id: "main" }, sections: ["content"] }),
    expect.objectContaining({ received: { at: "2026-01-01T00:00:01.000Z", via: "server" } }),
  ]);
});

test("READ-2: a question is in the trail before it is answered, also for those who ask the same at that moment", async () => {
  const { recorder, told, hold } = open();
  const release = hold();
  let answered = 0;
  const asking = [1, 2, 3].map(async () => {
    await recorder.note(ALICE, search(["actor", "u-1"]));
    expect(told()).toHaveLength(1);
    answered += 1;
  });
  await settled();
  expect(answered).toBe(0);
  release();
  await Promise.all(asking);
  await recorder.close();
  expect(told().map(({ reads }) => reads[0]?.count)).toEqual([1, 2]);
});

test("READ-3: the same question a hundred times within a span is two entries, and none when nobody asks", async () => {
  const { recorder, told, endSpan, pass } = open();
  for (let i = 0; i < 100; i++) {
    await recorder.note(ALICE, search(["actor", "u-1"], ["limit", "5"]));
    pass(100);
  }
  expect(told()).toHaveLength(1);
  await endSpan();
  await endSpan();
  expect(told()).toHaveLength(2);
  expect(told()[1]).toMatchObject({ from: "2026-01-01T00:00:00.100Z", to: "2026-01-01T00:01:10.000Z", reads: [{ count: 99 }] });
  // A span of its own begins with an entry of its own.
  await recorder.note(ALICE, search(["actor", "u-1"], ["limit", "5"]));
  expect(told()).toHaveLength(3);
  await recorder.close();
  expect(countOf(told())).toBe(101);
});

test("READ-3: readers are told apart by key, and questions by route, names and values", async () => {
  const { recorder, told } = open();
  const reads = [
    search(["actor", "a"], ["target", "b"]),
    search(["actor", "a"], ["actor", "b"]),
    search(["actor", '["a","b"]']),
    { ...search(["actor", "a"], ["target", "b"]), route: "GET /api/v1/stats" },
    search(),
  ];
  for (const read of reads)
    for (const reader of [ALICE, BOUND, LOOPBACK, { key: "aaaaaaaa", tenant: "acme" }]) await recorder.note(reader, read);
  expect(told()).toHaveLength(20);
  await recorder.close();
  expect(told()).toHaveLength(20);
});

test("READ-4: whoever asks in a loop leaves a bounded number of entries that tell of every read", async () => {
  const { recorder, told } = open();
  const asked = READ_ENTRIES_MAX * READS_NAMED_MAX;
  for (let i = 0; i < asked; i++) await recorder.note(ALICE, search(["actor", `u-${i}`]));
  expect(told()).toHaveLength(READ_ENTRIES_MAX);
  await recorder.close();
  expect(told()).toHaveLength(READ_ENTRIES_MAX + 1);
  expect(countOf(told())).toBe(asked);
  const named = told().flatMap(({ reads }) => reads.map(({ parameters }) => parameters.actor));
  // The first ones are named, whatever comes behind them: nobody hides a question behind some hundred others.
  const expected = READS_WRITTEN_AT_ONCE_MAX + (READ_ENTRIES_MAX - READS_WRITTEN_AT_ONCE_MAX + 1) * READS_NAMED_MAX;
  expect(named).toEqual(Array.from({ length: expected }, (_, i) => `u-${i}`));
  expect(told().at(-1)?.unnamed).toBe(asked - expected);
});

test("READ-4: what is only counted is counted by route", async () => {
  const { recorder, entries } = open({ disclosureBytesMax: 4_096 });
  for (let i = 0; i < 500; i++) {
    await recorder.note(ALICE, search(["text", `${"x".repeat(300)}${i}`]));
    await recorder.note(ALICE, { route: "GET /api/v1/stats", parameters: [["text", `${"x".repeat(300)}${i}`]] });
  }
  await recorder.close();
  expect(entries).toHaveLength(READ_ENTRIES_MAX + 1);
  const counted = new Map<string, number>();
  for (const { disclosures } of entries) {
    const [, , { details }] = JSON.parse(disclosures.content ?? "") as [string, string, { details: Details }];
    for (const { route, count } of [...details.reads, ...(details.unnamedReads ?? [])])
      counted.set(route, (counted.get(route) ?? 0) + count);
  }
  expect([...counted].sort()).toEqual([
    ["GET /api/v1/events", 500],
    ["GET /api/v1/stats", 500],
  ]);
  for (const { disclosures } of entries) expect(Buffer.byteLength(disclosures.content ?? "")).toBeLessThanOrEqual(4_096);
});

test("READ-5: a ledger that refuses keeps nobody from reading, and what was read is written when it takes entries again", async () => {
  const { recorder, told, errors, refuse, endSpan, pass } = open();
  refuse(true);
  for (let i = 0; i < 5; i++) {
    await recorder.note(BOUND, search(["actor", "u-1"]));
    await recorder.note(BOUND, search(["actor", "u-2"]));
    pass(10);
  }
  expect(errors).toHaveLength(2);
  await endSpan();
  await recorder.note(BOUND, search(["actor", "u-1"]));
  expect(told()).toEqual([]);
  refuse(false);
  await endSpan();
  expect(told()).toHaveLength(1);
  expect(told()[0]).toMatchObject({
    tenant: "acme",
    key: "bbbbbbbb",
    from: "2026-01-01T00:00:00.000Z",
    reads: [
      { parameters: { actor: "u-1" }, count: 6 },
      { parameters: { actor: "u-2" }, count: 5 },
    ],
  });
  const before = errors.length;
  await recorder.close();
  expect(errors).toHaveLength(before);
});

test("READ-5: while it refuses, the attempts are bounded and every read is counted", async () => {
  const { recorder, told, errors, refuse, endSpan } = open();
  refuse(true);
  const asked = 5_000;
  for (let i = 0; i < asked; i++) await recorder.note(ALICE, search(["actor", `u-${i}`]));
  expect(errors).toHaveLength(READ_ENTRIES_MAX);
  refuse(false);
  await endSpan();
  expect(told()).toHaveLength(1);
  expect(countOf(told())).toBe(asked);
  await recorder.close();
});

test("READ-5: reads that the ledger takes never are told in the log, with their number", async () => {
  const { recorder, errors, refuse, isStopped } = open();
  refuse(true);
  await recorder.note(ALICE, search(["actor", "u-1"]));
  await recorder.note(ALICE, search(["actor", "u-1"]));
  await recorder.note(BOUND, search());
  await recorder.close();
  expect(isStopped()).toBe(true);
  expect(String(errors.at(-1))).toContain("3 reads were not recorded");
});

test("READ-6: a secret that somebody looks for does not stand in the trail", async () => {
  const { recorder, entries, told } = open();
  const secret = `ghp_${"a1B2".repeat(9)}`;
  await recorder.note(ALICE, search(["text", secret]));
  await recorder.note(ALICE, {
    route: "POST /api/v1/sql",
    parameters: [["sql", `SELECT 1 FROM entries WHERE content LIKE '%${secret}%'`]],
  });
  await recorder.note(ALICE, search(["label.password", "hunter2hunter2"]));
  for (let i = 0; i < 30; i++) await recorder.note(ALICE, search(["text", `${secret} ${i}`]));
  await recorder.close();
  const texts = entries.map(({ leaf, disclosures }) => `${leaf}${disclosures.content}${disclosures.personal}`);
  expect(texts.join("")).not.toContain(secret);
  expect(texts.join("")).not.toContain("hunter2");
  expect(told()[1]?.reads[0]?.parameters.sql).toBe("SELECT 1 FROM entries WHERE content LIKE '%[REDACTED]%'");
  for (const { leaf } of entries) expect(JSON.parse(leaf)).toHaveProperty("redactions");
});

test("READ-6: what is asked for by ordinary names stays as it is", async () => {
  const { recorder, told, entries } = open();
  const names = "tenant actor actorType onBehalfOf action target session conversation call request trace ip source text deed id limit";
  const parameters = names.split(" ").map((name, i) => [name, `value-${i}`] as const);
  await recorder.note(ALICE, search(...parameters));
  expect(told()[0]?.reads[0]?.parameters).toEqual(Object.fromEntries(parameters));
  expect(JSON.parse(entries[0]?.leaf ?? "")).not.toHaveProperty("redactions");
});

test("READ-7: the reads of a key that is bound to a tenant are its tenant's, all others the server's", async () => {
  const { recorder, told } = open();
  for (const reader of [BOUND, ALICE, LOOPBACK]) for (let i = 0; i < 2; i++) await recorder.note(reader, search(["tenant", "other"]));
  await recorder.close();
  expect(told().map(({ tenant, key }) => [tenant, key])).toEqual([
    ["acme", "bbbbbbbb"],
    ["vouchtrail", "aaaaaaaa"],
    ["vouchtrail", undefined],
    ["acme", "bbbbbbbb"],
    ["vouchtrail", "aaaaaaaa"],
    ["vouchtrail", undefined],
  ]);
});

test.each([
  { letter: "x", disclosureBytesMax: 1_048_576, questions: 200 },
  { letter: "\u{1f512}", disclosureBytesMax: 1_048_576, questions: 40 },
  { letter: "\u0001", disclosureBytesMax: 1_048_576, questions: 40 },
  { letter: "x", disclosureBytesMax: 4_096, questions: 40 },
])(
  "READ-9: $questions questions with 100 values of 1,000 characters fit into sections of $disclosureBytesMax bytes (%#)",
  async (given) => {
    const { letter, disclosureBytesMax, questions } = given;
    const { recorder, entries, errors } = open({ disclosureBytesMax });
    for (let i = 0; i < questions; i++) {
      const values = Array.from({ length: 100 }, (_, at) => ["actor", `${i}-${at}-`.padEnd(1_000, letter)] as const);
      await recorder.note(ALICE, search(...values));
    }
    await recorder.close();
    expect(errors).toEqual([]);
    expect(entries.length).toBeLessThanOrEqual(READ_ENTRIES_MAX + 1);
    for (const { leaf, disclosures } of entries) {
      expect(Buffer.byteLength(leaf)).toBeLessThanOrEqual(8_192);
      expect(Buffer.byteLength(disclosures.content ?? "")).toBeLessThanOrEqual(disclosureBytesMax);
    }
  },
);

test("READ-9: a long statement stands in the trail whole; what has no room becomes a preview with length and hash", async () => {
  const { recorder, told, entries } = open();
  const sql = `SELECT ${"1 + ".repeat(24_990)}1`;
  await recorder.note(ALICE, { route: "POST /api/v1/sql", parameters: [["sql", sql]] });
  expect(told()[0]?.reads[0]?.parameters).toEqual({ sql });
  const hostile = "\u0001".repeat(300_000);
  await recorder.note(ALICE, { route: "POST /api/v1/sql", parameters: [["sql", hostile]] });
  expect(entries[1]?.disclosures.content).toMatch(
    /"cut":"size","preview":"(?:\\u0001)+","chars":300000,"bytes":300000,"sha256":"[0-9a-f]{64}"/,
  );
});

test("READ-9: no value breaks an entry", async () => {
  const { recorder, entries, errors } = open();
  for (const value of ["\ud800", "a\udc00b", "\u0000", "\t\n\r", '"}],[{', "__proto__", "</script>", "\u2028"])
    for (const name of ["text", "label.__proto__", "label.constructor"])
      await recorder.note(ALICE, search([name, value], ["__proto__", value]));
  await recorder.close();
  expect(errors).toEqual([]);
  for (const { leaf, disclosures } of entries) {
    expect(`${leaf}${disclosures.content}`).not.toMatch(/[\t\n\r]|\\ud[89a-f]/i);
    expect(() => [JSON.parse(leaf), JSON.parse(disclosures.content ?? "")]).not.toThrow();
  }
  expect(entries[0]?.disclosures.content).toContain('"text":"\ufffd"');
});

test("READ-3: whatever is asked, whenever spans end and whenever the ledger refuses, the counts add up to the reads", async () => {
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.record({ ask: fc.nat(60), by: fc.constantFrom(ALICE, BOUND, LOOPBACK) }) },
    { weight: 1, arbitrary: fc.constant("end" as const) },
    { weight: 1, arbitrary: fc.constant("refuse" as const) },
    { weight: 1, arbitrary: fc.constant("accept" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 300 }), async (steps) => {
      const { recorder, told, refuse, endSpan, pass } = open();
      const asked = new Map<string, number>();
      const pending: Promise<void>[] = [];
      for (const one of steps) {
        pass(1);
        if (one === "end") await endSpan();
        else if (one === "refuse" || one === "accept") refuse(one === "refuse");
        else {
          const name = JSON.stringify([one.by.key, `u-${one.ask}`]);
          asked.set(name, (asked.get(name) ?? 0) + 1);
          pending.push(recorder.note(one.by, search(["actor", `u-${one.ask}`])));
        }
      }
      await Promise.all(pending);
      refuse(false);
      await recorder.close();
      const counted = new Map<string, number>();
      for (const { key, reads, from, to, unnamed } of told()) {
        expect(from <= to).toBe(true);
        expect(unnamed).toBe(0);
        for (const { parameters, count } of reads) {
          const name = JSON.stringify([key, parameters.actor]);
          counted.set(name, (counted.get(name) ?? 0) + count);
        }
      }
      expect(counted).toEqual(asked);
    }),
  );
});
