import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACTION, call, ERAS, type McpPlace, openMcpPlace, refusal, type Written } from "./server-place.ts";

const TOOLS = [
  "log_action",
  "log_decision",
  "open_effect",
  "close_effect",
  "request_approval",
  "resolve_approval",
  "search_events",
  "get_event",
  "session_timeline",
  "explain_event",
  "stats",
  "completeness",
  "inclusion_proof",
  "verify",
];
const WRITING = TOOLS.slice(0, 6);

let place: McpPlace;
beforeAll(async () => {
  place = await openMcpPlace();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

interface Shown {
  readonly event: {
    readonly actor: object;
    readonly action: string;
    readonly context?: Record<string, string>;
    readonly [member: string]: unknown;
  };
  readonly received: { readonly via: string; readonly key?: string };
}

describe.each(
  ERAS.flatMap((era) => [
    { era, door: "http" as const, agent: "mcp-client" },
    { era, door: "stdio" as const, agent: "bot-7" },
  ]),
)("over $door, $era", ({ era, door, agent }) => {
  let client: Client;
  const sessionId = `session-${era}-${door}`;
  const context = { sessionId };
  beforeAll(async () => {
    client = door === "http" ? await place.overHttp(era) : await place.overStdio(era, { AGENT_ID: agent });
  });

  test("MCP-1: MCP-4: the same tools are there in both eras, each with its schemas and what it does to the trail", async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(TOOLS);
    for (const { name, annotations, inputSchema, outputSchema, description } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: !WRITING.includes(name), destructiveHint: false, openWorldHint: false });
      expect(inputSchema.additionalProperties, name).toBe(false);
      expect(JSON.stringify(inputSchema)).not.toContain('"actor":{');
      expect(outputSchema?.type, name).toBe("object");
      expect(description?.length, name).toBeGreaterThan(50);
    }
  });

  test("MCP-3: MCP-5: MCP-10: what is written returns its receipt, stands in the trail under the agent, and came through MCP", async () => {
    const written = await call<Written>(client, "log_action", { ...ACTION, context, usage: { durationMs: 12 }, labels: { team: "blue" } });
    expect(written).toMatchObject({ state: "stored", receipt: { origin: place.running.ledger.origin, id: written.id } });
    const shown = await call<Shown & { leafHash: string }>(client, "get_event", { id: written.id });
    expect(shown.event).toMatchObject({ ...ACTION, actor: { type: "agent", id: agent }, context, labels: { team: "blue" } });
    expect(shown.received.via).toBe("mcp");
    expect(shown.leafHash).toBe(written.receipt?.leafHash);
  });

  test("MCP-5: the same event with the same id and time is stored once", async () => {
    const same = {
      ...ACTION,
      id: `0197a3c2-7d4b-7c1e-9a55-${Buffer.from(sessionId).toString("hex").slice(-12)}`,
      occurredAt: "2026-03-01T10:11:12Z",
    };
    const first = await call<Written>(client, "log_action", same);
    const second = await call<Written>(client, "log_action", same);
    expect(second.receipt).toEqual({ ...first.receipt, duplicate: true });
  });

  test("MCP-3: nobody is written for: an actor, a tenant or a source in the arguments is refused", async () => {
    for (const stranger of [
      { actor: { type: "user", id: "u1" } },
      { tenant: "other" },
      { source: { name: "x", instance: "y", sequence: 0 } },
    ])
      expect(await refusal(client, "log_action", { ...ACTION, ...stranger })).toContain(`"${Object.keys(stranger)[0]}"`);
  });

  test("MCP-19: a decision holds the question, the options and the choice", async () => {
    const decision = {
      question: "Refund?",
      optionsConsidered: [{ option: "yes", reasoning: "late" }, { option: "no" }],
      chosen: "yes",
      confidence: 0.8,
    };
    const written = await call<Written>(client, "log_decision", { name: "refund", ...decision, context });
    const { event } = await call<Shown>(client, "get_event", { id: written.id });
    expect(event).toMatchObject({ action: "ai.decision", activity: { type: "decision", name: "refund", decision } });
  });

  test("MCP-20: MCP-21: an effect that was opened is closed with proof, and both tell of one deed", async () => {
    const opened = await call<Written>(client, "open_effect", {
      action: "release.deployed",
      target: { type: "service", id: "site" },
      context,
    });
    expect(opened.effectId).toBe(opened.id);
    const proof = { type: "hash", hash: "sha256:abc", data: { file: "a.tgz" } };
    const closed = await call<Written>(client, "close_effect", { effectId: opened.effectId, outcome: { status: "success" }, proof });
    const { event } = await call<Shown>(client, "get_event", { id: closed.id });
    expect(event).toMatchObject({
      action: "release.deployed",
      target: { type: "service", id: "site" },
      phase: "outcome",
      proof,
      context: { sessionId, parentEventId: opened.id },
    });
    const found = await call<{ total: number }>(client, "stats", { filter: { action: "release.deployed", session: sessionId } });
    expect(found.total).toBe(1);
  });

  test("MCP-23: MCP-24: an approval is requested and resolved by somebody else, and never by the agent itself", async () => {
    const asked = await call<Written>(client, "request_approval", { name: "deploy", shown: { command: "deploy --all" }, context });
    const approvalId = asked.approvalId ?? "";
    for (const id of [agent, ` ${agent.toUpperCase()} `])
      for (const type of ["user", "agent"])
        expect(await refusal(client, "resolve_approval", { approvalId, state: "approved", approver: { type, id } })).toContain(
          "ACTOR_FORBIDDEN",
        );
    expect(await refusal(client, "resolve_approval", { approvalId, state: "approved" })).toContain("EVENT_INVALID");
    const resolved = await call<Written>(client, "resolve_approval", {
      approvalId,
      state: "rejected",
      approver: { type: "user", id: "person-1" },
      reason: "not on a Friday",
      context,
    });
    const { event } = await call<Shown>(client, "get_event", { id: resolved.id });
    expect(event).toMatchObject({
      action: "ai.approval_rejected",
      actor: { type: "agent", id: agent },
      outcome: { status: "denied", message: "not on a Friday" },
      activity: { approval: { state: "rejected", approver: { type: "user", id: "person-1" } } },
      context: { approvalId },
    });
  });

  test("MCP-26: MCP-27: what was written is found at once, counted, told as a story and explained", async () => {
    const written = await call<Written>(client, "log_action", { ...ACTION, outcome: { status: "failure", code: "TIMEOUT" }, context });
    const found = await call<{ events: (Shown & { event: { id: string } })[] }>(client, "search_events", {
      filter: { session: sessionId, outcome: ["failure", "partial"] },
    });
    expect(found.events.map(({ event }) => event.id)).toEqual([written.id]);
    const stats = await call<{ total: number; groups: { key: object }[] }>(client, "stats", {
      filter: { session: sessionId },
      groups: ["outcome"],
      bucket: "day",
    });
    expect(stats.groups).toContainEqual(expect.objectContaining({ key: { outcome: "failure" }, total: 1 }));
    const story = await call<{ id: string; steps: object[] }>(client, "session_timeline", { sessionId });
    expect(story.id).toBe(sessionId);
    expect(story.steps.length).toBeGreaterThan(3);
    const explained = await call<{ event: Shown; chain: { role: string; bundle?: unknown }[] }>(client, "explain_event", {
      id: written.id,
    });
    expect(explained.event.event).toMatchObject({ action: ACTION.action });
    expect(explained.chain.every(({ bundle }) => bundle === undefined)).toBe(true);
    expect(await call(client, "completeness", { sessionId })).toMatchObject({
      sessionId,
      verdict: expect.stringMatching(/unknown|incomplete/),
    });
  });

  test("MCP-27: pages follow each other by their cursor", async () => {
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await call<{ events: { event: { id: string } }[]; nextCursor?: string }>(client, "search_events", {
        filter: { session: sessionId },
        deeds: false,
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.events.map(({ event }) => event.id));
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    const all = await call<{ events: { event: { id: string } }[] }>(client, "search_events", {
      filter: { session: sessionId },
      deeds: false,
      limit: 100,
    });
    expect(seen).toEqual(all.events.map(({ event }) => event.id));
    expect(new Set(seen).size).toBeGreaterThan(5);
  });

  test("MCP-29: MCP-30: MCP-31: an event has a proof, and is verified against a key and a checkpoint that were kept", async () => {
    const written = await call<Written>(client, "log_action", ACTION);
    const { inclusionProof } = await call<{ inclusionProof: string }>(client, "inclusion_proof", { id: written.id });
    expect(inclusionProof).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
    const { vkey } = place.running.ledger;
    const first = await call<{ isGood: boolean; checkpoint: string; treeSize: number }>(client, "verify", { id: written.id, vkey });
    expect(first).toMatchObject({ isGood: true, findings: [], isKeyPinned: true });
    expect(await call(client, "verify", { remembered: first.checkpoint })).toMatchObject({ isGood: true, isKeyPinned: false });
    const forged = first.checkpoint.replace(`\n${first.treeSize}\n`, `\n${first.treeSize + 1_000}\n`);
    const denied = await call<{ isGood: boolean; findings: string[] }>(client, "verify", { remembered: forged });
    expect(denied.isGood).toBe(false);
    expect(denied.findings.join()).toContain("remembered checkpoint");
  });

  test("MCP-7: a refusal says its code and what to do next", async () => {
    expect(await refusal(client, "get_event", { id: "0197a3c2-7d4b-7c1e-9a55-ffffffffffff" })).toMatch(/^NOT_FOUND: .*search_events/);
    expect(await refusal(client, "search_events", { filter: { actr: "x" } })).toMatch(/^FILTER_INVALID: .*Did you mean "actor"/);
    expect(await refusal(client, "search_events", { cursor: "none" })).toMatch(/^CURSOR_INVALID: .*without the cursor/);
    expect(
      await refusal(client, "close_effect", { effectId: "0197a3c2-7d4b-7c1e-9a55-ffffffffffff", outcome: { status: "success" } }),
    ).toMatch(/^NOT_FOUND: /);
  });

  test("MCP-32: MCP-33: recent events and a session are resources, and there are prompts for a review and a decision", async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(["vouchtrail://events/recent"]);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(["vouchtrail://sessions/{id}"]);
    const recent = await client.readResource({ uri: "vouchtrail://events/recent" });
    expect(JSON.parse((recent.contents[0] as { text: string }).text).events.length).toBeGreaterThan(1);
    const session = await client.readResource({ uri: `vouchtrail://sessions/${sessionId}` });
    expect(JSON.parse((session.contents[0] as { text: string }).text)).toMatchObject({ id: sessionId });
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(["incident_review", "decision_record"]);
    const { messages } = await client.getPrompt({ name: "incident_review", arguments: { incident: "a leak", sessionId } });
    expect(JSON.stringify(messages)).toContain(sessionId);
    expect(JSON.stringify(await client.getPrompt({ name: "decision_record", arguments: { question: "which?" } }))).toContain(
      "log_decision",
    );
  });
});

