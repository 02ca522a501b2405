import type { AuditEventDefinitions } from "./event-definition.ts";

/** What happens to a member of a group. Spread it into {@link defineAuditEvents}. The id of a member is personal data. */
export const MEMBER_EVENTS = {
  memberAdd: { action: "member.add", resourceType: "member", description: "A member was added." },
  memberRemove: { action: "member.remove", resourceType: "member", severity: "notice", description: "A member was removed." },
  memberUpdate: { action: "member.update", resourceType: "member", description: "A member was changed." },
  memberRoleUpdate: {
    action: "member.role.update",
    resourceType: "member",
    severity: "notice",
    description: "The roles of a member were changed.",
  },
} as const satisfies AuditEventDefinitions;
