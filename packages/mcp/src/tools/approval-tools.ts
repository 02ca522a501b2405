import { randomUUID } from "node:crypto";
import { AuditError, AuditEventInputSchema } from "@vouchtrail/events";
import { z } from "zod";
import type { McpCaller } from "../caller.ts";
import { COMMON_INPUT, commonMembers } from "./action-tools.ts";
import { addTool, type ToolPlace } from "./tool.ts";
import { RecordedSchema } from "./written-event.ts";

const ANSWERS = {
  approved: { action: "ai.approval_approved", status: "success" },
  rejected: { action: "ai.approval_rejected", status: "denied" },
  expired: { action: "ai.approval_expired", status: "failure" },
} as const;
type Answered = keyof typeof ANSWERS;

const ApprovalIdSchema = z.string().min(1).max(128);
const NameSchema = z.string().min(1).max(128).describe("What is to be allowed, in a few words: deploy-to-production.");
const ApproverSchema = AuditEventInputSchema.shape.activity
  .unwrap()
  .shape.approval.unwrap()
  .shape.approver.unwrap()
  .describe('Who decided: { "type": "user", "id": … }; also "rule" or "hook" for a program that decides. Never you.');

/** `request_approval` and `resolve_approval`. Rules: MCP-23, MCP-24. */
export function addApprovalTools(place: ToolPlace): void {
  const { caller } = place;

  addTool(
    place,
    {
      name: "request_approval",
      title: "Request an approval",
      description:
        "Records that you ask somebody to allow something, and exactly what you show them. It asks nobody: put the question to the person yourself, wait for the answer, and record it with resolve_approval. Call it before you do what needs the approval.",
      scope: "ingest",
      isIdempotent: false,
      input: z.strictObject({
        name: NameSchema,
        shown: z.unknown().describe("What the person is shown before they decide: the command, the text, the amounts."),
        approvalId: ApprovalIdSchema.optional().describe("An id of your own. Default: a new one."),
        ...COMMON_INPUT,
      }),
      output: RecordedSchema.extend({ approvalId: z.string().describe("Pass it to resolve_approval.") }),
    },
    async ({ name, shown, approvalId = randomUUID(), ...common }, call) => {
      const members = commonMembers({ ...common, context: { ...common.context, approvalId } }, place, call);
      const recorded = await caller.log.record({
        ...members,
        action: "ai.approval_created",
        target: { type: "approval", id: approvalId },
        outcome: { status: "pending" },
        activity: { type: "approval", name, approval: { state: "created", ...(shown === undefined ? {} : { shown }) } },
      });
      return { ...recorded, approvalId };
    },
  );

  addTool(
    place,
    {
      name: "resolve_approval",
      title: "Resolve an approval",
      description:
        "Records the answer to a request for approval: who decided, and what. You cannot approve or reject anything yourself; only tell what another one decided. Do not call it before somebody has answered. The trail shows that you told it.",
      scope: "ingest",
      isIdempotent: false,
      input: z.strictObject({
        approvalId: ApprovalIdSchema.describe("From request_approval."),
        state: z.enum(Object.keys(ANSWERS) as [Answered, ...Answered[]]).describe("expired: nobody answered in time."),
        approver: ApproverSchema.optional().describe("Who decided; left out only for expired. Never you."),
        name: NameSchema.optional(),
        reason: z.string().optional().describe("What they said."),
        ...COMMON_INPUT,
      }),
      output: RecordedSchema.extend({ approvalId: z.string() }),
    },
    async ({ approvalId, state, approver, name = "approval", reason, ...common }, call) => {
      checkApprover(approver, state, caller);
      const { action, status } = ANSWERS[state];
      const members = commonMembers({ ...common, context: { ...common.context, approvalId } }, place, call);
      const recorded = await caller.log.record({
        ...members,
        action,
        target: { type: "approval", id: approvalId },
        outcome: { status, ...(reason === undefined ? {} : { message: reason }) },
        activity: { type: "approval", name, approval: { state, ...(approver === undefined ? {} : { approver }) } },
      });
      return { ...recorded, approvalId };
    },
  );
}

/** Who asks does not answer: the same name is refused whatever it says of its type, and however it is written. */
function checkApprover(
  approver: { readonly type: string; readonly id: string } | undefined,
  state: Answered,
  { agentId }: McpCaller,
): void {
  if (state !== "expired" && (approver === undefined || approver.type.trim() === "" || approver.id.trim() === ""))
    throw new AuditError("EVENT_INVALID", { path: "approver", message: "An approval that was given or refused must name who decided." });
  if (approver !== undefined && plain(approver.id) === plain(agentId))
    throw new AuditError("ACTOR_FORBIDDEN", {
      path: "approver",
      message: "You cannot answer your own request. Ask a person, and name who decided.",
    });
}

function plain(id: string): string {
  return id.normalize("NFKC").trim().toLowerCase();
}
