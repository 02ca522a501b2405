import type { AuditEventDefinitions } from "./event-definition.ts";

/**
 * Who gets in, and by what. Spread it into {@link defineAuditEvents}. The resource of a login, a password and a second factor is the account, whose id is
 * personal data: also the name that was tried in vain. That of a token is the token: pass its id, never the token itself.
 */
export const AUTH_EVENTS = {
  authLogin: { action: "auth.login", resourceType: "account", description: "Somebody logged in." },
  authLogout: { action: "auth.logout", resourceType: "account", description: "Somebody logged out." },
  authLoginFailed: {
    action: "auth.login.failed",
    resourceType: "account",
    outcome: "failure",
    severity: "warning",
    description: "A login failed.",
    secret: ["password"],
  },
  authPasswordChanged: {
    action: "auth.password.changed",
    resourceType: "account",
    severity: "notice",
    description: "A password was changed.",
    secret: ["password", "oldPassword", "newPassword"],
  },
  authMfaEnabled: {
    action: "auth.mfa.enabled",
    resourceType: "account",
    severity: "notice",
    description: "A second factor was added.",
    secret: ["secret"],
  },
  authMfaDisabled: {
    action: "auth.mfa.disabled",
    resourceType: "account",
    severity: "warning",
    description: "A second factor was removed.",
  },
  authTokenCreated: {
    action: "auth.token.created",
    resourceType: "token",
    severity: "notice",
    description: "A token was made.",
    secret: ["token", "secret"],
  },
  authTokenRevoked: {
    action: "auth.token.revoked",
    resourceType: "token",
    severity: "notice",
    description: "A token was made worthless.",
    secret: ["token", "secret"],
  },
} as const satisfies AuditEventDefinitions;
