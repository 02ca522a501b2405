/** Erasures: what an entry of the server says it removed. Rule: LEAF-3. */

import { SECTION_NAMES, type SectionName } from "./disclosure.ts";
import { ProtocolError } from "./errors.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Entries from the first index up to, **not including**, the second. */
export type ErasureRange = readonly [from: number, to: number];

/** Erased ranges by section; a section without ranges is absent. */
export type Erasures = Readonly<Partial<Record<SectionName, readonly ErasureRange[]>>>;

/**
 * Reads `system.erases` of a leaf: `{"personal":[[from,to],…],"content":[[from,to],…]}`, `from` inclusive, `to` exclusive.
 *
 * Only the member `system` at the top level counts. No caller of the server can write it, so nothing a caller records can excuse
 * a missing section.
 *
 * @param leaf A leaf as stored, whose leaf hash was verified.
 * @returns The ranges as written; undefined when the leaf erases nothing.
 * @throws {ProtocolError} `LEAF_INVALID` when `erases` has another form or an empty or reversed range; `UTF8_INVALID`.
 */
export function parseErasures(leaf: string | Uint8Array): Erasures | undefined {
  const text = typeof leaf === "string" ? leaf : decodeUtf8(leaf);
  // Nearly no leaf has it, so nearly no leaf is parsed. The member is recognised in this spelling only.
  if (!text.includes('"system":')) return undefined;
  const system = memberOf(parseJson(text), "system");
  if (system === undefined) return undefined;
  if (!isObject(system)) throw new ProtocolError("LEAF_INVALID", { reason: "system is not an object" });
  const erases = memberOf(system, "erases");
  if (erases === undefined) return undefined;
  if (!isObject(erases)) throw new ProtocolError("LEAF_INVALID", { reason: "erases is not an object" });
  const erasures: Partial<Record<SectionName, readonly ErasureRange[]>> = {};
  for (const [key, ranges] of Object.entries(erases)) {
    const section = SECTION_NAMES.find((name) => name === key);
    if (section === undefined || !Array.isArray(ranges))
      throw new ProtocolError("LEAF_INVALID", { reason: "erases names something else than ranges of a section" });
    erasures[section] = ranges.map(parseRange);
  }
  return erasures;
}

/** Whether these erasures cover a section of the entry at `index`. */
export function isErased(erasures: Erasures, section: SectionName, index: number): boolean {
  return erasures[section]?.some(([from, to]) => from <= index && index < to) ?? false;
}

function parseRange(range: unknown): ErasureRange {
  const [from, to, ...more]: readonly unknown[] = Array.isArray(range) ? range : [];
  if (
    typeof from !== "number" ||
    typeof to !== "number" ||
    more.length > 0 ||
    !Number.isSafeInteger(from) ||
    !Number.isSafeInteger(to) ||
    from < 0 ||
    from >= to
  ) {
    throw new ProtocolError("LEAF_INVALID", { reason: "an erased range is not [from, to] with from below to" });
  }
  return [from, to];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("LEAF_INVALID", { reason: "it is not JSON" }, { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