test("MCP-22: an effect of somebody else is not closed, and what is no effect neither", async () => {
  const mine = await place.overStdio("auto", { AGENT_ID: "opener" });
  const other = await place.overStdio("auto", { AGENT_ID: "closer" });
  const { effectId } = await call<Written>(mine, "open_effect", { action: "a.b", target: { type: "x", id: "y" } });
  expect(await refusal(other, "close_effect", { effectId, outcome: { status: "success" } })).toMatch(/^ACTOR_FORBIDDEN: .*somebody else/);
  const logged = await call<Written>(mine, "log_action", ACTION);
  expect(await refusal(mine, "close_effect", { effectId: logged.id, outcome: { status: "success" } })).toMatch(
    /^EVENT_INVALID: This is no effect/,
  );
});

test("MCP-6: a call with a trace joins its event to it", async () => {
  const client = await place.overHttp("auto");
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const result = await client.callTool({ name: "log_action", arguments: { ...ACTION }, _meta: { traceparent } });
  const { event } = await call<Shown>(client, "get_event", { id: (result.structuredContent as { id: string }).id });
  expect(event.context).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" });
});

test("MCP-8: an answer is bounded: long texts are cut with a note, and a page that is too large is read in parts that miss nothing", async () => {
  const client = await place.overHttp("auto");
  const large = { text: "word ".repeat(40_000) };
  const written = await call<Written>(client, "log_action", { ...ACTION, details: large });
  const shown = await call<{ event: { details: { text: string } }; note: string }>(client, "get_event", { id: written.id });
  expect(JSON.stringify(shown).length).toBeLessThanOrEqual(60_000);
  expect(shown.event.details.text).toMatch(/… \[\d+ characters more\]$/);
  expect(shown.note).toContain("Cut to fit");
  const wide = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`member${i}`, `value ${i} ${"x".repeat(80)}`]));
  const ids: string[] = [];
  for (let i = 0; i < 12; i += 1)
    ids.push((await call<Written>(client, "log_action", { ...ACTION, action: "wide.event", details: wide })).id);
  const seen: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await call<{ events: { event: { id: string } }[]; nextCursor?: string }>(client, "search_events", {
      filter: { action: "wide.event" },
      limit: 12,
      ...(cursor === undefined ? {} : { cursor }),
    });
    expect(JSON.stringify(page).length).toBeLessThanOrEqual(60_000);
    seen.push(...page.events.map(({ event }) => event.id));
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  expect(seen).toEqual(ids.toReversed());
  expect(place.faults).toEqual([]);
});
