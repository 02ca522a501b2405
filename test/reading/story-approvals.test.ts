import type { SearchHit, SessionStep } from "@vouchtrail/events";
import { expect, test } from "vitest";
import { approval, bash, builder, flat, stepsOf, timeOf, toldCall } from "./told-session.ts";

const approvalIn = (hits: readonly SearchHit[], callId: string): SessionStep["approval"] =>
  flat(stepsOf(hits)).find((step) => step.callId === callId)?.approval;

test("SESSION-11: a request for approval belongs to the open call of the same tool with the same input, and one that fits none stands alone", () => {
  const { hits, hook } = builder();
  hook(1, { hook_event_name: "PreToolUse", ...bash("a", "one") });
  hook(1, { hook_event_name: "PreToolUse", ...bash("b", "two") });
  hook(2, { hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: "two" } });
  hook(3, { hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: "three" } });
  hook(4, { hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: "one" } }, true);
  hook(6, { hook_event_name: "PostToolUse", ...bash("b", "two"), tool_response: {}, duration_ms: 1_000 });
  expect(approvalIn(hits, "b")).toMatchObject({ state: "approved", basis: "inferred", latencyMs: 3_000, entries: [{ index: 2 }] });
  expect(approvalIn(hits, "b")?.shown?.preview).toContain("two");
  // The erased request fits both calls: the one that is not yet asked for.
  expect(approvalIn(hits, "a")).toMatchObject({ state: "requested", entries: [{ index: 4 }] });
  expect(flat(stepsOf(hits)).filter(({ kind }) => kind === "approval")).toMatchObject([
    { approval: { state: "requested", entries: [{ index: 3 }] } },
  ]);
});

test("SESSION-12: who allowed or refused a call follows from the answer, else from how the call ended, else from the permission mode", () => {
  const { hits, hook, told } = builder();
  for (const [callId, code] of [
    ["user", "USER_REJECTED"],
    ["rule", "PERMISSION_DENIED"],
    ["hook", "HOOK_DENIED"],
  ] as const)
    told(1, toldCall(callId, callId, { status: "denied", code }));
  hook(2, { hook_event_name: "PreToolUse", ...bash("mode"), permission_mode: "acceptEdits" });
  hook(2, { hook_event_name: "PostToolUse", ...bash("mode"), permission_mode: "acceptEdits", tool_response: {} });
  hook(3, { hook_event_name: "PreToolUse", ...bash("asked"), permission_mode: "default" });
  hook(3, { hook_event_name: "PostToolUse", ...bash("asked"), permission_mode: "default", tool_response: {} });
  for (const by of ["user", "rule", "hook"])
    expect(approvalIn(hits, by)).toMatchObject({ state: "rejected", by: { kind: by }, basis: "inferred" });
  expect(approvalIn(hits, "mode")).toEqual({ state: "approved", by: { kind: "mode", id: "acceptEdits" }, basis: "inferred", entries: [] });
  expect(approvalIn(hits, "asked")).toBeUndefined();

  const answered = builder();
  answered.told(1, approval("created", { callId: "c" }), "sdk");
  answered.told(5, approval("approved", { callId: "c" }), "sdk");
  answered.told(6, toldCall("c", "x", { status: "success" }), "sdk");
  expect(approvalIn(answered.hits, "c")).toMatchObject({
    state: "approved",
    by: { kind: "user", id: "u-1" },
    requestedAt: timeOf(1),
    answeredAt: timeOf(5),
    latencyMs: 4_000,
    basis: "observed",
  });
});

test("SESSION-10: entries of one approval id are one approval, about the call that shares an id with it or that it names as its parent", () => {
  const { hits, told } = builder();
  told(1, { ...toldCall("a", "a", { status: "success" }), context: { callId: "a", approvalId: "p" } });
  const { event } = told(1, toldCall("b", "b", { status: "success" }));
  told(1, toldCall("c", "c", { status: "success" }));
  told(2, approval("created", { approvalId: "p" }), "sdk");
  told(3, approval("approved", { approvalId: "p" }), "sdk");
  told(4, approval("approved", { parentEventId: String(event.id) }), "sdk");
  told(5, approval("approved", { callId: "c" }), "sdk");
  told(6, approval("created", { approvalId: "q" }), "sdk");
  const entriesOf = (callId: string): unknown => approvalIn(hits, callId)?.entries.map(({ index }) => index);
  expect([entriesOf("a"), entriesOf("b"), entriesOf("c")]).toEqual([[3, 4], [5], [6]]);
  expect(flat(stepsOf(hits)).filter(({ kind }) => kind === "approval")).toMatchObject([
    { entries: [{ index: 7 }], approval: { state: "requested" } },
  ]);
});

test("SESSION-13: a call that was stopped or has not ended does not show that it was allowed", () => {
  const { hits, hook, told } = builder();
  for (const [i, callId] of ["open", "stopped"].entries()) {
    hook(i, { hook_event_name: "PreToolUse", ...bash(callId, callId) });
    hook(i, { hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: callId } });
  }
  told(5, toldCall("stopped", "stopped", { status: "failure", code: "INTERRUPTED" }));
  for (const callId of ["open", "stopped"]) expect(approvalIn(hits, callId)).toMatchObject({ state: "requested", by: { kind: "unknown" } });
});
