import type { JsonObject } from "../../event.ts";
import { parseExactJson } from "../exact-json.ts";

/** Text of an attribute that is not empty; numbers and booleans are written out. */
export function textAt(attributes: JsonObject, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
  }
  return undefined;
}

/** A finite number that is not below zero; agents send many of them as text. */
export function amountAt(attributes: JsonObject, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = attributes[name];
    const number = typeof value === "string" && /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && number >= 0) return number;
  }
  return undefined;
}

/** An amount without a fraction that is exact. */
export function countAt(attributes: JsonObject, ...names: readonly string[]): number | undefined {
  const amount = amountAt(attributes, ...names);
  return amount !== undefined && Number.isSafeInteger(amount) ? amount : undefined;
}

/** A boolean; agents send many of them as text. */
export function booleanAt(attributes: JsonObject, name: string): boolean | undefined {
  const value = attributes[name];
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  return undefined;
}

/** A value that may be JSON as text: then what it holds, else the value itself. */
export function jsonAt(attributes: JsonObject, ...names: readonly string[]): unknown {
  for (const name of names) {
    const value = attributes[name];
    if (value === undefined) continue;
    if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
    try {
      const parsed = parseExactJson(value).value;
      return isShallow(parsed, JSON_DEPTH_MAX) ? parsed : value;
    } catch {
      // Cut by the sender, or nested too deeply for the stack: the text says what can be said.
      return value;
    }
  }
  return undefined;
}

/** Levels of JSON in an attribute that are taken apart: an event has at most 64 levels, and its place in the event takes some. */
const JSON_DEPTH_MAX = 48;

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}
