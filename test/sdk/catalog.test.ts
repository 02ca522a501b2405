import { AuditError } from "@vouchtrail/events";
import { type AuditEmitter, type AuditEmitterConfig, createAuditEmitter } from "@vouchtrail/sdk";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { actionSpellings } from "../../packages/events/src/reading/action-aliases.ts";
import { isActionName } from "../../packages/sdk/src/catalog/action-name.ts";
import { ADMIN_EVENTS } from "../../packages/sdk/src/catalog/admin-events.ts";
import { createAiAudit } from "../../packages/sdk/src/catalog/ai-audit.ts";
import { AuditAction } from "../../packages/sdk/src/catalog/audit-action.ts";
import { AUTH_EVENTS } from "../../packages/sdk/src/catalog/auth-events.ts";
import { defineAuditEvents } from "../../packages/sdk/src/catalog/define-audit-events.ts";
import type { AuditEventDefinitions } from "../../packages/sdk/src/catalog/event-definition.ts";
import { GUILD_EVENTS } from "../../packages/sdk/src/catalog/guild-events.ts";
import { MEMBER_EVENTS } from "../../packages/sdk/src/catalog/member-events.ts";
import { SYSTEM_EVENTS } from "../../packages/sdk/src/catalog/system-events.ts";
import { USER_EVENTS } from "../../packages/sdk/src/catalog/user-events.ts";
import { getIpAddress } from "../../packages/sdk/src/client-address.ts";
import { setAuditEmitter } from "../../packages/sdk/src/default-emitter.ts";
import { logAudit } from "../../packages/sdk/src/log-audit.ts";
import { getUserAgent } from "../../packages/sdk/src/user-agent.ts";
import { openTrailServer, type TrailServer } from "./trail-server.ts";

let trail: TrailServer;
const emitters: AuditEmitter[] = [];

beforeEach(async () => {
  trail = await openTrailServer();
});
afterEach(async () => {
  setAuditEmitter(undefined);
  for (const emitter of emitters.splice(0)) await emitter.close(10);
  await trail[Symbol.asyncDispose]();
});

function open(config: AuditEmitterConfig = {}): AuditEmitter {
  const emitter = createAuditEmitter({ url: trail.url, logger: false, lifecycle: false, spool: false, ...config });
  emitters.push(emitter);
  return emitter;
}

const CREATED = { action: "agent.run.created", resourceType: "agent" } as const;
const request = () => new Request("http://app.test/runs", { headers: { "x-forwarded-for": "192.0.2.7", "user-agent": "Browser/1" } });

