import type { AuditEventDefinitions } from "./event-definition.ts";

/** What happens to a guild. Spread it into {@link defineAuditEvents}. */
export const GUILD_EVENTS = {
  guildCreate: { action: "guild.create", resourceType: "guild", description: "A guild was created." },
  guildUpdate: { action: "guild.update", resourceType: "guild", description: "A guild was changed." },
  guildDelete: { action: "guild.delete", resourceType: "guild", severity: "warning", description: "A guild was deleted." },
  guildSettingsUpdate: { action: "guild.settings.update", resourceType: "guild", description: "The settings of a guild were changed." },
  guildFlagsUpdate: { action: "guild.flags.update", resourceType: "guild", description: "The flags of a guild were changed." },
} as const satisfies AuditEventDefinitions;
