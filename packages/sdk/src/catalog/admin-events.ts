import type { AuditEventDefinitions } from "./event-definition.ts";

/** What administrators do. Spread it into {@link defineAuditEvents}. */
export const ADMIN_EVENTS = {
  adminAccess: { action: "admin.access", resourceType: "admin", severity: "notice", description: "An administrator entered the system." },
  adminConfigUpdate: {
    action: "admin.config.update",
    resourceType: "admin",
    severity: "warning",
    description: "An administrator changed the configuration.",
  },
} as const satisfies AuditEventDefinitions;
