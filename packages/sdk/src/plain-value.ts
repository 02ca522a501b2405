import { VALUE_DEPTH_MAX, VALUES_MAX } from "./limits.ts";

/** Characters of one string that are sent; a longer one is told by its length. A part of it is not sent: a secret cut in half is not recognised any more. */
const TEXT_CHARS_MAX = 4 * 1_048_576;
/** Bytes of a buffer that are sent as base64; of more only the length is told. */
const BYTES_MAX = 65_536;
/** Levels that the members around a value may add below the server's limit. */
const DEPTH_MAX = VALUE_DEPTH_MAX - 4;

/**
 * JSON of whatever an application hands over. It never throws and nothing disappears silently: what JSON has no form for becomes text that says what was there.
 *
 * Dates are RFC 3339, errors their name, message, code and cause (no stack), maps objects or pairs, sets arrays, big integers and numbers that JSON lacks text, bytes
 * base64; functions, symbols, cycles, getters that throw and what is nested too deeply are named in square brackets. `undefined` is left out, as JSON does.
 */
export function toJson(value: unknown): string {
  try {
    const text = JSON.stringify(plain(value, { isCopying: false, path: [], count: 0 })) as string | undefined;
    return text ?? "null";
  } catch {
    // A getter or a proxy threw: everything is copied, value by value.
    return JSON.stringify(plain(value, { isCopying: true, path: [], count: 0 })) ?? "null";
  }
}

interface Walk {
  readonly isCopying: boolean;
  /** The objects around the value: a value that is among them is a cycle. */
  readonly path: object[];
  count: number;
}

/** The value itself when JSON says all of it, else a copy that JSON does. */
function plain(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case "string":
      return plainText(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    case "function":
      return `[Function${value.name === "" ? "" : `: ${value.name}`}]`;
    case "symbol":
      return `[${value.toString()}]`;
    case "object":
      return value === null ? null : plainObject(value, walk);
    default:
      return value;
  }
}

function plainText(text: string): string {
  if (text.length > TEXT_CHARS_MAX) return `[Text of ${text.length} characters]`;
  return text.isWellFormed() ? text : text.toWellFormed();
}

function plainObject(value: object, walk: Walk): unknown {
  const { path } = walk;
  walk.count += 1;
  if (path.includes(value)) return "[Circular]";
  if (path.length >= DEPTH_MAX) return "[Nested too deeply]";
  if (walk.count > VALUES_MAX) return "[Too many values]";
  path.push(value);
  try {
    if (Array.isArray(value)) return plainArray(value, walk);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return plainInstance(value, walk);
    return plainSaid(value, walk) ?? plainMembers(value, walk);
  } catch (error) {
    if (!walk.isCopying) throw error;
    return "[Cannot be read]";
  } finally {
    path.pop();
  }
}

function plainArray(array: readonly unknown[], walk: Walk): unknown {
  let copy: unknown[] | undefined = walk.isCopying ? [] : undefined;
  for (let i = 0; i < array.length; i++) {
    const item = read(array, String(i), walk, i);
    const made = plain(item, walk);
    if (copy === undefined && made !== item) copy = array.slice(0, i);
    copy?.push(made === undefined ? null : made);
  }
  return copy ?? array;
}

function plainMembers(object: object, walk: Walk): unknown {
  let copy: Record<string, unknown> | undefined = walk.isCopying ? {} : undefined;
  const keys = Object.keys(object);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const member = read(object, key, walk);
    const made = plain(member, walk);
    const name = plainKey(key);
    if (copy === undefined && (made !== member || name !== key)) {
      copy = {};
      for (const before of keys.slice(0, i)) copy[before] = (object as Record<string, unknown>)[before];
    }
    if (copy !== undefined && made !== undefined) copy[name] = made;
  }
  return copy ?? object;
}

/** The server refuses the name `__proto__` and halves of surrogate pairs. */
function plainKey(key: string): string {
  if (key === "__proto__") return "[__proto__]";
  return key.isWellFormed() ? key : key.toWellFormed();
}

function read(object: object, key: string, walk: Walk, index?: number): unknown {
  if (!walk.isCopying) return index === undefined ? (object as Record<string, unknown>)[key] : (object as readonly unknown[])[index];
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return "[Getter threw]";
  }
}

function plainInstance(value: object, walk: Walk): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[Invalid date]" : value.toISOString();
  if (value instanceof Error) return plainError(value, walk);
  if (value instanceof Map) return plainMap(value, walk);
  if (value instanceof Set) return plainArray([...value], walk);
  if (value instanceof RegExp) return String(value);
  if (value instanceof ArrayBuffer) return plainBytes(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return plainBytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) return `[${value.constructor.name}]`;
  const said = plainSaid(value, walk);
  if (said !== undefined) return said;
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return plain(value.valueOf(), walk);
  return plainMembers(value, walk);
}

/** What an object says itself that it is in JSON. */
function plainSaid(value: object, walk: Walk): unknown {
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === "function" ? (plain(toJSON.call(value), walk) ?? null) : undefined;
}

function plainError(error: Error, walk: Walk): unknown {
  const { name, message, cause } = error;
  const { code } = error as { code?: unknown };
  return plainMembers(
    { name, message, ...(code === undefined ? {} : { code }), ...(cause === undefined ? {} : { cause }), ...ownMembers(error) },
    walk,
  );
}

/** What an error class adds, without what every error has. */
function ownMembers(error: Error): object {
  const { stack: _stack, message: _message, name: _name, ...members } = error;
  return members;
}

function plainMap(map: ReadonlyMap<unknown, unknown>, walk: Walk): unknown {
  const pairs = [...map];
  if (!pairs.every(([key]) => typeof key === "string")) return plainArray(pairs, walk);
  return plainMembers(Object.fromEntries(pairs), walk);
}

function plainBytes(bytes: Uint8Array): unknown {
  if (bytes.length > BYTES_MAX) return `[${bytes.length} bytes]`;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
