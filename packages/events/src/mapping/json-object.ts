import type { JsonObject } from "../event.ts";

/** Whether a JSON value is an object: not null, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of `object` that have a value. Keys are defined, not assigned, so one named __proto__ stays a key. */
export function present(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