function faultOf(define: () => unknown): AuditError {
  try {
    define();
  } catch (error) {
    if (error instanceof AuditError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("functions of a catalog", () => {
  test("SDK-31: a function records who did what on which resource, from where", async () => {
    const audit = defineAuditEvents(
      { agentRunCreated: { ...CREATED, severity: "notice", description: "A run began." } },
      { emitter: open() },
    );
    const result = await audit.agentRunCreated("run-1", "u-17", { goal: "tidy up", policyId: 3 }, request());
    expect(result).toMatchObject({ state: "stored", receipt: { origin: "test/main" } });
    const [event] = trail.events();
    expect(event).toMatchObject({
      id: result.id,
      action: "agent.run.created",
      actor: { type: "user", id: "u-17" },
      target: { type: "agent", id: "run-1" },
      outcome: { status: "success" },
      details: { goal: "tidy up", policyId: 3 },
      labels: { severity: "notice" },
      context: { ipAddress: "192.0.2.7", userAgent: "Browser/1" },
    });
  });

  test("SDK-31: without a user the actor is the system, and without metadata or request nothing is made up", async () => {
    const audit = defineAuditEvents({ agentRunCreated: CREATED }, { emitter: () => emitters[0] ?? open() });
    for (const nobody of [null, undefined, ""]) await audit.agentRunCreated("run-1", nobody);
    const events = trail.events();
    expect(events).toHaveLength(3);
    for (const event of events) {
      expect(event).toMatchObject({ actor: { type: "system", id: "unknown" } });
      expect(event).not.toHaveProperty("details");
      expect(event).not.toHaveProperty("context");
      expect(event).not.toHaveProperty("labels");
    }
  });

  test("SDK-31: an event type says how its events end and how they are delivered", async () => {
    const audit = defineAuditEvents(
      { paymentRefused: { action: "payment.refused", resourceType: "payment", outcome: "denied", delivery: "strict" } },
      { emitter: open({ strictTimeoutMs: 50 }) },
    );
    await audit.paymentRefused("p-1", "u-1");
    expect(trail.events()).toMatchObject([{ outcome: { status: "denied" } }]);
    trail.behaviour = ({ events }, _serve, response) =>
      response
        .writeHead(400)
        .end(
          JSON.stringify({ receipts: [], errors: events.map((_, index) => ({ index, code: "EVENT_INVALID", path: "", message: "no" })) }),
        );
    await expect(audit.paymentRefused("p-1", "u-1")).rejects.toThrow(AuditError);
  });

  test("SDK-31: what cannot be recorded is refused with its path, and thrown only where delivery is strict", async () => {
    const emitter = open();
    const audit = defineAuditEvents({ agentRunCreated: CREATED, strictRun: { ...CREATED, delivery: "strict" } }, { emitter });
    expect(await audit.agentRunCreated("", "u-1")).toMatchObject({
      state: "refused",
      error: { code: "SHAPE_INVALID", path: "resourceId" },
    });
    expect(await audit.agentRunCreated(7 as never, "u-1")).toMatchObject({ state: "refused" });
    await expect(audit.strictRun("", "u-1")).rejects.toMatchObject({ code: "SHAPE_INVALID" });
  });

  test("SDK-32: the catalog is audit itself: it builds, runs effects and denies", async () => {
    const audit = defineAuditEvents({ agentRunCreated: CREATED }, { emitter: open() });
    await audit().forClient("acme").action("content.publish").actor("agent", "a-1").target("post", "p-1").succeeded().emit();
    await audit.deny({
      action: "agent.run.created",
      actor: { type: "user", id: "u-1" },
      target: { type: "agent", id: "x" },
      code: "NO_SEAT",
    });
    await audit.effect({ action: "mail.send", actor: { type: "service", id: "mail" }, target: { type: "mail", id: "m" } }, () => 1);
    expect(trail.events().map(({ action }) => action)).toEqual(["content.publish", "agent.run.created", "mail.send", "mail.send"]);
    expect(Object.keys(audit)).toContain("agentRunCreated");
  });
});

describe("the naming rule", () => {
  test("SDK-30: names of two or three segments in lower case are actions, others are none", () => {
    for (const action of ["skill.created", "version.approved", "agent.run.created", "agent.step_2.executed", "2fa.on"]) {
      expect(isActionName(action), action).toBe(true);
    }
    for (const action of [
      "created",
      "Agent.created",
      "agent..created",
      ".created",
      "agent.",
      "a.b.c.d",
      "agent-run.created",
      "a b.c",
      "",
      `a.${"b".repeat(127)}`,
    ]) {
      expect(isActionName(action), action).toBe(false);
    }
  });

  test("SDK-30: whatever joins two or three segments by dots is an action, and any other character ends that", () => {
    const segment = fc.stringMatching(/^[a-z0-9_]{1,20}$/);
    fc.assert(
      fc.property(fc.array(segment, { minLength: 2, maxLength: 3 }), fc.stringMatching(/^[^a-z0-9_.]$/), (segments, stranger) => {
        expect(isActionName(segments.join("."))).toBe(true);
        expect(isActionName(segments.join(".") + stranger)).toBe(false);
      }),
    );
  });

  test("SDK-30: an action or a function name that breaks the rule does not compile, and fails when the catalog is made", () => {
    // @ts-expect-error Upper case.
    expect(faultOf(() => defineAuditEvents({ runCreated: { action: "Agent.created", resourceType: "agent" } }))).toMatchObject({
      code: "CONFIG_INVALID",
      path: "runCreated",
    });
    // @ts-expect-error One segment.
    expect(faultOf(() => defineAuditEvents({ created: { action: "created", resourceType: "agent" } })).message).toMatch(
      /created.*resource\.action/,
    );
    // @ts-expect-error Four segments.
    expect(faultOf(() => defineAuditEvents({ four: { action: "a.b.c.d", resourceType: "agent" } }))).toMatchObject({ path: "four" });
    // @ts-expect-error The name of a function that is there already.
    expect(faultOf(() => defineAuditEvents({ effect: { action: "a.b", resourceType: "agent" } })).message).toMatch(
      /effect: this function name is reserved/,
    );
    // @ts-expect-error What every function has.
    expect(faultOf(() => defineAuditEvents({ name: { action: "a.b", resourceType: "agent" } }))).toMatchObject({ path: "name" });
    for (const name of ["deny", "length", "call", "apply", "bind", "prototype", "constructor", "toString", "then", "toJSON"]) {
      const definitions: AuditEventDefinitions = { [name]: { action: "a.b", resourceType: "x" } };
      expect(faultOf(() => defineAuditEvents(definitions))).toMatchObject({ code: "CONFIG_INVALID", path: name });
    }
  });

  test("SDK-30: a definition with anything wrong is named when the catalog is made", () => {
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [null, /expected an object/],
      [{ action: 7, resourceType: "x" }, /the action 7/],
      [{ action: "a.b", resourceType: "" }, /resourceType/],
      [{ action: "a.b", resourceType: "x", severity: "high" }, /severity must be one of info/],
      [{ action: "a.b", resourceType: "x", outcome: "ok" }, /outcome must be one of success/],
      [{ action: "a.b", resourceType: "x", delivery: "fast" }, /delivery must be one of durable/],
      [{ action: "a.b", resourceType: "x", details: {} }, /Standard Schema/],
      [{ action: "a.b", resourceType: "x", secret: ["a..b"] }, /secret must be a list of paths/],
      [{ action: "a.b", resourceType: "x", personal: ["email"] }, /personal must say for each path where it goes/],
      [{ action: "a.b", resourceType: "x", personal: { email: "details" } }, /actor\.email/],
      [{ action: "a.b", resourceType: "x", personal: { a: "actor.name", b: "actor.name" } }, /a place twice/],
      [{ action: "a.b", resourceType: "x", secrets: ["a"] }, /secrets is not known/],
    ];
    for (const [definition, message] of wrong) {
      const definitions = { entry: definition } as unknown as AuditEventDefinitions;
      expect(faultOf(() => defineAuditEvents(definitions))).toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(message),
      });
    }
  });
});

