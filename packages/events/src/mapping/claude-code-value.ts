import type { JsonObject } from "../event.ts";
import { isObject } from "./json-object.ts";

// Without the schemas of the event: what reads hooks runs inside applications too.

/** The value where it is an object: not null, not a list. */
export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}
/** Text that is not empty. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
/** A count or a duration: finite and not below zero. */
export function asAmount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
