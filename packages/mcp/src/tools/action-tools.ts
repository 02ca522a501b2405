import type { AuditEventInput, Context } from "@vouchtrail/events";
import { z } from "zod";
import { addTool, type ToolCall, type ToolPlace } from "./tool.ts";
import {
  ActionInputSchema,
  ContextInputSchema,
  DecisionInputSchema,
  DetailsInputSchema,
  EventIdInputSchema,
  LabelsInputSchema,
  OccurredAtInputSchema,
  OutcomeInputSchema,
  ProofInputSchema,
  RecordedSchema,
  TargetInputSchema,
  UsageInputSchema,
} from "./written-event.ts";

/** Members that every tool that writes takes besides its own. */
export const COMMON_INPUT = {
  id: EventIdInputSchema.optional(),
  occurredAt: OccurredAtInputSchema.optional(),
  context: ContextInputSchema.optional(),
  labels: LabelsInputSchema.optional(),
  details: DetailsInputSchema.optional(),
};

interface Common {
  readonly id?: string | undefined;
  readonly occurredAt?: string | undefined;
  readonly context?: Context | undefined;
  readonly labels?: Record<string, string> | undefined;
  readonly details?: Record<string, unknown> | undefined;
}

/** The members of an event that come from the common input, the caller and its trace. The actor is always the bound agent. Rule: MCP-3. */
export function commonMembers(
  { id, occurredAt, context, labels, details }: Common,
  { caller }: Pick<ToolPlace, "caller">,
  { trace }: ToolCall,
): Pick<AuditEventInput, "actor" | "id" | "occurredAt" | "context" | "labels" | "details"> {
  return {
    actor: { type: "agent", id: caller.agentId },
    ...(id === undefined ? {} : { id }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
    context: { ...trace, ...context },
    ...(labels === undefined ? {} : { labels }),
    ...(details === undefined ? {} : { details }),
  };
}

/** `log_action` and `log_decision`. */
export function addActionTools(place: ToolPlace): void {
  const { log } = place.caller;

  addTool(
    place,
    {
      name: "log_action",
      title: "Log an action",
      description:
        "Records one thing that you did, after you did it, and returns the receipt of the audit trail. Use it for what matters to others later: changes of data, messages sent, money moved, access to personal data, and failures of these. For something that may be interrupted half way, use open_effect before and close_effect after instead.",
      scope: "ingest",
      isIdempotent: false,
      input: z.strictObject({
        action: ActionInputSchema,
        target: TargetInputSchema,
        outcome: OutcomeInputSchema,
        proof: ProofInputSchema.optional(),
        usage: UsageInputSchema.optional(),
        ...COMMON_INPUT,
      }),
      output: RecordedSchema,
    },
    async ({ action, target, outcome, proof, usage, ...common }, call) =>
      log.record({
        ...commonMembers(common, place, call),
        action,
        target,
        outcome,
        ...(proof === undefined ? {} : { proof }),
        ...(usage === undefined ? {} : { usage }),
      }),
  );

  addTool(
    place,
    {
      name: "log_decision",
      title: "Log a decision",
      description:
        "Records a choice that you made between options, with your reasons, and returns the receipt. Use it when somebody may later ask why: which design, which supplier, whether to refund, whether to escalate. Log it before you act on it.",
      scope: "ingest",
      isIdempotent: false,
      input: z.strictObject({
        name: z.string().min(1).max(128).describe("A short name for this kind of decision, such as refund-approval."),
        ...DecisionInputSchema.shape,
        target: TargetInputSchema.optional(),
        ...COMMON_INPUT,
      }),
      output: RecordedSchema,
    },
    async ({ name, question, optionsConsidered, chosen, confidence, target, ...common }, call) =>
      log.record({
        ...commonMembers(common, place, call),
        action: "ai.decision",
        ...(target === undefined ? {} : { target }),
        outcome: { status: "success" },
        activity: {
          type: "decision",
          name,
          decision: {
            question,
            chosen,
            ...(optionsConsidered === undefined ? {} : { optionsConsidered }),
            ...(confidence === undefined ? {} : { confidence }),
          },
        },
      }),
  );
}