describe("details by a schema", () => {
  const schema = z.object({ goal: z.string(), steps: z.number().default(0) });

  test("SDK-33: metadata is typed by the schema, and what it makes of it is recorded", async () => {
    const audit = defineAuditEvents({ agentRunCreated: { ...CREATED, details: schema } }, { emitter: open() });
    await audit.agentRunCreated("run-1", "u-1", { goal: "tidy up" });
    expect(trail.events()).toMatchObject([{ details: { goal: "tidy up", steps: 0 } }]);
    const refused = [
      // @ts-expect-error The schema needs metadata.
      await audit.agentRunCreated("run-1", "u-1"),
      // @ts-expect-error The goal is text.
      await audit.agentRunCreated("run-1", "u-1", { goal: 7 }),
    ];
    expect(refused).toMatchObject([
      { state: "refused", error: { code: "EVENT_INVALID", path: "details" } },
      { state: "refused", error: { code: "EVENT_INVALID", path: "details.goal" } },
    ]);
    expect(trail.events()).toHaveLength(1);
  });

  test("SDK-33: metadata that the schema lets be absent can be left out", async () => {
    const audit = defineAuditEvents({ agentRunCreated: { ...CREATED, details: schema.optional() } }, { emitter: open() });
    expect(await audit.agentRunCreated("run-1", "u-1")).toMatchObject({ state: "stored" });
  });

  test("SDK-33: the message of a refusal names paths only; the words of the schema are its cause", async () => {
    const quoting = z.object({ card: z.string().refine(() => false, { error: ({ input }) => `${String(input)} is no card` }) });
    const lines: string[] = [];
    const line = (fields: object, message: string): number => lines.push(JSON.stringify(fields) + message);
    const emitter = open({ logger: { info: line, warn: line, error: line } });
    const audit = defineAuditEvents({ cardAdded: { action: "card.added", resourceType: "card", details: quoting } }, { emitter });
    const { error } = await audit.cardAdded("c-1", "u-1", { card: "4111-1111" });
    expect(error?.message).toMatch(/^details\.card: /);
    expect(lines.join()).toContain("details.card");
    expect(lines.join()).not.toContain("4111");
    expect(String(error?.cause)).toContain("4111-1111 is no card");
  });

  test("SDK-33: an asynchronous schema is waited for, and one that fails refuses the event", async () => {
    const asynchronous = z.object({ goal: z.string().refine(async (goal) => goal !== "none") });
    const failing = z.object({
      goal: z.string().transform((): string => {
        throw new Error("broken");
      }),
    });
    const audit = defineAuditEvents(
      { slow: { ...CREATED, details: asynchronous }, broken: { ...CREATED, details: failing } },
      { emitter: open() },
    );
    expect(await audit.slow("run-1", "u-1", { goal: "some" })).toMatchObject({ state: "stored" });
    expect(await audit.slow("run-1", "u-1", { goal: "none" })).toMatchObject({ state: "refused", error: { path: "details.goal" } });
    expect(await audit.broken("run-1", "u-1", { goal: "some" })).toMatchObject({ state: "refused", error: { code: "EVENT_INVALID" } });
  });
});

