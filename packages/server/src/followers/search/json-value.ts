import {
  DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBUnionType,
  DuckDBUnionValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { JSON_DEPTH_MAX } from "./limits.ts";
import { sqlInvalid } from "./sql-tree.ts";

/** Makes JSON of one value of a type that is known. */
type ToJson = (value: DuckDBValue) => unknown;

/**
 * How values of a type become JSON without loss: numbers that a double cannot hold and everything that JSON has no form for are text. Times are RFC
 * 3339 in UTC, blobs base64, JSON is what it says, structs and maps with text as keys are objects, other maps lists of `[key, value]`.
 *
 * Rule: SQL-7.
 *
 * @throws {AuditError} `SQL_INVALID` for a type that has no JSON.
 */
export function toJsonConverter(type: DuckDBType): ToJson {
  const convert = converterOf(type);
  return (value) => (value === null ? null : convert(value));
}

function converterOf(type: DuckDBType): ToJson {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return listConverter(toJsonConverter(type.valueType));
  if (type instanceof DuckDBStructType) return structConverter(type);
  if (type instanceof DuckDBMapType) return mapConverter(type);
  if (type instanceof DuckDBUnionType) return unionConverter(type);
  return type.typeId === DuckDBTypeId.VARCHAR && type.alias === "JSON" ? (value) => jsonOf(String(value)) : plainValue;
}

function listConverter(toJson: ToJson): ToJson {
  return (value) => (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue ? value.items.map(toJson) : String(value));
}

function structConverter({ entryNames, entryTypes }: DuckDBStructType): ToJson {
  // The driver keeps members by name. Those of (1, 2) have none, and one of this name would be taken for something else.
  if (new Set(entryNames).size < entryNames.length || entryNames.includes("__proto__")) {
    throw sqlInvalid("Rows such as (1, 2) have no names in JSON. Give them some: {first: 1, second: 2}");
  }
  const members = entryNames.map((name, i) => [name, toJsonConverter(entryTypes[i] as DuckDBType)] as const);
  return (value) => {
    if (!(value instanceof DuckDBStructValue)) return String(value);
    const { entries } = value;
    return Object.fromEntries(members.map(([name, toJson]) => [name, toJson(entries[name] ?? null)]));
  };
}

function mapConverter({ keyType, valueType }: DuckDBMapType): ToJson {
  const toKey = toJsonConverter(keyType);
  const toValue = toJsonConverter(valueType);
  const isText = keyType.typeId === DuckDBTypeId.VARCHAR && keyType.alias === undefined;
  return (value) => {
    if (!(value instanceof DuckDBMapValue)) return String(value);
    const pairs = value.entries.map((entry) => [toKey(entry.key), toValue(entry.value)] as const);
    return isText ? Object.fromEntries(pairs) : pairs;
  };
}

function unionConverter({ memberTags, memberTypes }: DuckDBUnionType): ToJson {
  const converters = new Map(memberTags.map((tag, i) => [tag, toJsonConverter(memberTypes[i] as DuckDBType)]));
  return (value) => {
    if (!(value instanceof DuckDBUnionValue)) return String(value);
    return { [value.tag]: converters.get(value.tag)?.(value.value) ?? null };
  };
}

function plainValue(value: DuckDBValue): unknown {
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
      // JSON has one zero.
      return Number.isFinite(value) ? value + 0 : String(value);
    case "bigint":
      return isExact(value) ? Number(value) : String(value);
  }
  if (value instanceof DuckDBDecimalValue) return decimalOf(value);
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return timeText(value, value.micros * 1_000n);
  if (value instanceof DuckDBTimestampNanosecondsValue) return timeText(value, value.nanos);
  if (value instanceof DuckDBTimestampMillisecondsValue) return timeText(value, value.millis * 1_000_000n);
  if (value instanceof DuckDBTimestampSecondsValue) return timeText(value, value.seconds * 1_000_000_000n);
  if (value instanceof DuckDBDateValue && !value.isFinite) return value.days > 0 ? "infinity" : "-infinity";
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("base64");
  return String(value);
}

function isExact(value: bigint): boolean {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
}

/** Digits that every double gives back as they were. */
const DECIMAL_DIGITS_EXACT = 15;

function decimalOf(value: DuckDBDecimalValue): number | string {
  const text = value.toString();
  const digits = text.replace(/\D/g, "").replace(/^0+/, "");
  if (digits.length <= DECIMAL_DIGITS_EXACT || (value.scale === 0 && isExact(value.value))) return Number(text) + 0;
  return text;
}

/** RFC 3339 in UTC with milliseconds, and with finer parts where there are any. What lies beyond its years is told as DuckDB writes it. */
function timeText(value: { readonly isFinite: boolean; toString(): string }, nanos: bigint): string {
  if (!value.isFinite) return value.toString();
  const finer = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const time = new Date(Number((nanos - finer) / 1_000_000n));
  const year = time.getUTCFullYear();
  // Also for what no Date holds: its year is NaN.
  if (!(year >= 0 && year <= 9_999)) return value.toString();
  const text = time.toISOString();
  const digits = String(finer)
    .padStart(6, "0")
    .replace(/^000000$|000$/, "");
  return `${text.slice(0, -1)}${digits}Z`;
}

/** Sixteen digits, or a power of ten: such a number may be more than a double holds. */
const LONG_NUMBER = /\d[\d.]{15}|\d[eE]/;

/** What JSON text says; the text itself where that would lose digits, or be nested more deeply than readers take. */
function jsonOf(text: string): unknown {
  if (text.length > JSON_DEPTH_MAX && depthOf(text) > JSON_DEPTH_MAX) return text;
  try {
    const value: unknown = JSON.parse(text);
    return LONG_NUMBER.test(text) && !isLossless(text) ? text : value;
  } catch {
    return text;
  }
}

/** The most brackets of JSON text that are open at a time. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "\\") i += 1;
    else if (character === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    else if (character === "]" || character === "}") depth -= 1;
  }
  return deepest;
}

/** Whether every number of JSON text, outside of its strings, is what a double says again. */
function isLossless(text: string): boolean {
  for (const [token] of text.matchAll(/"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g)) {
    if (token.startsWith('"')) continue;
    const number = Number(token);
    if (!Number.isFinite(number) || (token.length > DECIMAL_DIGITS_EXACT && String(number) !== token)) return false;
  }
  return true;
}
