import { AuditError, type JsonObject } from "@vouchtrail/events";
import { OTLP_ATTRIBUTES_MAX, OTLP_VALUE_DEPTH_MAX } from "./limits.ts";

/** Counts what is left out of one record. */
export interface Dropped {
  count: number;
}

/** A JSON object of a request. @throws {AuditError} `BODY_INVALID` for anything else but nothing. */
export function objectOf(value: unknown, path: string): JsonObject {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw invalid(path, "an object");
  return value as JsonObject;
}

/** A list of a request. @throws {AuditError} `BODY_INVALID` for anything else but nothing. */
export function listOf(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(path, "an array");
  return value;
}

function invalid(path: string, expected: string): AuditError {
  return new AuditError("BODY_INVALID", { path, message: `${path}: expected ${expected}.` });
}

/**
 * Attributes as a plain object. Of a key that comes twice the last value counts, as in JSON.
 *
 * @throws {AuditError} `BODY_INVALID`: it is no list of keys and values.
 */
export function readAttributes(value: unknown, path: string, dropped: Dropped, levels: number = OTLP_VALUE_DEPTH_MAX): JsonObject {
  const list = listOf(value, path);
  dropped.count += Math.max(0, list.length - OTLP_ATTRIBUTES_MAX);
  // Object.fromEntries defines keys, so that one named __proto__ stays a key.
  return Object.fromEntries(
    list.slice(0, OTLP_ATTRIBUTES_MAX).map((member) => {
      const { key, value: inner } = objectOf(member, path);
      return [typeof key === "string" ? key : "", readAnyValue(inner, path, dropped, levels)];
    }),
  );
}

/**
 * A value as JSON: exact integers as numbers, others as decimal text, numbers that are none as text (`NaN`), bytes as base64, an empty value as null.
 *
 * @param levels Levels of lists and maps that may follow; deeper ones are null and counted.
 */
export function readAnyValue(value: unknown, path: string, dropped: Dropped, levels: number = OTLP_VALUE_DEPTH_MAX): unknown {
  const message = objectOf(value, path);
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = message;
  if (stringValue !== undefined && stringValue !== null) return String(scalarOf(stringValue, path));
  if (boolValue !== undefined && boolValue !== null) return boolValue === true || boolValue === "true";
  if (intValue !== undefined && intValue !== null) return integerOf(scalarOf(intValue, path));
  if (doubleValue !== undefined && doubleValue !== null) return doubleOf(scalarOf(doubleValue, path));
  if (typeof bytesValue === "string") return Buffer.from(bytesValue, "base64").toString("base64");
  const nested = arrayValue ?? kvlistValue;
  if (nested === undefined || nested === null) return null;
  if (levels === 0) {
    dropped.count += 1;
    return null;
  }
  const { values } = objectOf(nested, path);
  if (arrayValue === undefined || arrayValue === null) return readAttributes(values, path, dropped, levels - 1);
  const list = listOf(values, path);
  dropped.count += Math.max(0, list.length - OTLP_ATTRIBUTES_MAX);
  return list.slice(0, OTLP_ATTRIBUTES_MAX).map((member) => readAnyValue(member, path, dropped, levels - 1));
}

/** Only these are read as text or as a number: an object may say itself what it becomes, and throw. */
function scalarOf(value: unknown, path: string): string | number | boolean {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") throw invalid(path, "a text or a number");
  return value;
}

function integerOf(value: string | number | boolean): number | string {
  const number = typeof value === "number" ? value : Number(value);
  return Number.isSafeInteger(number) ? number + 0 : String(value);
}

function doubleOf(value: string | number | boolean): number | string {
  const number = typeof value === "number" ? value : Number(value);
  // JSON has no negative zero: adding zero makes both the same.
  return Number.isFinite(number) ? number + 0 : String(number);
}
