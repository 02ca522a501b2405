import { AuditError, fromClaudeCodeHook, nearestName } from "@vouchtrail/events";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Intake } from "../intake/intake.ts";
import { defaultTenant, type Principal } from "../intake/principal.ts";
import type { Recorder } from "../recorder.ts";
import { JSON_TYPE } from "./answer.ts";
import type { Guard } from "./guard.ts";
import { bodyOf, parseForeignJson } from "./request-body.ts";

export interface HookRouteDeps {
  readonly guard: Guard;
  readonly intake: Intake;
  readonly recorder: Recorder;
}

/** Agents whose hooks post the shape of Claude Code's. */
const AGENTS = ["claude-code", "codex", "copilot"] as const;
/** An answer that decides nothing: the agent goes on as if there were no hook. */
const NOTHING = "{}";

/**
 * Takes what the hooks of coding agents post. The answer comes when the event is on stable storage, and never decides anything: an agent is not blocked by being audited. What cannot be stored is an
 * error that agents pass over. Rule: HOOK-1.
 */
export function addHookRoutes(app: FastifyInstance, { guard, intake, recorder }: HookRouteDeps): void {
  const writers = new WeakMap<FastifyRequest, Principal>();
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    writers.set(request, await guard.authorize(request, "ingest"));
  };

  app.post<{ Params: { agent: string } }>("/hooks/:agent", { onRequest }, async (request, reply) => {
    const principal = writers.get(request);
    if (principal === undefined) throw new Error("A route that writes has no authorisation.");
    const agentId = agentOf(request.params.agent);
    const { value, repairCount } = parseForeignJson(bodyOf(request));
    const event = fromClaudeCodeHook(value, { tenant: defaultTenant(principal), agentId });
    if (repairCount > 0) recorder.count("INPUT_REPAIRED", repairCount);
    const { errors } = await intake.acceptValues([event], { principal, via: "hook" });
    const [fault] = errors;
    if (fault !== undefined) throw new AuditError(fault.code, { path: fault.path, message: fault.message });
    return reply.type(JSON_TYPE).send(NOTHING);
  });
}

function agentOf(name: string): string {
  const known = AGENTS.find((agent) => agent === name);
  if (known !== undefined) return known;
  const nearest = nearestName(name, AGENTS);
  const guess = nearest === undefined ? "" : ` Did you mean /hooks/${nearest}?`;
  throw new AuditError("NOT_FOUND", { message: `No hooks are taken here under this name.${guess} There are: ${AGENTS.join(", ")}.` });
}
