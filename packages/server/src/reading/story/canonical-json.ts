import { hash } from "node:crypto";
import { CANONICAL_DEPTH_MAX } from "./limits.ts";

/** JSON with the members of every object in the order of their names, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value, 0)) ?? "null";
}

/** Hexadecimal SHA-256 of the canonical JSON. */
export function canonicalDigest(value: unknown): string {
  return hash("sha256", canonicalJson(value), "hex");
}

function sorted(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth >= CANONICAL_DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((member) => sorted(member, depth + 1));
  // Without a prototype, so that a member named __proto__ is one as any other.
  const members = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(value).sort()) members[name] = sorted((value as Record<string, unknown>)[name], depth + 1);
  return members;
}
