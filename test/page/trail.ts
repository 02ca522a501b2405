import { randomUUID } from "node:crypto";
import { eventOf, type TestServer } from "../hostile/running-server.ts";

const AGENTS = ["agent-orchid", "agent-heron", "agent-basalt"];
const TOOLS = ["Read", "Edit", "Bash", "WebFetch", "Grep"];
const OUTCOMES = ["success", "success", "success", "success", "failure", "denied", "partial"];

/** A trail as a small team with some agents would leave it, newest last: 60 events of an afternoon, one deed that is told twice among them. */
export function afternoon(): Record<string, unknown>[] {
  const events = Array.from({ length: 58 }, (_, i) => {
    const occurredAt = `2026-03-01T1${Math.floor(i / 20)}:${String((i * 3) % 60).padStart(2, "0")}:12.345Z`;
    const status = OUTCOMES[i % OUTCOMES.length] ?? "success";
    if (i % 4 === 0) {
      return eventOf({
        occurredAt,
        action: ["user.role.updated", "invoice.approved", "session.created"][i % 3],
        actor: { type: "user", id: `u-${(i % 5) + 1}`, name: ["Ada Lindqvist", "Tomás Reyes", "Wren Okafor"][i % 3] },
        target: { type: ["user", "invoice", "session"][i % 3], id: `${1000 + i}` },
        outcome: { status, ...(status === "failure" ? { code: "FORBIDDEN", message: "The role may not be given by this user." } : {}) },
        context: { ipAddress: "192.0.2.17", requestId: `request-${i}` },
        labels: { environment: "production" },
      });
    }
    return eventOf({
      occurredAt,
      action: "ai.tool_call",
      actor: { type: "agent", id: AGENTS[i % AGENTS.length] },
      target: undefined,
      activity: {
        type: "tool",
        name: TOOLS[i % TOOLS.length],
        tool: { name: TOOLS[i % TOOLS.length], parameters: { path: `/srv/app/file-${i}.ts` } },
      },
      outcome: { status, ...(status === "failure" ? { code: "ENOENT", message: "no such file or directory" } : {}) },
      usage: { durationMs: 120 + i * 17, tokensInput: 900 + i, tokensOutput: 120 + i, costUsd: 0.0042, model: "model-a" },
      context: { sessionId: `session-${(i % 3) + 1}`, callId: `call-${i}` },
      security: { permissionLevel: "read-write", sensitiveDataAccessed: i % 9 === 0 },
    });
  });
  const deed = {
    action: "ai.tool_call",
    actor: { type: "agent", id: "agent-orchid" },
    context: { sessionId: "session-1", callId: "call-twice" },
  };
  const activity = { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: "npm run deploy" } } };
  const at = "2026-03-01T13:00:00.000Z";
  return [
    ...events,
    eventOf({ ...deed, target: undefined, activity, occurredAt: at, details: { command: "npm run deploy" } }),
    eventOf({ ...deed, target: undefined, activity, occurredAt: at, source: { name: "hook", instance: "laptop", sequence: 1 } }),
  ];
}

/** Sends events, and resolves when they can be found and a checkpoint covers them. @returns Their ids. */
export async function fill(
  server: TestServer,
  events: readonly Record<string, unknown>[],
  headers: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const response = await server.send("/api/v1/events?wait=checkpoint", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(events),
  });
  if (response.status !== 201) throw new Error(`The events were refused: ${response.text.slice(-300)}`);
  const found = await server.send("/api/v1/events?limit=1&wait=searchable", { headers });
  if (found.status !== 200) throw new Error(`The events cannot be found: ${found.text}`);
  return (JSON.parse(response.text) as { receipts: { id: string }[] }).receipts.map(({ id }) => id);
}

/** Text that would do harm where it is taken for markup, an address, or a command to a terminal. */
export const HOSTILE_TEXTS = [
  '<img src=x onerror="alert(1)">',
  "<script>alert(2)</script>",
  '"><svg onload=alert(3)>',
  "javascript:alert(4)",
  "\u202egnp.exe",
  "\u001b]0;owned\u0007\u001b[31mred",
  "{{constructor.constructor('alert(5)')()}}",
  "'; DROP TABLE entries; --",
  `${"long ".repeat(20_000)}end`,
] as const;

/** One event for each of them, with the text wherever text may stand. */
export function hostileEvents(): Record<string, unknown>[] {
  return HOSTILE_TEXTS.map((text) => {
    // What identifies and is indexed takes no control characters and is short.
    const short = [...text]
      .filter((character) => character >= " ")
      .join("")
      .slice(0, 200);
    return eventOf({
      id: randomUUID(),
      actor: { type: "user", id: short, name: short },
      target: { type: "document", id: short, name: short },
      outcome: { status: "failure", message: text, result: { html: text, "<b>": [text.slice(0, 2_000)] } },
      details: { text, __proto__x: text.slice(0, 100), '<img src=x onerror="alert(6)">': 1 },
      labels: { "<i>": short, plain: short },
      context: { sessionId: short.slice(0, 100), userAgent: short, ipAddress: short.slice(0, 40) },
      proof: { type: "url", url: short.startsWith("javascript:") ? short : "javascript:alert(7)" },
      activity: { type: "tool", name: short.slice(0, 100), tool: { name: short.slice(0, 100), parameters: { text } } },
    });
  });
}
