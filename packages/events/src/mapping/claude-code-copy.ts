import type { JsonObject } from "../event.ts";
import { asObject, asText } from "./claude-code-line.ts";

/** Where a line was written first: its session and its id there. */
export interface LineOrigin {
  readonly sessionId: string;
  readonly uuid: string;
}

/**
 * Tells whether a line is a copy. A session that branches off another one begins with copies of the other's lines: each has the new session's id
 * and `forkedFrom { sessionId, messageUuid }`. Some versions write copies a second time without that mark.
 *
 * @param copies The copies of the file so far, by their `uuid`; the line is added when it is a marked one.
 * @returns undefined for a line of the session's own. Rule: MAPPING-48.
 */
export function originOf(line: JsonObject, copies: Map<string, LineOrigin>): LineOrigin | undefined {
  const uuid = asText(line.uuid);
  if (uuid === undefined) return undefined;
  const mark = asObject(line.forkedFrom);
  const sessionId = asText(mark?.sessionId);
  if (sessionId === undefined) return copies.get(uuid);
  const origin = { sessionId, uuid: asText(mark?.messageUuid) ?? uuid };
  copies.set(uuid, origin);
  return origin;
}
