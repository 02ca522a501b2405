import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditLogger, createAuditEmitter, type NativeEventInput } from "@vouchtrail/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createConsoleTransport } from "../../packages/sdk/src/node/console-transport.ts";
import { createLineLogger } from "../../packages/sdk/src/node/default-logger.ts";
import { readEnvironment } from "../../packages/sdk/src/node/environment.ts";

const EVENT: NativeEventInput = {
  action: "document.read",
  actor: { type: "user", id: "u" },
  target: { type: "document", id: "d" },
  outcome: { status: "failure", code: "GONE" },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-environment-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("SDK-48: without a trail in development each event is a readable line on the console, after one that says that nothing is kept", async () => {
  const lines: string[] = [];
  const transport = createConsoleTransport((line) => lines.push(line));
  const emitter = createAuditEmitter({ transport, spool: false, logger: false, lifecycle: false });
  expect(await emitter.emit(EVENT)).toMatchObject({ receipt: { origin: "console" } });
  await emitter.emit({ ...EVENT, details: { page: 1 } });
  await emitter.close();
  expect(lines[0]).toContain("not kept. Set VOUCHTRAIL_URL");
  expect(lines.slice(1)).toEqual([
    "audit: document.read by user/u on document/d: failure (GONE)\n",
    'audit: document.read by user/u on document/d: failure (GONE) {"page":1}\n',
  ]);
});

test("SDK-48: without a trail in production events are spooled, and the logger is told at once", async () => {
  const told: string[] = [];
  const logger: AuditLogger = { info: () => undefined, warn: () => undefined, error: (_, message) => void told.push(message) };
  const environment = readEnvironment({ NODE_ENV: "production", VOUCHTRAIL_SPOOL: folder, VOUCHTRAIL_URL: "" });
  const emitter = createAuditEmitter({ environment, logger });
  expect(told).toEqual(["No audit trail is set: events are spooled on this machine only. Set VOUCHTRAIL_URL."]);
  expect((await emitter.emit(EVENT)).state).toBe("spooled");
  await emitter.close(10);
  expect(await readdir(folder)).not.toEqual([]);
});

test("SDK-49: each event is a line of the logger, with what was done on what and how it ended", async () => {
  const lines: string[] = [];
  const logger = createLineLogger(
    (line) => lines.push(line),
    () => 1,
  );
  const emitter = createAuditEmitter({ transport: createConsoleTransport(() => undefined), spool: false, logger, tenant: "acme" });
  await emitter.emit(EVENT);
  await emitter.close();
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      level: 30,
      time: 1,
      module: "audit",
      auditEvent: true,
      actionType: "document.read",
      targetType: "document",
      targetId: "d",
      outcome: "failure",
      clientId: "acme",
      msg: "Audit: document.read on document/d",
    },
  ]);
});
