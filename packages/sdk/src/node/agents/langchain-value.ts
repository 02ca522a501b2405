/** Anything that has members, whoever made it. */
export type Members = Readonly<Record<string, unknown>>;

/** The value where it has members, also an array; else undefined. */
export function membersOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null ? (value as Members) : undefined;
}

/** Text and numbers as text; of anything else, and of nothing, undefined. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
