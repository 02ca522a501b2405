import type { AuditEventDefinitions } from "./event-definition.ts";

/** What a user does with the own account. Spread it into {@link defineAuditEvents}. */
export const USER_EVENTS = {
  userLogin: { action: "user.login", resourceType: "user", description: "A user logged in." },
  userLogout: { action: "user.logout", resourceType: "user", description: "A user logged out." },
  userPreferencesUpdate: { action: "user.preferences.update", resourceType: "user", description: "A user changed preferences." },
} as const satisfies AuditEventDefinitions;
