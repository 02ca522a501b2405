/**
 * Actions in the spelling of older programs, for `logAudit` and the emitter. The trail takes them verbatim and knows that `GUILD_CREATE` and
 * `guild.create` are one action: a search for either finds both. The ready catalogs record the dotted spelling. Rule: SDK-36.
 */
export const AuditAction = {
  GUILD_CREATE: "GUILD_CREATE",
  GUILD_UPDATE: "GUILD_UPDATE",
  GUILD_DELETE: "GUILD_DELETE",
  GUILD_SETTINGS_UPDATE: "GUILD_SETTINGS_UPDATE",
  GUILD_FLAGS_UPDATE: "GUILD_FLAGS_UPDATE",
  MEMBER_ADD: "MEMBER_ADD",
  MEMBER_REMOVE: "MEMBER_REMOVE",
  MEMBER_UPDATE: "MEMBER_UPDATE",
  MEMBER_ROLE_UPDATE: "MEMBER_ROLE_UPDATE",
  USER_LOGIN: "USER_LOGIN",
  USER_LOGOUT: "USER_LOGOUT",
  USER_PREFERENCES_UPDATE: "USER_PREFERENCES_UPDATE",
  ADMIN_ACCESS: "ADMIN_ACCESS",
  ADMIN_CONFIG_UPDATE: "ADMIN_CONFIG_UPDATE",
  SYSTEM_CONFIG_UPDATE: "SYSTEM_CONFIG_UPDATE",
  SYSTEM_MAINTENANCE: "SYSTEM_MAINTENANCE",
} as const;

export type AuditAction = (typeof AuditAction)[keyof typeof AuditAction];

/** All values of {@link AuditAction}. */
export const AUDIT_ACTIONS: ReadonlySet<string> = /* @__PURE__ */ new Set(Object.values(AuditAction));
