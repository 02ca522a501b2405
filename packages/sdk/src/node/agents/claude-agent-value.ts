/** An object of the framework, of which nothing is known for certain. */
export type Members = Readonly<Record<string, unknown>>;

/** The member where it is an object: not null, not a list. */
export function membersAt(object: Members | undefined, name: string): Members | undefined {
  const value = object?.[name];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

/** The member where it is text that is not empty. */
export function textAt(object: Members | undefined, name: string): string | undefined {
  const value = object?.[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The member where it is a number. */
export function numberAt(object: Members | undefined, name: string): number | undefined {
  const value = object?.[name];
  return typeof value === "number" ? value : undefined;
}
