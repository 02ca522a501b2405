import type { AuditEventInput } from "@vouchtrail/events";

/** An event that names everything, as a well-kept sender would: nothing is left for the server to fill in. */
export type BenchEvent = AuditEventInput & { readonly id: string; readonly occurredAt: string };

/** One request body, with what was put into it. */
export interface Body {
  readonly bytes: Buffer;
  readonly count: number;
}

/** When the events happen: the first one, and how long each is after the one before on average. */
export interface EventTimes {
  /** Unix time in milliseconds. */
  readonly firstMs: number;
  readonly stepMs: number;
}

export interface EventSource {
  next(): BenchEvent;
  /** A JSON array of `count` events; a single object for one. */
  body(count: number): Body;
}

const AGENTS = 400;
const USERS = 20_000;
const SHARE_AGENTS = 0.6;
/** Share of the events that hold a secret for redaction to find. */
const SHARE_SECRETS = 0.03;
const TIMES: EventTimes = { firstMs: Date.UTC(2026, 0, 5, 8), stepMs: 10 };

const REPOSITORIES = ["billing-api", "warehouse", "checkout", "mobile-app", "search", "ledger-tools", "design-system", "edge-router"];
const COMMANDS = [
  "git log --oneline -10 -- packages/checkout",
  "npm test -- --reporter=dot packages/billing",
  "kubectl get pods -n staging -o wide --sort-by=.status.startTime",
  "grep -rn 'retryDelay' src --include='*.ts' | head -40",
  "docker compose logs --since 15m worker | tail -n 200",
  "psql -c 'select status, count(*) from jobs group by status order by 2 desc'",
];
const PROSE = (
  "the deployment was rolled out to two regions after the checks had passed and nobody objected within the agreed time so the remaining " +
  "regions followed an hour later with the error rate unchanged and the queue empty while one worker restarted because its memory limit " +
  "was reached during a nightly report that reads every order of the month before it writes a summary for the finance team"
).split(" ");
const RESOURCES = ["project", "invoice", "subscription", "webhook_endpoint", "report", "role", "member"] as const;
const VERBS = ["created", "updated", "deleted", "viewed", "exported", "archived"] as const;
const MODELS = ["claude-sonnet-4-5", "claude-opus-4-5", "gpt-5-mini"];

/**
 * Events as a mixed installation sends them: 60 % of agents (tool, skill, external and decision activities with parameters, usage and context),
 * 40 % of applications (changes, labels, address and browser). About 1.2 KB of JSON each; the same seed gives the same events.
 */
