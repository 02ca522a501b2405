import { AuditError, EVENT_DEPTH_MAX } from "@vouchtrail/events";
import { type JSONPath, visit } from "jsonc-parser";
import type { ScannedValue } from "./json-scan.ts";

/**
 * Parses a scanned value and refuses what JSON.parse would silently change.
 *
 * @throws {AuditError} `BODY_INVALID`, `EVENT_TOO_DEEP`, `KEY_DUPLICATE`, `NUMBER_INEXACT`, `TEXT_INVALID`, the last three with the path.
 */
export function parseStrictly(bytes: Buffer, scanned: ScannedValue): unknown {
  // Before anything that recurses.
  if (scanned.depth > EVENT_DEPTH_MAX) {
    throw new AuditError("EVENT_TOO_DEEP", { message: `It is nested ${scanned.depth} levels deep; ${EVENT_DEPTH_MAX} are allowed.` });
  }
  const text = bytes.toString("utf8", scanned.start, scanned.end);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The engine's own message quotes the text, which may be anything; the position is enough to find it.
    const position = /position (\d+)/.exec(cause instanceof Error ? cause.message : "")?.[1];
    throw new AuditError("BODY_INVALID", {
      message: `This is not valid JSON${position === undefined ? "" : ` (at character ${position} of the event)`}.`,
    });
  }
  // A name that stands twice is counted twice in the text and is there once in the value.
  if (scanned.hasLongNumber || scanned.keyCount !== countKeys(value)) findFault(text);
  if (scanned.hasUnicodeEscape) assertWellFormed(value, []);
  return value;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === "object") count += countKeys(member);
    return count;
  }
  for (const key in value) {
    count += 1;
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === "object") count += countKeys(member);
  }
  return count;
}

/** The slow way, for the rare text that may have a fault: names and numbers with their paths. */
function findFault(text: string): void {
  const names: Set<string>[] = [];
  const pathText = (path: JSONPath, last?: string): string => [...path, ...(last === undefined ? [] : [last])].join(".");
  visit(text, {
    onObjectBegin: () => {
      names.push(new Set());
    },
    onObjectEnd: () => {
      names.pop();
    },
    onObjectProperty: (name, _offset, _length, _line, _character, pathSupplier) => {
      const known = names.at(-1);
      if (known?.has(name)) throw new AuditError("KEY_DUPLICATE", { path: pathText(pathSupplier(), name) });
      known?.add(name);
    },
    onLiteralValue: (value, offset, length, _line, _character, pathSupplier) => {
      if (typeof value === "number" && !isExact(text.slice(offset, offset + length))) {
        throw new AuditError("NUMBER_INEXACT", { path: pathText(pathSupplier()) });
      }
    },
  });
}

/** True if the number means the same after a way through a double. */
export function isExact(token: string): boolean {
  const value = Number(token);
  return Number.isFinite(value) && normalDigits(token) === normalDigits(String(value));
}

/** Sign, significant digits without zeros at either end, and the exponent of the last one. */
function normalDigits(token: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token);
  if (match === null) return token;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  const trimmed = digits.replace(/0+$/, "");
  if (trimmed === "") return "0";
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + (digits.length - trimmed.length)}`;
}

function assertWellFormed(value: unknown, path: (string | number)[]): void {
  if (typeof value === "string") {
    if (!isWellFormed(value)) throw new AuditError("TEXT_INVALID", { path: path.join(".") });
  } else if (Array.isArray(value)) {
    value.forEach((member, i) => {
      assertWellFormed(member, [...path, i]);
    });
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      if (!isWellFormed(key))
        throw new AuditError("TEXT_INVALID", { path: path.join("."), message: "The name of a member holds half of a surrogate pair." });
      assertWellFormed(member, [...path, key]);
    }
  }
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}
