import { stableId } from "@vouchtrail/events";

const LEAF_TEXT_PATTERN = /^(?:[^\u0000-\u001f\u007f\ud800-\udfff]|[\ud800-\udbff][\udc00-\udfff])+$/;

/**
 * An id as the trail can hold it: verbatim where it fits, else a stable UUID in its place. The same as hooks and transcripts do, so that the ids of one call stay equal.
 *
 * @param charsMax UTF-16 code units.
 */
export function leafIdOf(value: string, charsMax: number): string {
  return value.length <= charsMax && LEAF_TEXT_PATTERN.test(value) ? value : stableId("id", value);
}