export function createEventSource(seed: number, { firstMs, stepMs }: EventTimes = TIMES): EventSource {
  const random = createRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const chance = (share: number): boolean => random() < share;
  const hex = (chars: number): string => Array.from({ length: chars }, () => below(16).toString(16)).join("");
  const letters = (chars: number): string => Array.from({ length: chars }, () => below(36).toString(36)).join("");
  const prose = (words: number): string => {
    const from = below(PROSE.length);
    return Array.from({ length: words }, (_, i) => PROSE[(from + i) % PROSE.length]).join(" ");
  };
  const sessions = Array.from({ length: 2_000 }, () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`);
  let timeMs = firstMs;
  let sequence = 0;

  function uuidv7(): string {
    const time = timeMs.toString(16).padStart(12, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-${pick(["8", "9", "a", "b"])}${hex(3)}-${hex(12)}`;
  }

  function secretText(): string {
    // Put together here, so that no tool takes the source of this benchmark for a leak.
    return pick([
      `curl -H 'Authorization: Bearer ${letters(40)}' https://api.example.org/v2/jobs`,
      `export GITHUB_TOKEN=gh${"p_"}${letters(36)}`,
      `DATABASE_PASSWORD=${letters(18)} ./migrate`,
    ]);
  }

  function next(): BenchEvent {
    // Never more than a step off, so that many events end when they should.
    timeMs = Math.round(firstMs + sequence * stepMs + random() * stepMs);
    sequence += 1;
    const hasSecret = chance(SHARE_SECRETS);
    return chance(SHARE_AGENTS) ? agentEvent(hasSecret) : applicationEvent(hasSecret);
  }

  function agentEvent(hasSecret: boolean): BenchEvent {
    const agent = below(AGENTS);
    const session = pick(sessions);
    const failed = chance(0.06);
    const kind = below(10);
    const repository = pick(REPOSITORIES);
    const command = hasSecret ? secretText() : pick(COMMANDS);
    const parameters = { command, description: prose(7), cwd: `/srv/build/${repository}` };
    const activity: NonNullable<AuditEventInput["activity"]> =
      kind < 6
        ? { type: "tool", name: "Bash", tool: { name: "Bash", parameters } }
        : kind < 8
          ? {
              type: "skill",
              name: "postgres",
              skill: { name: "postgres", operation: "query", parameters: { ...parameters, tablesAccessed: ["orders", "shipments"] } },
            }
          : kind < 9
            ? {
                type: "external",
                name: "web_search",
                external: { type: "web_search", target: prose(9), parameters: { ...parameters, resultCount: 10 } },
              }
            : {
                type: "decision",
                name: "rollback_recommendation",
                decision: {
                  question: prose(10),
                  optionsConsidered: [
                    { option: "rollback", reasoning: hasSecret ? command : prose(10), score: 0.85 },
                    { option: "hotfix", reasoning: prose(6), score: 0.6 },
                  ],
                  chosen: "rollback",
                  confidence: 0.85,
                },
              };
    return {
      id: uuidv7(),
      occurredAt: new Date(timeMs).toISOString(),
      action: kind < 6 ? "ai.tool_call" : kind < 8 ? "ai.skill_call" : kind < 9 ? "ai.external_call" : "ai.decision",
      actor: { type: "agent", id: `ops/agent-${agent}`, name: `Agent ${agent}`, onBehalfOf: [{ type: "user", id: `u-${below(USERS)}` }] },
      target: { type: "repository", id: repository },
      outcome: failed
        ? { status: "failure", code: "EXIT_1", message: prose(12), result: { exitCode: 1 } }
        : { status: "success", result: { exitCode: 0, outputLines: below(400), outputPreview: prose(7) } },
      labels: { environment: pick(["production", "staging"]), lane: `lane-${below(12)}`, platform: "claude-code" },
      activity,
      usage: {
        tokensInput: below(40_000),
        tokensOutput: below(2_000),
        durationMs: below(9_000),
        costUsd: below(9_000) / 100_000,
        model: pick(MODELS),
      },
      security: {
        permissionLevel: pick(["readonly", "read-write"]),
        resourcesAccessed: [{ type: "git_repository", identifier: `/srv/build/${repository}` }],
        sensitiveDataAccessed: chance(0.02),
      },
      context: {
        sessionId: session,
        conversationId: `conversation-${session.slice(0, 8)}`,
        callId: `toolu_${letters(24)}`,
        traceId: hex(32),
        spanId: hex(16),
      },
      source: { name: "agent-runner", instance: "runner-1", sequence },
    };
  }

  function applicationEvent(hasSecret: boolean): BenchEvent {
    const user = below(USERS);
    const resource = pick(RESOURCES);
    const verb = pick(VERBS);
    const targetId = resource === "member" ? `u-${below(USERS)}` : `${resource}-${below(500_000)}`;
    const note = hasSecret ? secretText() : prose(8);
    return {
      id: uuidv7(),
      occurredAt: new Date(timeMs).toISOString(),
      action: `${resource}.${verb}`,
      actor: { type: "user", id: `u-${user}`, name: `Member ${user}`, email: `member.${user}@example.org` },
      target: { type: resource, id: targetId, name: prose(4) },
      outcome: chance(0.03) ? { status: "denied", code: "ROLE_MISSING", message: prose(9) } : { status: "success" },
      changes: {
        before: { title: prose(5), status: "draft", amount: below(100_000), reviewers: [`u-${below(USERS)}`] },
        after: { title: prose(5), status: "published", amount: below(100_000), reviewers: [`u-${below(USERS)}`] },
        fields: ["title", "status", "amount", "reviewers"],
      },
      details: {
        note,
        plan: pick(["team", "business"]),
        requestPath: `/api/projects/${below(9_000)}/${resource}s`,
        featureFlags: ["new-editor"],
      },
      labels: { environment: "production", region: pick(["eu-central", "us-east"]), service: "web" },
      context: {
        sessionId: pick(sessions),
        requestId: `req_${letters(22)}`,
        traceId: hex(32),
        spanId: hex(16),
        ipAddress: `198.51.${below(256)}.${below(256)}`,
        userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36",
      },
      source: { name: "web", instance: "web-3", sequence },
    };
  }

  return {
    next,
    body(count) {
      if (count === 1) return { bytes: Buffer.from(JSON.stringify(next())), count };
      return { bytes: Buffer.from(JSON.stringify(Array.from({ length: count }, next))), count };
    },
  };
}

/** Mulberry32: 32 bits of state, good enough for test data and the same on every machine. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
