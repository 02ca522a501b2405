import {
  AuditError,
  type AuditEventInput,
  fromClaudeCodeHook,
  fromCopilotHook,
  fromCursorHook,
  fromGeminiCliHook,
  fromOpencodeHook,
  type HookOptions,
  nearestName,
  type Redactor,
} from "@vouchtrail/events";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Intake } from "../intake/intake.ts";
import { defaultTenant, type Principal } from "../intake/principal.ts";
import type { Recorder } from "../recorder.ts";
import { JSON_TYPE } from "./answer.ts";
import type { Guard } from "./guard.ts";
import { answerWithoutSecrets, NOTHING } from "./hook-answer.ts";
import { type HookHeaders, readHookHeaders } from "./hook-headers.ts";
import { createHookPairing } from "./hook-pairing.ts";
import { bodyOf, parseForeignJson } from "./request-body.ts";

export interface HookRouteDeps {
  readonly guard: Guard;
  readonly intake: Intake;
  readonly recorder: Recorder;
  /** Takes secrets out of the output of tools before the model sees it; absent: outputs are left alone. */
  readonly toolOutputRedactor?: Redactor;
}

type HookMapping = (payload: unknown, options: HookOptions, hookName: string | undefined) => AuditEventInput;

/** The agents, each with how its hooks are read. Codex posts the shape of Claude Code. */
const AGENTS: Readonly<Record<string, HookMapping>> = {
  "claude-code": fromClaudeCodeHook,
  codex: (payload, options) => fromClaudeCodeHook(payload, { agentId: "codex", ...options }),
  copilot: (payload, options, hookName) => fromCopilotHook(payload, { ...options, ...(hookName === undefined ? {} : { hookName }) }),
  cursor: fromCursorHook,
  "gemini-cli": fromGeminiCliHook,
  opencode: fromOpencodeHook,
};

/** The names under which hooks are taken. */
export const HOOK_AGENTS: readonly string[] = Object.keys(AGENTS);

/**
 * Takes what the hooks of coding agents post. The answer comes when the event is on stable storage, and never decides anything: an agent is not blocked by being audited. What cannot be stored is an
 * error that agents pass over. Rules: HOOK-1 to HOOK-4, HOOK-20 to HOOK-22.
 */
export function addHookRoutes(app: FastifyInstance, { guard, intake, recorder, toolOutputRedactor }: HookRouteDeps): void {
  const writers = new WeakMap<FastifyRequest, Principal>();
  const pairing = createHookPairing();
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    writers.set(request, await guard.authorize(request, "ingest"));
  };

  app.post<{ Params: { agent: string }; Querystring: { event?: unknown } }>("/hooks/:agent", { onRequest }, async (request, reply) => {
    const principal = writers.get(request);
    if (principal === undefined) throw new Error("A route that writes has no authorisation.");
    const platform = agentOf(request.params.agent);
    const headers = readHookHeaders(request.headers);
    const body = bodyOf(request);
    const { value, repairCount } = parseForeignJson(body);
    const { event: hookName } = request.query;
    const from = { tenant: defaultTenant(principal), platform, headers, hookName: typeof hookName === "string" ? hookName : undefined };
    const event = pairing.join(eventOf(value, from), { platform, hookId: headers.id });
    if (repairCount > 0) recorder.count("INPUT_REPAIRED", repairCount);
    const { errors } = await intake.acceptValues([event], { principal, via: "hook" });
    const [fault] = errors;
    if (fault !== undefined) throw new AuditError(fault.code, { path: fault.path, message: fault.message });
    return reply.type(JSON_TYPE).send(toolOutputRedactor === undefined ? NOTHING : answerWithoutSecrets(body, toolOutputRedactor));
  });
}

interface HookSender {
  readonly tenant: string;
  readonly platform: string;
  readonly headers: HookHeaders;
  readonly hookName: string | undefined;
}

function eventOf(value: unknown, { tenant, platform, headers, hookName }: HookSender): AuditEventInput {
  const { id, occurredAt, agentId, sessionId, trace } = headers;
  const read = AGENTS[platform];
  if (read === undefined) throw new Error("Every agent has a mapping.");
  const map = (payload: unknown, options: HookOptions = {}): AuditEventInput => read(payload, { tenant, ...options }, hookName);
  const named = map(value);
  // The payload's own session is the agent's, and goes before.
  const payload = sessionId !== undefined && named.context?.sessionId === undefined ? withSession(value, sessionId) : value;
  const event = payload === value ? named : map(payload);
  return {
    ...event,
    ...(id === undefined ? {} : { id }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
    ...(agentId === undefined ? {} : { actor: map(payload, { agentId }).actor }),
    ...(trace === undefined || event.context?.traceId !== undefined
      ? {}
      : { context: { ...event.context, traceId: trace.traceId, spanId: trace.spanId } }),
  };
}

function withSession(value: unknown, sessionId: string): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value, session_id: sessionId } : value;
}

/** @returns the name in the path, which is also the platform. */
function agentOf(name: string): string {
  if (Object.hasOwn(AGENTS, name)) return name;
  const names = HOOK_AGENTS;
  const nearest = nearestName(name, names);
  const guess = nearest === undefined ? "" : ` Did you mean /hooks/${nearest}?`;
  throw new AuditError("NOT_FOUND", { message: `No hooks are taken here under this name.${guess} There are: ${names.join(", ")}.` });
}
