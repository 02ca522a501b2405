import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@vouchtrail/events";
import { type AuditEmitter, createAuditEmitter } from "@vouchtrail/sdk";
import { createLogger, type OpenTrailOptions, openTrail, type Trail, type TrailEvent, verifyLedgerFolder } from "@vouchtrail/server";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
const trails: Trail[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-trail-"));
});
afterEach(async () => {
  for (const trail of trails.splice(0)) await trail.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<OpenTrailOptions> = {}): Promise<Trail> {
  const { config, ...others } = options;
  const trail = await openTrail({
    dir: join(folder, "data"),
    config: { state: join(folder, "state"), ...config },
    logger: createLogger("silent"),
    ...others,
  });
  trails.push(trail);
  return trail;
}

function eventOf(members: JsonObject = {}): TrailEvent {
  const id = randomUUID();
  const event = {
    id,
    occurredAt: "2026-01-02T03:04:05.000Z",
    action: "document.read",
    actor: { type: "user", id: "u-1" },
    target: { type: "document", id: "d-1" },
    outcome: { status: "success" },
    ...members,
  };
  return { id, json: JSON.stringify(event) };
}

/** What the ledger tells of itself, oldest first. */
async function systemActions(trail: Trail): Promise<unknown[]> {
  const actions: unknown[] = [];
  const { treeSize } = await trail.ledger.head();
  for await (const batch of trail.ledger.read(0, treeSize))
    for (const { leaf } of batch) {
      const { tenant, action } = JSON.parse(leaf) as { tenant: string; action: string };
      if (tenant === "vouchtrail") actions.push(action);
    }
  return actions;
}

test("SDK-60: an emitter records into a trail in its own process, and what it says to be stored can be read and proved there", async () => {
  const trail = await open();
  const emitter: AuditEmitter = createAuditEmitter({ transport: trail, logger: false, spool: { directory: join(folder, "spool") } });
  const result = await emitter
    .forClient("client-1")
    .action("document.publish")
    .actor("agent", "writer")
    .target("document", "d-7")
    .succeeded()
    .emit();
  expect(result).toMatchObject({ state: "stored", receipt: { origin: trail.ledger.origin, id: result.id } });
  const view = await trail.reader.get(result.id);
  expect(view).toMatchObject({ event: { id: result.id, action: "document.publish", tenant: "client-1" }, received: { via: "sdk" } });
  expect(await trail.reader.inclusionProof(result.id)).toContain("c2sp.org/tlog-proof");
  // Closing the emitter closes its transport.
  await emitter.close();
  await expect(trail.send([eventOf()])).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  await trail.close();
  const report = await verifyLedgerFolder({ folder: join(folder, "data", "ledger", "main") });
  expect(report).toMatchObject({ findings: [] });
});

test("SDK-60: each event has an answer in its place, and what is wrong with one does not touch the others", async () => {
  const trail = await open();
  const good = eventOf();
  const other = eventOf();
  const lines = [
    '{"action":"a.b"} {"action":"c.d"}',
    `${other.json},${other.json}`,
    JSON.stringify(JSON.parse(other.json), undefined, 1),
    "",
    " \t",
    `\uFEFF${other.json}`,
    other.json.replace("d-1", "\ud800"),
    '{"id":1,"id":2}',
    "]",
    "null",
    eventOf({ tenant: "vouchtrail" }).json,
  ].map((json) => ({ id: randomUUID(), json }));
  const answers = await trail.send([lines[0]!, good, ...lines.slice(1), other, good]);
  const codes = answers.map((answer) => ("fault" in answer ? answer.fault.code : answer.receipt.id));
  expect(codes).toEqual([
    "BODY_INVALID",
    good.id,
    "BODY_INVALID",
    "BODY_INVALID",
    "BODY_INVALID",
    "BODY_INVALID",
    "BODY_INVALID",
    "TEXT_INVALID",
    "KEY_DUPLICATE",
    "BODY_INVALID",
    "EVENT_INVALID",
    "TENANT_FORBIDDEN",
    other.id,
    good.id,
  ]);
  const [first, last] = [answers[1], answers.at(-1)];
  expect(last).toEqual({ receipt: { ...(first as { receipt: object }).receipt, duplicate: true } });
  expect(await trail.send([])).toEqual([]);
});

test("SDK-60: more events than a request holds are taken in one call, and those that come again get their first receipts", async () => {
  const trail = await open();
  const events = Array.from({ length: 2_345 }, () => eventOf());
  const answers = await trail.send(events);
  expect(answers.map((answer) => ("receipt" in answer ? answer.receipt.id : answer.fault))).toEqual(events.map(({ id }) => id));
  const again = await trail.send(events.slice(990, 1_010));
  expect(again).toEqual(
    answers.slice(990, 1_010).map((answer) => ({ receipt: { ...("receipt" in answer ? answer.receipt : {}), duplicate: true } })),
  );
});

test("SDK-60: secrets are removed and content is cut as in a server", async () => {
  const trail = await open({ config: { audit: { redaction: { keys: ["pin"] } } } });
  const secret = `AKIA${"ABCDEFGHIJKLMNOP"}`;
  const event = eventOf({ details: { note: `key ${secret}`, pin: "0815-4711" } });
  await trail.send([event]);
  const { event: stored } = await trail.reader.get(event.id);
  expect(JSON.stringify(stored)).not.toMatch(/AKIA|4711/);
  await trail.close();
  for (const file of await readdir(join(folder, "data", "ledger", "main", "segments"), { recursive: true }))
    expect(await readFile(join(folder, "data", "ledger", "main", "segments", file), "latin1")).not.toMatch(/AKIAABC|4711/);
});

test("SDK-60: a trail records its beginning, its start and its stop, and goes on where it was", async () => {
  const first = await open();
  const event = eventOf();
  const [answer] = await first.send([event]);
  await first.close();
  await first.close();
  const second = await open();
  expect(await systemActions(second)).toEqual(["ledger.created", "server.started", "server.stopped", "server.started"]);
  expect(second.ledger.vkey).toBe(first.ledger.vkey);
  expect(await second.send([event])).toEqual([{ receipt: { ...(answer as { receipt: object }).receipt, duplicate: true } }]);
});

test("SDK-60: an aborted send says that nothing is known, and closing waits for what goes on", async () => {
  const trail = await open();
  await expect(trail.send([eventOf()], AbortSignal.abort())).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  const before = await trail.ledger.head();
  const event = eventOf();
  const stopping = new AbortController();
  const sent = trail.send([event], stopping.signal);
  stopping.abort();
  await expect(sent).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  await trail.close();
  const again = await open();
  const [answer] = await again.send([event]);
  expect(answer).toMatchObject({ receipt: { id: event.id, index: before.treeSize, duplicate: true } });
});

test("SDK-60: an option that is unknown here or out of its bounds is refused before anything is made", async () => {
  const wrong: [JsonObject, string][] = [
    [{ http: { port: 1 } }, "http"],
    [{ ledger: { checkpointIntervalMs: 1 } }, "ledger.checkpointIntervalMs"],
    [{ audit: { destination: "file" } }, "audit.destination"],
  ];
  for (const [config, path] of wrong)
    await expect(openTrail({ dir: join(folder, "never"), config: config as never })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      path,
    });
  expect(await readdir(folder)).toEqual([]);
});