describe("marked fields", () => {
  test("SDK-34: what is marked as secret never leaves, wherever it hides", async () => {
    const audit = defineAuditEvents(
      { cardAdded: { action: "card.added", resourceType: "card", secret: ["card.number", "items.token", "headers.*", "absent.x"] } },
      { emitter: open() },
    );
    const metadata = {
      card: new Map([
        ["number", "4111-1111"],
        ["holder", "A"],
      ]),
      items: [{ token: "t-1", name: "one" }, { token: "t-2" }],
      headers: { a: "h-1", b: { c: "h-2" } },
    };
    await audit.cardAdded("c-1", "u-1", metadata);
    expect(trail.events()[0]?.details).toEqual({
      card: { number: "[REDACTED]", holder: "A" },
      items: [{ token: "[REDACTED]", name: "one" }, { token: "[REDACTED]" }],
      headers: { a: "[REDACTED]", b: "[REDACTED]" },
    });
    expect(metadata.items[0]?.token).toBe("t-1");
    expect(metadata.card.get("number")).toBe("4111-1111");
  });

  test("SDK-34: what is marked as personal goes to a place that is erased with the person", async () => {
    const audit = defineAuditEvents(
      {
        orderPlaced: {
          action: "order.placed",
          resourceType: "order",
          personal: { email: "actor.email", "buyer.name": "actor.name", "buyer.id": "actor.onBehalfOf", origin: "context.ipAddress" },
        },
      },
      { emitter: open() },
    );
    await audit.orderPlaced("o-1", "u-1", {
      email: "a@example.org",
      buyer: { name: "Ada", id: 7, tier: "gold" },
      origin: "192.0.2.9",
      total: 3,
    });
    const [event] = trail.events();
    expect(event).toMatchObject({
      actor: { type: "user", id: "u-1", name: "Ada", email: "a@example.org", onBehalfOf: [{ type: "user", id: "7" }] },
      context: { ipAddress: "192.0.2.9" },
    });
    expect(event?.details).toEqual({ buyer: { tier: "gold" }, total: 3 });
    expect(await audit.orderPlaced("o-1", "u-1", { email: { local: "a" } })).toMatchObject({
      state: "refused",
      error: { code: "EVENT_INVALID", path: "details.email" },
    });
    expect(await audit.orderPlaced("o-1", "u-1", { buyer: [{ name: "Ada" }] })).toMatchObject({ state: "refused" });
    expect(trail.events()).toHaveLength(1);
  });
});

describe("logAudit", () => {
  test("SDK-35: logAudit records with the default emitter", async () => {
    setAuditEmitter(open());
    const result = await logAudit({
      action: "agent.run.created",
      resourceType: "agent",
      resourceId: "run-1",
      userId: "u-17",
      details: { goal: "tidy up" },
      ipAddress: "192.0.2.7",
      userAgent: undefined,
    });
    expect(result.state).toBe("stored");
    await logAudit({
      action: AuditAction.GUILD_UPDATE,
      resourceType: "guild",
      resourceId: "g-1",
      userId: "",
      ipAddress: null,
      errorMessage: "no",
    });
    expect(trail.events()).toMatchObject([
      { actor: { type: "user", id: "u-17" }, target: { type: "agent", id: "run-1" }, context: { ipAddress: "192.0.2.7" } },
      { action: "GUILD_UPDATE", actor: { type: "system", id: "unknown" }, outcome: { status: "failure", message: "no" } },
    ]);
  });

  test("SDK-35: a catalog written out as functions that call logAudit works as it stands", async () => {
    setAuditEmitter(open());
    const audit = {
      agentRunCreated: (runId: string, userId: string, metadata?: Record<string, unknown>, request?: Request) =>
        logAudit({
          action: "agent.run.created",
          resourceType: "agent",
          resourceId: runId,
          userId,
          details: metadata,
          ipAddress: request ? getIpAddress(request) : undefined,
          userAgent: request ? getUserAgent(request) : undefined,
        }),
    };
    await audit.agentRunCreated("run-1", "u-17", { goal: "tidy up" }, request());
    await defineAuditEvents({ agentRunCreated: CREATED }).agentRunCreated("run-1", "u-17", { goal: "tidy up" }, request());
    const [written, defined] = trail.events().map(({ id: _id, occurredAt: _at, source: _source, ...event }) => event);
    expect(written).toMatchObject({ details: { goal: "tidy up" }, context: { ipAddress: "192.0.2.7", userAgent: "Browser/1" } });
    expect(defined).toEqual(written);
  });

  test("SDK-35: an entry that is none is refused, and every fault is named", async () => {
    setAuditEmitter(open());
    const refused = [await logAudit({} as never), await logAudit(undefined as never)];
    expect(refused[0]).toMatchObject({ state: "refused", error: { code: "SHAPE_INVALID" } });
    for (const name of ["action", "resourceType", "resourceId"]) expect(refused[0]?.error?.message).toContain(name);
    expect(refused[1]).toMatchObject({ state: "refused" });
  });
});

