import { randomUUID } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { namedSecrets, shapedSecrets } from "../secrets/planted-secrets.ts";
import { AWAY, COMMAND, eventsOf, runCommand, spoolFiles, spoolOf, UNSEEN } from "./command-place.ts";

let place: Workplace;
beforeEach(async () => {
  place = await openWorkplace();
});
afterEach(() => place.close());

let count = 0;
function hook(session: string, more: object = {}): string {
  count += 1;
  return JSON.stringify({
    hook_event_name: "PreToolUse",
    session_id: session,
    tool_use_id: `t${count}`,
    tool_name: "Read",
    tool_input: { count },
    ...more,
  });
}

/** A server that is away and comes at that address. */
async function openDoor(): Promise<{ url: string; serve: () => Promise<Served> }> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return { url: `http://127.0.0.1:${port}`, serve: () => place.serve(["--data", "data", "--port", String(port)]) };
}

/** A file as the command leaves one in the spool. */
function plant(folder: string, name: string, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}
function record(session: string, ms: number): { name: string; text: string; id: string } {
  const id = randomUUID();
  const text = JSON.stringify({ id, occurredAt: new Date(ms).toISOString(), path: "/hooks/claude-code", body: hook(session) });
  return { name: `${ms}-${text.length}-${id}`, text, id };
}

test("HOOK-8: what a server that is away misses is stored once, with its first time, by the next run that reaches it", async () => {
  const { url, serve } = await openDoor();
  const environment = { AUDIT_LOG_URL: url };
  const from = new Date().toISOString();
  await Promise.all([1, 2, 3].map(async () => expect(await runCommand(place, { input: hook("missed"), environment })).toEqual(UNSEEN)));
  await runCommand(place, {
    input: '{"tool_name":"Bash","parameters":{},"result":1}',
    environment: { ...environment, SESSION_ID: "missed" },
  });
  const to = new Date().toISOString();
  expect([...spoolFiles(place).keys()].map((name) => name.split("-", 1)[0])).toEqual(["hook", "hook", "hook", "hook"]);
  const server = await serve();
  expect(await runCommand(place, { input: hook("later"), environment })).toEqual(UNSEEN);
  const events = await eventsOf(server, "session=missed");
  expect(events).toHaveLength(4);
  for (const { occurredAt } of events) expect(occurredAt >= from && occurredAt <= to).toBe(true);
  expect(spoolFiles(place).size).toBe(0);
});

