import type { AuditEventDefinitions } from "./event-definition.ts";

/** What happens to the system itself. Spread it into {@link defineAuditEvents}. */
export const SYSTEM_EVENTS = {
  systemConfigUpdate: {
    action: "system.config.update",
    resourceType: "system",
    severity: "warning",
    description: "The configuration of the system was changed.",
  },
  systemMaintenance: { action: "system.maintenance", resourceType: "system", severity: "notice", description: "Maintenance took place." },
} as const satisfies AuditEventDefinitions;
