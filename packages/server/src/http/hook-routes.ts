import { AuditError, type AuditEventInput, fromClaudeCodeHook, nearestName, type Redactor } from "@vouchtrail/events";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Intake } from "../intake/intake.ts";
import { defaultTenant, type Principal } from "../intake/principal.ts";
import type { Recorder } from "../recorder.ts";
import { JSON_TYPE } from "./answer.ts";
import type { Guard } from "./guard.ts";
import { answerWithoutSecrets, NOTHING } from "./hook-answer.ts";
import { type HookHeaders, readHookHeaders } from "./hook-headers.ts";
import { bodyOf, parseForeignJson } from "./request-body.ts";

export interface HookRouteDeps {
  readonly guard: Guard;
  readonly intake: Intake;
  readonly recorder: Recorder;
  /** Takes secrets out of the output of tools before the model sees it; absent: outputs are left alone. */
  readonly toolOutputRedactor?: Redactor;
}

/** Agents whose hooks post the shape of Claude Code's. */
const AGENTS = ["claude-code", "codex", "copilot"] as const;

/**
 * Takes what the hooks of coding agents post. The answer comes when the event is on stable storage, and never decides anything: an agent is not blocked by being audited. What cannot be stored is an
 * error that agents pass over. Rules: HOOK-1 to HOOK-4.
 */
export function addHookRoutes(app: FastifyInstance, { guard, intake, recorder, toolOutputRedactor }: HookRouteDeps): void {
  const writers = new WeakMap<FastifyRequest, Principal>();
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    writers.set(request, await guard.authorize(request, "ingest"));
  };

  app.post<{ Params: { agent: string } }>("/hooks/:agent", { onRequest }, async (request, reply) => {
    const principal = writers.get(request);
    if (principal === undefined) throw new Error("A route that writes has no authorisation.");
    const platform = agentOf(request.params.agent);
    const headers = readHookHeaders(request.headers);
    const body = bodyOf(request);
    const { value, repairCount } = parseForeignJson(body);
    const event = eventOf(value, { tenant: defaultTenant(principal), platform, headers });
    if (repairCount > 0) recorder.count("INPUT_REPAIRED", repairCount);
    const { errors } = await intake.acceptValues([event], { principal, via: "hook" });
    const [fault] = errors;
    if (fault !== undefined) throw new AuditError(fault.code, { path: fault.path, message: fault.message });
    return reply.type(JSON_TYPE).send(toolOutputRedactor === undefined ? NOTHING : answerWithoutSecrets(body, toolOutputRedactor));
  });
}

function eventOf(value: unknown, from: { tenant: string; platform: string; headers: HookHeaders }): AuditEventInput {
  const { tenant, platform } = from;
  const { id, occurredAt, agentId, sessionId } = from.headers;
  const payload = sessionId === undefined ? value : withSession(value, sessionId);
  const event = fromClaudeCodeHook(payload, { tenant, agentId: platform });
  return {
    ...event,
    ...(id === undefined ? {} : { id }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
    ...(agentId === undefined ? {} : { actor: fromClaudeCodeHook(payload, { agentId }).actor }),
  };
}

/** The payload's own session is the agent's, and goes before. */
function withSession(value: unknown, sessionId: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const isNamed = "session_id" in value && typeof value.session_id === "string" && value.session_id !== "";
  return isNamed ? value : { ...value, session_id: sessionId };
}

function agentOf(name: string): string {
  const known = AGENTS.find((agent) => agent === name);
  if (known !== undefined) return known;
  const nearest = nearestName(name, AGENTS);
  const guess = nearest === undefined ? "" : ` Did you mean /hooks/${nearest}?`;
  throw new AuditError("NOT_FOUND", { message: `No hooks are taken here under this name.${guess} There are: ${AGENTS.join(", ")}.` });
}
