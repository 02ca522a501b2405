import { CODE_CHARS_MAX } from "../limits.ts";
import { stableId } from "./stable-id.ts";

const LEAF_TEXT_PATTERN = /^(?:[^\u0000-\u001f\u007f\ud800-\udfff]|[\ud800-\udbff][\udc00-\udfff])+$/;
const CONTROL_PATTERN = /[\u0000-\u001f\u007f]+/g;
const LONE_SURROGATE_PATTERN = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Whether `value` may stand in a leaf as it is: 1 to `charsMax` characters, no control character, no lone surrogate. */
export function isLeafText(value: unknown, charsMax: number): boolean {
  return typeof value === "string" && value.length <= charsMax && LEAF_TEXT_PATTERN.test(value);
}

/**
 * A name as a leaf can hold it: control characters become one space, lone surrogates U+FFFD, and what is over `charsMax` is cut between
 * characters. For names only: two ids that are cut could become one, see {@link toLeafId}.
 *
 * @returns undefined when nothing is left.
 */
export function toLeafName(value: string, charsMax: number): string | undefined {
  if (isLeafText(value, charsMax)) return value;
  let name = replaceLoneSurrogates(value.replace(CONTROL_PATTERN, " ")).trim().slice(0, charsMax);
  // The cut may have parted a pair.
  if (/[\ud800-\udbff]$/.test(name)) name = name.slice(0, -1);
  return name === "" ? undefined : name;
}

/** An id as a leaf can hold it: verbatim where it fits, else a stable UUID in its place, so that different ids stay different. */
export function toLeafId(value: string, charsMax: number): string {
  return isLeafText(value, charsMax) ? value : stableId("id", value);
}

/** `value` with every half of a surrogate pair replaced by U+FFFD, as an UTF-8 encoder would. */
export function replaceLoneSurrogates(value: string): string {
  return value.replace(LONE_SURROGATE_PATTERN, "\ufffd");
}

/** A code as the trail writes them, such as `TOOL_ERROR` for `toolError`; `otherwise` when nothing is left of it. */
export function toLeafCode(text: string | undefined, otherwise: string): string {
  const code = (text ?? "")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, CODE_CHARS_MAX);
  return code === "" ? otherwise : code;
}
