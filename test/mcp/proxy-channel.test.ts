import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuditEventInput } from "@vouchtrail/events";
import { expect, test } from "vitest";
import { createChannel } from "../../packages/mcp/src/proxy/channel.ts";
import { openDefinitionMemory } from "../../packages/mcp/src/proxy/definition-memory.ts";
import { readRunSettings } from "../../packages/mcp/src/proxy/run-settings.ts";
import { answering, openProxyPlace, requestLine } from "./proxy-place.ts";

test("PROXY-12: of more open requests than the limit the oldest ends without its answer, and the memory stays bounded", () => {
  const events: AuditEventInput[] = [];
  let number = 0;
  const channel = createChannel({
    identity: { serverName: "s", sessionId: "s", instance: "r" },
    watch: { compare: () => undefined, settled: async () => undefined },
    record: (event) => void events.push(event),
    recordStrictly: async () => undefined,
    unread: () => undefined,
    nextNumber: () => {
      number += 1;
      return number;
    },
  });
  for (let id = 0; id < 10_001; id++)
    channel.read("client", `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"t"}}`, id);
  expect(channel.openCount).toBe(10_000);
  const endings = events.filter(({ phase }) => phase === "outcome");
  expect(endings.map(({ outcome, context }) => [outcome.code, context?.callId])).toEqual([["NOT_FOLLOWED", "proxy-r-1-0"]]);
  channel.read("server", '{"jsonrpc":"2.0","id":0,"result":{}}', 20_000);
  expect(channel.openCount).toBe(10_000);
});

test("PROXY-10: definitions are remembered for their user alone, and a file that cannot be read counts as none", async () => {
  await using place = await openProxyPlace();
  const run = async (): Promise<string[]> => {
    const before = place.events().length;
    const proxy = place.start(answering('({ result: { tools: [{ name: "a" }] } })'));
    proxy.input.end(requestLine(1, "tools/list"));
    await proxy.ended;
    return place
      .events()
      .slice(before)
      .map(({ action }) => action)
      .filter((action) => action.startsWith("mcp.tool"));
  };
  expect(await run()).toEqual(["mcp.tool_definition.seen"]);
  const folder = join(place.folder, "state", "mcp-proxy", "definitions");
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  const path = join(folder, names[0] ?? "");
  expect([(await stat(path)).mode & 0o777, (await stat(folder)).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ version: 1, server: "tested" });
  expect(await run()).toEqual([]);
  for (const damage of ["{half", "[]", '{"version":1,"tools":[["a"]]}']) {
    await writeFile(path, damage);
    expect(await run()).toEqual(["mcp.tool_definition.seen"]);
  }
});

test("PROXY-10: a state folder that cannot be written is told once, and the server is not held up", async () => {
  await using place = await openProxyPlace();
  await writeFile(join(place.folder, "state"), "no folder");
  expect(await openDefinitionMemory(join(place.folder, "state")).save("s", new Map())).toBe(false);
  const proxy = place.start(answering(`({ result: { tools: [{ name: "t" + message.id }] } })`));
  proxy.input.write(requestLine(1, "tools/list"));
  await proxy.until('"id":1');
  proxy.input.end(requestLine(2, "tools/list"));
  await proxy.ended;
  expect(proxy.bytes().toString()).toContain('"id":2');
  expect(place.warnings).toEqual([
    "The definitions of the tools cannot be remembered in the state folder: every run will see them for the first time.",
  ]);
});

test("PROXY-7, PROXY-19: session, agent and folders come from the environment, and each trail has a folder of its own", () => {
  const read = (environment: Record<string, string>, url = "http://127.0.0.1:7431"): unknown =>
    readRunSettings(environment, "/home/me", url);
  expect(read({})).toEqual({
    agentId: undefined,
    sessionId: undefined,
    tenant: undefined,
    stateFolder: "/home/me/.local/state/vouchtrail",
    spoolFolder: "/home/me/.local/state/vouchtrail/mcp-proxy/spool/127.0.0.1_7431",
  });
  expect(read({ CLAUDE_CODE_SESSION_ID: "", CLAUDE_SESSION_ID: "c", SESSION_ID: "s", AGENT_ID: "a" })).toMatchObject({
    sessionId: "c",
    agentId: "a",
  });
  expect(read({ XDG_STATE_HOME: "/x" }, "https://trail.example/../audit")).toMatchObject({
    spoolFolder: "/x/vouchtrail/mcp-proxy/spool/trail.example_audit",
  });
  expect(read({ VOUCHTRAIL_STATE: "/st", VOUCHTRAIL_SPOOL: "/sp" })).toMatchObject({ stateFolder: "/st", spoolFolder: "/sp" });
});
