/**
 * Actions that are spelled in two ways: the constants that older programs write, and the same with dots in lower case. The list is closed: other
 * actions in capitals are what they are.
 */
const CONSTANTS = [
  "GUILD_CREATE",
  "GUILD_UPDATE",
  "GUILD_DELETE",
  "GUILD_SETTINGS_UPDATE",
  "GUILD_FLAGS_UPDATE",
  "MEMBER_ADD",
  "MEMBER_REMOVE",
  "MEMBER_UPDATE",
  "MEMBER_ROLE_UPDATE",
  "USER_LOGIN",
  "USER_LOGOUT",
  "USER_PREFERENCES_UPDATE",
  "ADMIN_ACCESS",
  "ADMIN_CONFIG_UPDATE",
  "SYSTEM_CONFIG_UPDATE",
  "SYSTEM_MAINTENANCE",
] as const;

/** The other spelling of an action, both ways: `GUILD_CREATE` and `guild.create`. */
export const ACTION_ALIASES: ReadonlyMap<string, string> = new Map(
  CONSTANTS.flatMap((constant): [string, string][] => {
    const dotted = constant.toLowerCase().replaceAll("_", ".");
    return [
      [constant, dotted],
      [dotted, constant],
    ];
  }),
);

/** All spellings of an action, the given one first. Rule: FILTER-6. */
export function actionSpellings(action: string): readonly string[] {
  const alias = ACTION_ALIASES.get(action);
  return alias === undefined ? [action] : [action, alias];
}
