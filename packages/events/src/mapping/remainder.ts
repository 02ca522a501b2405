import type { JsonObject } from "../event.ts";
import { isObject } from "./json-object.ts";

/**
 * What is left of an entry while its members are taken out, one by one. A section from which nothing was taken stays even when it is empty,
 * so that `"resources": {}` comes back.
 */
export class Remainder {
  readonly #source: JsonObject;
  readonly #taken: Taken = new Map();

  constructor(source: JsonObject) {
    this.#source = source;
  }

  /** The member at `path`, or undefined. */
  at(path: readonly string[]): unknown {
    let value: unknown = this.#source;
    for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return value;
  }

  /** Takes the member at `path` out when it `fits` its new place; else it stays in the rest. */
  take(path: readonly string[], fits: (value: unknown) => boolean): unknown {
    const value = this.at(path);
    if (value === undefined || !fits(value)) return undefined;
    let node = this.#taken;
    for (const key of path) {
      const next: Taken = node.get(key) ?? new Map();
      node.set(key, next);
      node = next;
    }
    return value;
  }

  /** Everything that was not taken, or undefined when nothing is left. */
  value(): JsonObject | undefined {
    const left = without(this.#source, this.#taken);
    return Object.keys(left).length === 0 ? undefined : left;
  }
}

/** A tree of keys; a node without children was taken whole. */
type Taken = Map<string, Taken>;

function without(source: JsonObject, taken: Taken): JsonObject {
  const left: [string, unknown][] = [];
  for (const [key, value] of Object.entries(source)) {
    const node = taken.get(key);
    if (node === undefined) left.push([key, value]);
    else if (node.size > 0) {
      const member = without(value as JsonObject, node);
      if (Object.keys(member).length > 0) left.push([key, member]);
    }
  }
  // Object.fromEntries defines keys, so that a key named __proto__ stays a key.
  return Object.fromEntries(left);
}
