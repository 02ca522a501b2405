import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";
import {
  type AuditEmitter,
  type AuditLogger,
  createAuditEmitter,
  type EmittableEvent,
  type NativeEventInput,
  type Spool,
} from "@vouchtrail/sdk";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTrailServer, type TrailServer } from "./trail-server.ts";

let folder: string;
let trail: TrailServer;
const emitters: AuditEmitter[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-faults-"));
  trail = await openTrailServer();
});
afterEach(async () => {
  for (const emitter of emitters.splice(0)) await emitter.close(10);
  await trail[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const EVENT: NativeEventInput = {
  action: "document.read",
  actor: { type: "user", id: "u" },
  target: { type: "document", id: "d" },
  outcome: { status: "success" },
};

function open(config: Parameters<typeof createAuditEmitter>[0] = {}): AuditEmitter {
  const emitter = createAuditEmitter({
    url: trail.url,
    logger: false,
    lifecycle: false,
    spool: { directory: join(folder, "spool") },
    ...config,
  });
  emitters.push(emitter);
  return emitter;
}

test("SDK-44: whatever is emitted, nothing is thrown, and what is no event is refused with a reason", async () => {
  const emitter = open();
  const members = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true });
  const anything = fc.oneof(
    members,
    fc.record(
      { action: members, actor: members, target: members, outcome: members, details: members, context: members },
      { requiredKeys: [] },
    ),
    fc.record({ actionType: members, clientId: members, actorType: members, metadata: members }, { requiredKeys: ["actionType"] }),
    members.map((details) => ({ ...EVENT, details })),
    members.map((context) => ({ ...EVENT, context })),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (event) => {
      const { id, state, error } = await emitter.emit(event as EmittableEvent);
      expect(id).toMatch(/./);
      if (state === "refused") expect(error).toBeInstanceOf(AuditError);
      else expect(state).toBe("stored");
      emitter.buffer(event as EmittableEvent);
    }),
    { numRuns: 300 },
  );
});

test("SDK-44: a logger, a context and a waitUntil that throw keep no event from the trail", async () => {
  const angry = (): never => {
    throw new Error("no");
  };
  const logger: AuditLogger = { info: angry, warn: angry, error: angry };
  const emitter = open({ logger });
  expect((await emitter.emit(EVENT)).state).toBe("stored");
  expect((await emitter.emit({ ...EVENT, action: "" })).state).toBe("refused");
  expect((await open({ context: angry }).emit(EVENT)).state).toBe("stored");
  expect((await open({ waitUntil: angry }).emit(EVENT)).state).toBe("stored");
});

test("SDK-1: on a platform without a disk, waitUntil is told of everything that still goes on when emit has resolved", async () => {
  const told: Promise<unknown>[] = [];
  await trail.stop();
  const emitter = open({ spool: false, deadlineMs: 10, waitUntil: (work) => void told.push(work) });
  expect((await emitter.emit(EVENT)).state).toBe("buffered");
  await trail.start();
  await Promise.all(told);
  expect(told.length).toBeGreaterThan(1);
  expect(trail.events()).toHaveLength(1);
});

test.each([
  ["has no room", async () => ({ directory: join(folder, "full"), bytesMax: 1 }), "SPOOL_FULL"],
  [
    "lies where a file stands",
    async () => {
      await writeFile(join(folder, "file"), "x");
      return { directory: join(folder, "file") };
    },
    "SPOOL_FAILED",
  ],
])(
  "SDK-45: while the trail is away and the spool %s, events wait in memory, which is said, and are stored when the trail is back",
  async (_, make, code) => {
    await trail.stop();
    const emitter = open({ spool: await make() });
    const result = await emitter.emit(EVENT);
    expect(result).toMatchObject({ state: "buffered", error: { code } });
    await trail.start();
    await trail.untilStored(1);
    expect(trail.events().map(({ id }) => id)).toEqual([result.id]);
  },
);

test("SDK-45: a folder that nobody may write to loses nothing", async () => {
  const directory = join(folder, "closed");
  await mkdir(directory, { mode: 0o500 });
  await trail.stop();
  const emitter = open({ spool: { directory } });
  // Root may write anywhere; then the event is simply spooled.
  expect(["buffered", "spooled"]).toContain((await emitter.emit(EVENT)).state);
  await trail.start();
  await trail.untilStored(1);
  await chmod(directory, 0o700);
  expect(trail.events()).toHaveLength(1);
});

test("SDK-46: more than the memory holds is dropped with its number, and the trail is told how many when it is back", async () => {
  await trail.stop();
  const broken: Spool = {
    append: () => Promise.reject(new AuditError("SPOOL_FAILED")),
    take: async () => undefined,
    mayHoldEvents: () => false,
    close: async () => undefined,
  };
  const emitter = open({ spool: broken, lifecycle: true });
  const states = new Map<string, number>();
  const results = await Promise.all(Array.from({ length: 25_000 }, () => emitter.emit(EVENT)));
  for (const { state } of results) states.set(state, (states.get(state) ?? 0) + 1);
  const dropped = states.get("dropped") ?? 0;
  expect(dropped).toBeGreaterThan(0);
  await trail.start();
  await trail.untilStored(results.length - dropped);
  await emitter.close();
  const reports = [...trail.stored.values()].filter(({ action }) => action === "audit.events.dropped");
  const told = reports.map(({ details }) => details as { count: number; missing: { sequences: [number, number][] }[] });
  // A report that was dropped itself counts as well.
  const count = told.reduce((sum, report) => sum + report.count, 0);
  expect(count).toBeGreaterThanOrEqual(dropped);
  expect(count).toBeLessThan(dropped + 10);
  // With what is missing, the numbers have no hole.
  const numbers = new Set([...trail.stored.values()].map(({ source }) => source?.sequence));
  for (const { missing } of told)
    for (const { sequences } of missing) for (const [from, to] of sequences) for (let n = from; n <= to; n++) numbers.add(n);
  expect(numbers.size).toBe(Math.max(...([...numbers] as number[])) + 1);
});
