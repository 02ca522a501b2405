import { AuditError, AuditEventInputSchema, EventIdSchema } from "@vouchtrail/events";
import { z } from "zod";
import { COMMON_INPUT, commonMembers } from "./action-tools.ts";
import type { EffectMemory, Intent } from "./effect-memory.ts";
import { addTool, type ToolPlace } from "./tool.ts";
import {
  ActionInputSchema,
  OutcomeInputSchema,
  ProofInputSchema,
  RecordedSchema,
  TargetInputSchema,
  UsageInputSchema,
} from "./written-event.ts";

const EffectIdSchema = EventIdSchema.describe("From open_effect.");
const ENDED = ["success", "failure", "partial", "denied"] as const;

/** `open_effect` and `close_effect`. Both entries tell of one deed (DEED-1), which counts once. Rules: MCP-20 to MCP-22. */
export function addEffectTools(place: ToolPlace, memory: EffectMemory): void {
  const { caller } = place;

  addTool(
    place,
    {
      name: "open_effect",
      title: "Open an effect",
      description:
        "Records what you are about to do, before you do it. Use it for side effects outside this conversation: deploying, sending, paying, deleting. Then do it, and call close_effect with the effectId and your proof, also when it failed. An effect that is never closed stays visible as open.",
      scope: "ingest",
      isIdempotent: false,
      input: z.strictObject({ action: ActionInputSchema, target: TargetInputSchema, ...COMMON_INPUT }),
      output: RecordedSchema.extend({ effectId: z.string().describe("Pass it to close_effect.") }),
    },
    async ({ action, target, ...common }, call) => {
      const members = commonMembers(common, place, call);
      const recorded = await caller.log.record({ ...members, action, target, phase: "intent", outcome: { status: "pending" } });
      memory.remember(recorded.id, { action, target, context: members.context });
      return { ...recorded, effectId: recorded.id };
    },
  );

  addTool(
    place,
    {
      name: "close_effect",
      title: "Close an effect",
      description:
        "Records how an effect ended that you opened with open_effect, with your proof. Call it also when the effect failed or was only done in part.",
      scope: "ingest",
      isIdempotent: false,
      input: z.strictObject({
        effectId: EffectIdSchema,
        outcome: OutcomeInputSchema.extend({ status: z.enum(ENDED) }),
        proof: ProofInputSchema.optional(),
        usage: UsageInputSchema.optional(),
        action: ActionInputSchema.optional().describe(
          "Only when you are told that the effect is not known here: as you gave it to open_effect.",
        ),
        target: TargetInputSchema.optional().describe("As action."),
        id: COMMON_INPUT.id,
        occurredAt: COMMON_INPUT.occurredAt,
        labels: COMMON_INPUT.labels,
        details: COMMON_INPUT.details,
      }),
      output: RecordedSchema.extend({ effectId: z.string() }),
    },
    async ({ effectId, outcome, proof, usage, action, target, ...common }, call) => {
      const intent = memory.intentOf(effectId) ?? (await readIntent(effectId)) ?? given(action, target);
      const members = commonMembers({ ...common, context: { ...intent.context, parentEventId: effectId } }, place, call);
      const recorded = await caller.log.record({
        ...members,
        action: intent.action,
        ...(intent.target === undefined ? {} : { target: intent.target }),
        phase: "outcome",
        outcome,
        proof: proof ?? { type: "none" },
        ...(usage === undefined ? {} : { usage }),
      });
      return { ...recorded, effectId };
    },
  );

  /** The intent as the trail has it; undefined where nothing can be read or it is not there yet. @throws {AuditError} `ACTOR_FORBIDDEN`, `EVENT_INVALID`. */
  async function readIntent(effectId: string): Promise<Intent | undefined> {
    if (caller.reader === undefined || !caller.scopes.has("read")) return undefined;
    let event: Record<string, unknown>;
    try {
      ({ event } = await caller.reader.get(effectId));
    } catch (error) {
      if (error instanceof AuditError && (error.code === "NOT_FOUND" || error.code === "TRAIL_UNREACHABLE")) return undefined;
      throw error;
    }
    const { shape } = AuditEventInputSchema;
    const actor = shape.actor.safeParse(event.actor);
    // Where the id was erased nobody can say any more whose effect it was.
    if (actor.success && (actor.data.type !== "agent" || actor.data.id !== caller.agentId))
      throw new AuditError("ACTOR_FORBIDDEN", {
        path: "effectId",
        message: "This effect was opened by somebody else: only they can close it.",
      });
    if (event.phase !== "intent")
      throw new AuditError("EVENT_INVALID", {
        path: "effectId",
        message: "This is no effect. Give the effectId that open_effect returned.",
      });
    const action = shape.action.safeParse(event.action);
    const target = shape.target.safeParse(event.target);
    const context = shape.context.safeParse(event.context);
    if (!action.success) return undefined;
    return {
      action: action.data,
      ...(target.success && target.data !== undefined ? { target: target.data } : {}),
      ...(context.success && context.data !== undefined ? { context: context.data } : {}),
    };
  }
}

function given(action: string | undefined, target: Intent["target"]): Intent {
  if (action !== undefined && target !== undefined) return { action, target };
  throw new AuditError("NOT_FOUND", {
    path: "effectId",
    message: "No effect with this id is known here. Check the id, or give action and target as you gave them to open_effect.",
  });
}
