import { createHash } from "node:crypto";
import { DEFINITION_DEPTH_MAX } from "./limits.ts";

/** A tool as its server defined it. */
export interface ToolDefinition {
  /** SHA-256 of the canonical JSON, in lower-case hexadecimal digits. */
  readonly digest: string;
  readonly canonical: string;
}

/**
 * The definition of a tool in a form that does not depend on the order of its members: JSON without blanks, members in the order of their UTF-16 code units. Source: RFC 8785, which this follows for everything that JSON.parse gives.
 *
 * @throws {RangeError} when it is nested more deeply than {@link DEFINITION_DEPTH_MAX}.
 */
export function readToolDefinition(definition: unknown): ToolDefinition {
  const canonical = canonicalJson(definition, 0);
  return { canonical, digest: createHash("sha256").update(canonical).digest("hex") };
}

function canonicalJson(value: unknown, depth: number): string {
  if (depth > DEFINITION_DEPTH_MAX) throw new RangeError("The definition is nested too deeply to be compared.");
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member, depth + 1)}`).join(",")}}`;
}
