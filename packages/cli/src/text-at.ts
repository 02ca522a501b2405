import type { JsonObject } from "@vouchtrail/events";

/** The text at a path of an event or of anything else; undefined where there is none, or something that is no text. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let found = value;
  for (const name of path) found = typeof found === "object" && found !== null ? (found as JsonObject)[name] : undefined;
  return typeof found === "string" ? found : undefined;
}
