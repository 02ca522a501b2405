import { parseFilter } from "@vouchtrail/events";
import { createAuditReader } from "@vouchtrail/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ACTION, call, type McpPlace, openMcpPlace, type Written } from "./server-place.ts";

let place: McpPlace;
beforeAll(async () => {
  place = await openMcpPlace({ reader: { scopes: ["read"] }, writer: { scopes: ["ingest"] } });
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

test("MCP-27: the reader of the SDK answers every question of the read contract over HTTP", async () => {
  const client = await place.overHttp("auto", place.key("writer"));
  const context = { sessionId: "read over http" };
  const { id } = await call<Written>(client, "log_action", { ...ACTION, context, labels: { team: "!blue" } });
  const opened = await call<Written>(client, "open_effect", { action: "a.b", target: { type: "x", id: "y" }, context });
  const reader = createAuditReader({ url: `${place.url}/`, key: place.key("reader") });
  // Values that begin with ! are written with a backslash, in both directions.
  const filter = parseFilter({ session: context.sessionId, "label.team": "\\!blue" });
  const page = await reader.search({ filter, wait: true, limit: 5, order: "oldest" });
  expect(page.events.map(({ event }) => event.id)).toEqual([id]);
  expect((await reader.stats({ filter, groups: ["action"], bucket: "hour" })).groups[0]?.key).toEqual({ action: ACTION.action });
  const all = parseFilter({ session: context.sessionId });
  expect((await reader.effects({ filter: all, state: "open" })).effects.map(({ event }) => event.id)).toEqual([opened.id]);
  expect((await reader.bundles({ filter: all, limit: 1 })).nextCursor).toBeDefined();
  expect((await reader.sessions({ filter: all })).sessions.map((session) => session.id)).toEqual([context.sessionId]);
  expect((await reader.session({ id: context.sessionId, limit: 1, wait: true })).id).toBe(context.sessionId);
  expect((await reader.completeness({ id: context.sessionId })).sessionId).toBe(context.sessionId);
  expect((await reader.sources({ filter: all })).sources).toEqual([]);
  expect((await reader.get(id)).event.id).toBe(id);
  expect((await reader.bundle(id)).vkey).toBe(place.running.ledger.vkey);
  expect(await reader.vkey()).toBe(place.running.ledger.vkey);
  expect(await reader.checkpoint()).toContain(place.running.ledger.origin);
  expect(await reader.inclusionProof(id)).toMatch(/^c2sp/);
  expect((await reader.explain(id)).event.event.id).toBe(id);
});

test("MCP-7: the reader says with the server's code why it cannot answer, and when there is no server", async () => {
  const stranger = createAuditReader({ url: place.url, key: "vt_none" });
  await expect(stranger.search({ filter: parseFilter({}) })).rejects.toMatchObject({ code: "KEY_INVALID" });
  const reader = createAuditReader({ url: place.url, key: place.key("reader") });
  await expect(reader.get("0197a3c2-7d4b-7c1e-9a55-ffffffffffff")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(createAuditReader({ url: "http://127.0.0.1:1" }).vkey()).rejects.toMatchObject({ code: "TRAIL_UNREACHABLE" });
  const page = createAuditReader({ url: place.url, fetch: async () => new Response("<html>", { status: 200 }) });
  await expect(page.get("x")).rejects.toMatchObject({ code: "TRAIL_UNREACHABLE" });
  const proxy = createAuditReader({ url: place.url, fetch: async () => new Response("<html>", { status: 502 }) });
  await expect(proxy.get("x")).rejects.toMatchObject({ code: "TRAIL_UNREACHABLE" });
});