describe("ready catalogs", () => {
  test("SDK-36: every constant has its function in a ready catalog, whose action is the other spelling", async () => {
    const ready = { ...GUILD_EVENTS, ...MEMBER_EVENTS, ...USER_EVENTS, ...ADMIN_EVENTS, ...SYSTEM_EVENTS };
    const dotted = Object.values(AuditAction).map((constant) => actionSpellings(constant)[1]);
    expect(
      Object.values(ready)
        .map(({ action }) => action)
        .sort(),
    ).toEqual(dotted.sort());
    const audit = defineAuditEvents({ ...ready, ...AUTH_EVENTS, agentRunCreated: CREATED }, { emitter: open() });
    await audit.guildSettingsUpdate("g-1", "u-1");
    await audit.authLoginFailed("ada", null, { reason: "password", password: "hunter2" });
    expect(trail.events()).toMatchObject([
      { action: "guild.settings.update", target: { type: "guild", id: "g-1" } },
      { action: "auth.login.failed", outcome: { status: "failure" }, labels: { severity: "warning" }, details: { password: "[REDACTED]" } },
    ]);
  });

  test("SDK-36: a catalog takes the constants verbatim", async () => {
    const audit = defineAuditEvents({ guildCreate: { action: AuditAction.GUILD_CREATE, resourceType: "guild" } }, { emitter: open() });
    await audit.guildCreate("g-1", "u-1");
    expect(trail.events()).toMatchObject([{ action: "GUILD_CREATE" }]);
  });

  test("SDK-36: the name of each entry of a ready catalog follows from its action", () => {
    const ready = { ...GUILD_EVENTS, ...MEMBER_EVENTS, ...USER_EVENTS, ...ADMIN_EVENTS, ...SYSTEM_EVENTS, ...AUTH_EVENTS };
    for (const [name, { action }] of Object.entries(ready)) {
      expect(action.replace(/[._](.)/g, (_, letter: string) => letter.toUpperCase())).toBe(name);
    }
  });

  test("SDK-37: every AI action has a function, and an approval without who decided is refused", async () => {
    const ai = createAiAudit({ emitter: open() });
    const metadata = { agentName: "planner", toolName: "search", conversationId: "c-1", taskId: "t-1", approvalId: "ap-1" };
    const options = { approver: { type: "user", id: "u-1" } };
    for (const record of Object.values(ai)) expect((await record(metadata, options)).state).toBe("stored");
    expect(new Set(trail.events().map(({ action }) => action)).size).toBe(12);
    await ai.toolCall({ toolName: "search", toolParams: { q: "x" } }, { outcome: "failure", delivery: "strict" });
    expect(trail.events().at(-1)).toMatchObject({
      action: "ai.tool_call",
      outcome: { status: "failure" },
      activity: { tool: { parameters: { q: "x" } } },
    });
    expect(await ai.approvalApproved({ approvalId: "ap-1" })).toMatchObject({
      state: "refused",
      error: { code: "SHAPE_INVALID", path: "approver" },
    });
    await expect(ai.approvalApproved({ approvalId: "ap-1" }, { delivery: "strict" })).rejects.toMatchObject({ code: "SHAPE_INVALID" });
  });
});
