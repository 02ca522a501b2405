import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditEmitter, type AuditEmitterConfig, createAudit } from "@vouchtrail/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Arrived, openTrailServer, type TrailServer } from "./trail-server.ts";

let folder: string;
let trail: TrailServer;
const emitters: AuditEmitter[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-effect-"));
  trail = await openTrailServer();
});
afterEach(async () => {
  for (const emitter of emitters.splice(0)) await emitter.close(10);
  await trail[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function open(config: AuditEmitterConfig = {}): ReturnType<typeof createAudit> {
  const emitter = new AuditEmitter({
    url: trail.url,
    logger: false,
    lifecycle: false,
    spool: { directory: join(folder, "spool") },
    ...config,
  });
  emitters.push(emitter);
  return createAudit(() => emitter);
}

const REFUND = { action: "payment.refund", actor: { type: "agent" as const, id: "billing" }, target: { type: "payment", id: "p-1" } };

test("SDK-8: an effect is an intent that is stored before the work begins, and an outcome that names it", async () => {
  const audit = open();
  const seen: Arrived[] = [];
  const result = await audit.effect(REFUND, (effect) => {
    seen.push(...trail.events());
    effect.proof({ type: "api_response", data: { refundId: "r-1" } });
    return 42;
  });
  expect(result).toBe(42);
  expect(seen).toMatchObject([{ action: "payment.refund", phase: "intent", outcome: { status: "pending" } }]);
  const [intent, outcome] = trail.events();
  expect(outcome).toMatchObject({
    phase: "outcome",
    outcome: { status: "success" },
    proof: { type: "api_response", data: { refundId: "r-1" } },
    context: { parentEventId: intent?.id },
    usage: { durationMs: expect.any(Number) },
  });
});

test("SDK-9: work that gave no proof is recorded with the proof none", async () => {
  await open().effect(REFUND, () => undefined);
  expect(trail.events()[1]).toMatchObject({ proof: { type: "none" } });
});

test("SDK-8: what the work throws is recorded as its failure, with its code, and thrown again", async () => {
  const error = Object.assign(new Error("card expired"), { code: "CARD_EXPIRED" });
  await expect(open().effect(REFUND, () => Promise.reject(error))).rejects.toBe(error);
  expect(trail.events()[1]?.outcome).toEqual({ status: "failure", code: "CARD_EXPIRED", message: "card expired" });
});

test("SDK-8: work can end in part, or badly without throwing", async () => {
  const audit = open();
  await audit.effect(REFUND, (effect) => effect.partial("SOME_LEFT", "2 of 3"));
  await audit.effect(REFUND, (effect) => {
    effect.failed("DECLINED");
    effect.details({ attempt: 2 });
    effect.result({ left: 1 });
  });
  expect(trail.events()[1]?.outcome).toEqual({ status: "partial", code: "SOME_LEFT", message: "2 of 3" });
  expect(trail.events()[3]).toMatchObject({
    outcome: { status: "failure", code: "DECLINED", result: { left: 1 } },
    details: { attempt: 2 },
  });
});

test("SDK-10: with strict delivery the work is not run when the trail does not have the intent", async () => {
  await trail.stop();
  let isRun = false;
  const run = open({ delivery: "strict", strictTimeoutMs: 40 }).effect(REFUND, () => {
    isRun = true;
  });
  await expect(run).rejects.toMatchObject({ code: "TRAIL_UNREACHABLE" });
  expect(isRun).toBe(false);
});

test("SDK-10: without strict delivery the work runs, and both entries wait on the disk", async () => {
  await trail.stop();
  const audit = open();
  expect(await audit.effect(REFUND, () => "done")).toBe("done");
  await trail.start();
  await trail.untilStored(2);
  expect(trail.events().map(({ phase }) => phase)).toEqual(["intent", "outcome"]);
});

test("SDK-8: what was refused is one event, with the status denied", async () => {
  await open().deny({ ...REFUND, code: "POLICY", reason: "above the limit" });
  expect(trail.events()).toMatchObject([{ outcome: { status: "denied", code: "POLICY", message: "above the limit" } }]);
});
