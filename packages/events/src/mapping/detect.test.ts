import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { APPLICATION_SHAPES } from "./application-shape.ts";
import { detectShape } from "./detect.ts";

const transcripts = new URL("../../../../../shared/data/claude-code/", import.meta.url);

const EVENT = { action: "user.login", actor: { type: "user", id: "u-1" }, outcome: { status: "success" } };
const ENTRY = { agent: { id: "a" }, action: { type: "tool", name: "Bash" }, outcome: { status: "success" } };
const EMITTER = { clientId: "c", actionType: "a.b", actorType: "user", actorId: "u", targetType: "t", targetId: "i", outcome: "success" };
const RESOURCE = { action: "user.login", resourceType: "user", resourceId: "u-1", userId: "u-1", details: {} };
const QUEUE = { ...RESOURCE, success: true, timestamp: "2026-01-01T00:00:00Z" };
const LOG_ENTRY = { id: "1", action: "USER_LOGIN", resource: "user", resourceId: "u-1", status: "success" };
const LINE = { type: "a-type-of-tomorrow", sessionId: "s-1" };

test.each([
  ["event", EVENT],
  ["agent-log-entry", ENTRY],
  ["emitter-event", EMITTER],
  ["resource-event", RESOURCE],
  ["queue-event", QUEUE],
  ["audit-log-entry", LOG_ENTRY],
  ["claude-code-transcript", LINE],
] as const)("MAPPING-7: %s is detected in a value, a list, a line, indented text and after junk", (shape, sample) => {
  for (const form of [
    sample,
    [sample],
    JSON.stringify(sample),
    JSON.stringify([sample]),
    JSON.stringify(sample, undefined, 2),
    `\n# junk\r\n${JSON.stringify(sample)}\r\n{`,
  ]) {
    expect(detectShape(form)).toBe(shape);
  }
});

test("MAPPING-7: what is none of them is not guessed, and nothing throws", () => {
  for (const sample of ["", "null", "text", "{", "[]", undefined, null, 7, {}, { type: "x" }, { action: "x" }]) {
    expect(detectShape(sample)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.anything(), (sample) => {
      expect(["event", "claude-code-transcript", ...APPLICATION_SHAPES, undefined]).toContain(detectShape(sample));
    }),
  );
});

test("MAPPING-7: real transcripts are detected from any of their lines", () => {
  if (!existsSync(transcripts)) {
    console.warn("Skipped: the shared data is not beside this checkout.");
    return;
  }
  for (const name of readdirSync(transcripts).filter((file) => file.endsWith(".jsonl"))) {
    const lines = readFileSync(new URL(name, transcripts), "utf8").split("\n").filter(Boolean);
    expect(new Set(lines.map(detectShape))).toEqual(new Set(["claude-code-transcript"]));
  }
});
