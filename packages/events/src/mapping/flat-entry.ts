import { AuditError } from "../errors.ts";
import type { JsonObject } from "../event.ts";
import { isObject } from "./json-object.ts";

/** One thing that a flat entry must have: the member, and what is expected of it. */
export interface Need {
  readonly member: string;
  readonly expected: string;
  readonly isMet: (value: unknown) => boolean;
}

/**
 * The error of an entry that does not meet all `needs`. It names every fault at once, and no value.
 *
 * @param shape The name of the shape, for the message.
 * @returns `SHAPE_INVALID`, with the path of the first fault.
 */
export function unmetNeeds(shape: string, entry: unknown, needs: readonly Need[]): AuditError {
  if (!isObject(entry))
    return new AuditError("SHAPE_INVALID", { path: "", message: `The entry: expected an object of the shape ${shape}.` });
  const unmet = needs.filter(({ member, isMet }) => !isMet(entry[member]));
  return new AuditError("SHAPE_INVALID", {
    path: unmet[0]?.member ?? "",
    message: unmet.map(({ member, expected }) => `${member}: expected ${expected}`).join("; "),
  });
}

/** `object`, or a new one, with a member added. A member named __proto__ stays a member. */
export function withMember(object: JsonObject | undefined, key: string, value: unknown): JsonObject {
  const target = object ?? {};
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
  return target;
}

/** The members of `value` that have a place and fit it, and the others. Members without a value are in neither. */
export function parted(
  value: JsonObject,
  places: Readonly<Record<string, (value: unknown) => boolean>>,
): { placed: JsonObject; rest: JsonObject | undefined } {
  const placed: JsonObject = {};
  let rest: JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    if (Object.hasOwn(places, key) && places[key]?.(member) === true) placed[key] = member;
    else rest = withMember(rest, key, member);
  }
  return { placed, rest };
}

/** `base` with the members of `rest` put back: objects on both sides are merged, anything else is replaced. */
export function mergeRest(base: JsonObject, rest: unknown): JsonObject {
  if (!isObject(rest)) return base;
  let merged: JsonObject = {};
  for (const key of Object.keys(base)) merged = withMember(merged, key, base[key]);
  for (const key of Object.keys(rest)) {
    const own = Object.hasOwn(merged, key) ? merged[key] : undefined;
    const value = rest[key];
    merged = withMember(merged, key, isObject(own) && isObject(value) ? mergeRest(own, value) : value);
  }
  return merged;
}

/** `details` without the reserved keys, or undefined when there is nothing but those. */
export function withoutReserved(details: JsonObject | undefined, reserved: readonly string[]): JsonObject | undefined {
  if (details === undefined) return undefined;
  if (!reserved.some((key) => Object.hasOwn(details, key))) return details;
  let left: JsonObject | undefined;
  for (const key of Object.keys(details)) if (!reserved.includes(key)) left = withMember(left, key, details[key]);
  return left;
}