test("HOOK-8: a server that fails, asks to wait or does not know the key is asked again later", async () => {
  let status = 500;
  const server = createServer((request, response) => request.resume().on("end", () => response.writeHead(status).end("{}")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const environment = { AUDIT_LOG_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  for (status of [500, 503, 429, 408, 401, 302]) await runCommand(place, { input: hook("failed"), environment });
  expect([...spoolFiles(place).keys()].every((name) => name.startsWith("hook-"))).toBe(true);
  expect(spoolFiles(place).size).toBe(6);
  status = 200;
  expect(await runCommand(place, { args: ["--flush"], environment })).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^6 sent, 0 waiting, 0 refused/),
  });
  expect(spoolFiles(place).size).toBe(0);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("HOOK-9: the spool is private, and a part of a hook that is left over is never sent but counted", async () => {
  const { url, serve } = await openDoor();
  const environment = { AUDIT_LOG_URL: url };
  await runCommand(place, { input: hook("private"), environment });
  const folder = spoolOf(place, url);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  const old = Date.now() - 120_000;
  const [whole, torn, fresh, damaged] = [record("whole", old), record("torn", old), record("fresh", Date.now()), record("damaged", old)];
  plant(folder, `draft-1-${old}-${whole.name}`, whole.text);
  plant(folder, `draft-1-${old}-${torn.name}`, torn.text.slice(0, -20));
  plant(folder, `draft-999999-${Date.now()}-${fresh.name}`, fresh.text.slice(0, -20));
  plant(folder, `hook-${damaged.name}`, damaged.text.slice(0, 30));
  const server = await serve();
  await runCommand(place, { input: hook("private"), environment });
  expect(await eventsOf(server, "session=private")).toHaveLength(2);
  expect(await eventsOf(server, "session=whole")).toHaveLength(1);
  for (const session of ["torn", "damaged", "fresh"]) expect(await eventsOf(server, `session=${session}`)).toHaveLength(0);
  const [dropped] = await eventsOf(server, "action=agent.hook.dropped");
  expect(dropped?.details).toEqual({ count: 2, reasons: { damaged: 2 } });
  expect([...spoolFiles(place).keys()]).toEqual([expect.stringMatching(/^draft-999999-/)]);
});

test("HOOK-10: no secret that the rules know is in any file of the spool", async () => {
  const secrets = [...shapedSecrets(), ...namedSecrets()];
  const members = Object.fromEntries(secrets.map(({ text }, i) => [`part${i}`, `set -e\n${text}`]));
  const [{ text: token = "", secret = "" } = {}] = secrets.filter(({ rule }) => rule === "github-token");
  const environment = { AUDIT_LOG_URL: AWAY, AGENT_ID: token, SESSION_ID: token };
  const hooks = [
    hook("s", { tool_input: members, big: "of 12345678901234567890" }),
    hook("s", { hook_event_name: "PostToolUse", tool_response: { stdout: secrets.map(({ text }) => text).join("\n\n") } }),
    JSON.stringify({ hook_event_name: "UserPromptSubmit", prompt: `use ${token}`, [token]: 1 }),
    JSON.stringify({ tool_name: "Bash", parameters: members, result: members }),
    JSON.stringify({ tool_name: token, parameters: 1, result: { error: token } }),
  ];
  for (const input of hooks) expect(await runCommand(place, { input, environment })).toEqual(UNSEEN);
  const files = spoolFiles(place);
  expect(files.size).toBe(hooks.length);
  const written = [...files.values()].join("\n");
  expect(written).toContain("REDACTED");
  expect(written).not.toContain(secret);
  expect(secrets.filter((planted) => written.includes(planted.secret)).map(({ rule }) => rule)).toEqual([]);
});

test("HOOK-11: the command alone in a folder keeps only the envelope of a hook", async () => {
  mkdirSync(place.path("alone"));
  const file = place.path("alone/agent-audit-log.mjs");
  copyFileSync(COMMAND, file);
  const { url, serve } = await openDoor();
  const environment = { AUDIT_LOG_URL: url, AGENT_ID: "ops/agent" };
  const call = {
    tool_use_id: "toolu_1",
    permission_mode: "default",
    duration_ms: 5,
    agent_type: "Explore",
    reason: "It holds words and is none",
  };
  const input = hook("alone", {
    hook_event_name: "PostToolUse",
    tool_input: { command: "hidden words" },
    tool_response: "hidden words",
    ...call,
  });
  expect(await runCommand(place, { file, input, environment })).toEqual(UNSEEN);
  await runCommand(place, { file, input: '{"tool_name":"Bash","parameters":"hidden words","result":{"is_error":true}}', environment });
  const written = [...spoolFiles(place).values()].map((text) => JSON.parse(text) as { body: string });
  expect(written.map(({ body }) => JSON.parse(body) as unknown).filter((body) => Object.hasOwn(body as object, "session_id"))).toEqual([
    {
      hook_event_name: "PostToolUse",
      session_id: "alone",
      tool_use_id: "toolu_1",
      tool_name: "Read",
      agent_type: "Explore",
      permission_mode: "default",
      duration_ms: 5,
      content_withheld: true,
    },
  ]);
  expect(JSON.stringify(written)).not.toContain("words");
  const server = await serve();
  expect(await runCommand(place, { file, args: ["--flush"], environment })).toMatchObject({
    out: expect.stringMatching(/^2 sent, 0 waiting/),
  });
  const [event] = await eventsOf(server, "session=alone");
  expect(event).toMatchObject({ actor: { id: "ops/agent" }, context: { callId: "toolu_1" }, details: { content_withheld: true } });
  expect(await eventsOf(server, "action=ai.tool_call&actor=ops/agent&outcome=failure")).toHaveLength(1);
});

test("HOOK-13: what a full spool cannot take is counted and told to the trail once", async () => {
  const { url, serve } = await openDoor();
  const environment = { AUDIT_LOG_URL: url };
  const folder = spoolOf(place, url);
  mkdirSync(folder, { recursive: true });
  const many = Array.from({ length: 5_000 }, (_, i) => `hook-${1_700_000_000_000 + i}-10-${randomUUID()}`);
  for (const name of many) writeFileSync(join(folder, name), "");
  for (let i = 0; i < 2; i++) expect(await runCommand(place, { input: hook("full"), environment })).toEqual(UNSEEN);
  await runCommand(place, { input: "no hook", environment });
  expect(readdirSync(folder)).toHaveLength(5_001);
  for (const name of many) unlinkSync(join(folder, name));
  plant(folder, `hook-1700000000000-${64 * 1_048_576}-${randomUUID()}`, "");
  await runCommand(place, { input: hook("full"), environment });
  const server = await serve();
  for (let i = 0; i < 2; i++) await runCommand(place, { input: hook("room"), environment });
  const dropped = await eventsOf(server, "action=agent.hook.dropped");
  expect(dropped).toHaveLength(2);
  expect(dropped).toContainEqual(
    expect.objectContaining({
      actor: { type: "system", id: "agent-audit-log" },
      outcome: { status: "failure", code: "HOOKS_DROPPED" },
      context: { sessionId: "full" },
      details: { count: 3, reasons: { full: 3 } },
    }),
  );
  expect(dropped).toContainEqual(expect.objectContaining({ details: { count: 2, reasons: { unreadable: 1, damaged: 1 } } }));
  expect(spoolFiles(place).size).toBe(0);
});

test("HOOK-14: a refused hook is put aside and not sent again, and no more of them than there is room for", async () => {
  const server = await place.serve();
  const environment = { AUDIT_LOG_URL: server.url, AGENT_ID: "a" };
  const bad = '{"hook_event_name":"X","__proto__":{}}';
  const refused = await runCommand(place, {
    input: Buffer.concat([Buffer.from('{"hook_event_name":"X","y":"'), Buffer.of(0xff), Buffer.from('"}')]),
    environment,
  });
  expect(refused).toEqual(UNSEEN);
  await runCommand(place, { input: bad, environment });
  const aside = [...spoolFiles(place).keys()].filter((name) => name.startsWith("rejected-"));
  expect(aside).toHaveLength(spoolFiles(place).size);
  expect(aside.length).toBeGreaterThan(0);
  await runCommand(place, { input: hook("after"), environment });
  expect([...spoolFiles(place).keys()]).toEqual(aside);
  for (let i = aside.length; i < 100; i++) plant(spoolOf(place, server.url), `rejected-1700000000000-10-${randomUUID()}`, "{}");
  const { name, text } = record("conflict", 1_700_000_000_000);
  plant(spoolOf(place, server.url), `hook-${name}`, text.replace("/hooks/claude-code", "/hooks/nobody"));
  await runCommand(place, { input: hook("after"), environment });
  expect(await eventsOf(server, "session=after")).toHaveLength(2);
  expect((await eventsOf(server, "action=agent.hook.dropped"))[0]?.details).toEqual({ count: 1, reasons: { rejected: 1 } });
  expect([...spoolFiles(place).keys()].filter((other) => other.startsWith("rejected-"))).toHaveLength(100);
});

test("HOOK-15: commands that replay at the same time store each hook once; one run sends fifty, the oldest first, and takes back what a dead one had claimed", async () => {
  const server = await place.serve();
  const environment = { AUDIT_LOG_URL: server.url };
  const folder = spoolOf(place, server.url);
  const records = Array.from({ length: 60 }, (_, i) => record("waited", 1_700_000_000_000 + i));
  for (const [i, { name, text }] of records.entries())
    plant(folder, i === 0 ? `sending-999999-${Date.now()}-${name}` : `hook-${name}`, text);
  const living = record("living", 1_600_000_000_000);
  plant(folder, `sending-${process.pid}-${Date.now()}-${living.name}`, living.text);
  await runCommand(place, { input: hook("first"), environment });
  const sent = new Set((await eventsOf(server, "session=waited")).map(({ id }) => id));
  expect(sent.size).toBeGreaterThan(0);
  expect(sent.size).toBeLessThanOrEqual(50);
  expect(records.slice(0, sent.size).every(({ id }) => sent.has(id))).toBe(true);
  await Promise.all([1, 2, 3].map(() => runCommand(place, { args: ["--flush"], environment })));
  const events = await eventsOf(server, "session=waited");
  expect(events).toHaveLength(60);
  expect(new Set(events.map(({ id }) => id))).toEqual(new Set(records.map(({ id }) => id)));
  expect([...spoolFiles(place).keys()]).toEqual([expect.stringMatching(`^sending-${process.pid}-`)]);
});

test("HOOK-18: a flush says what it did, tries what was put aside only when asked, and ends well without a server", async () => {
  const { url, serve } = await openDoor();
  const environment = { AUDIT_LOG_URL: url };
  await runCommand(place, { input: hook("flushed"), environment });
  const { name, text } = record("aside", Date.now());
  plant(spoolOf(place, url), `rejected-${name}`, text);
  const flush = async (...options: string[]): Promise<string> => {
    const { code, out } = await runCommand(place, { args: ["--flush", ...options], environment });
    expect(code).toBe(0);
    return out.split(" in ", 1)[0] ?? "";
  };
  expect(await flush()).toBe("0 sent, 1 waiting, 1 refused and put aside");
  const server = await serve();
  expect(await flush()).toBe("1 sent, 0 waiting, 1 refused and put aside");
  expect(await flush("--rejected")).toBe("1 sent, 0 waiting, 0 refused and put aside");
  for (const session of ["flushed", "aside"]) expect(await eventsOf(server, `session=${session}`)).toHaveLength(1);
});

test("HOOK-19: what waits for one server is not told to another", async () => {
  const server = await place.serve();
  await runCommand(place, { input: hook("for another"), environment: { AUDIT_LOG_URL: AWAY } });
  await runCommand(place, { input: hook("for this"), environment: { AUDIT_LOG_URL: server.url } });
  expect(await eventsOf(server, "session=for%20this")).toHaveLength(1);
  expect(await eventsOf(server, "session=for%20another")).toHaveLength(0);
  expect(spoolFiles(place).size).toBe(1);
});
