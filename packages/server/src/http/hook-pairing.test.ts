import type { AuditEventInput } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHookPairing } from "./hook-pairing.ts";

function call(phase: "intent" | "outcome", { session = "s", command = "ls", tenant = "t" } = {}): AuditEventInput {
  return {
    tenant,
    action: "ai.tool_call",
    phase,
    actor: { type: "agent", id: "gemini-cli" },
    target: { type: "tool", id: "shell" },
    outcome: { status: phase === "intent" ? "pending" : "success" },
    activity: { type: "tool", name: "shell", tool: { name: "shell", parameters: { command } } },
    context: { sessionId: session },
  };
}
const from = (hookId?: string) => ({ platform: "gemini-cli", hookId });
const callIdOf = (event: AuditEventInput): string | undefined => event.context?.callId;

test("HOOK-21: a call that is repeated is two calls, each with its own ending, in the order in which they began", () => {
  const pairing = createHookPairing();
  const [first, second] = [pairing.join(call("intent"), from()), pairing.join(call("intent"), from())];
  expect(callIdOf(first)).not.toBe(callIdOf(second));
  expect(first.labels).toEqual({ callPairing: "inferred" });
  expect(callIdOf(pairing.join(call("outcome"), from()))).toBe(callIdOf(first));
  expect(callIdOf(pairing.join(call("outcome"), from()))).toBe(callIdOf(second));
});

test("HOOK-21: in whatever order calls begin and end, no two of them share an id, and an ending has the id of a call with the same input that had begun", () => {
  const step = fc.record({
    phase: fc.constantFrom("intent" as const, "outcome" as const),
    session: fc.constantFrom("s-1", "s-2"),
    command: fc.constantFrom("ls", "pwd"),
    tenant: fc.constantFrom("a", "b"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pairing = createHookPairing();
      const open = new Map<string, string[]>();
      const seen = new Set<string>();
      for (const { phase, ...of } of steps) {
        const id = callIdOf(pairing.join(call(phase, of), from()));
        const waiting = open.get(JSON.stringify(of)) ?? [];
        open.set(JSON.stringify(of), waiting);
        if (phase === "intent") {
          expect(seen.has(id ?? "")).toBe(false);
          seen.add(id ?? "");
          waiting.push(id ?? "");
        } else expect(id).toBe(waiting.shift());
      }
    }),
    { numRuns: 200 },
  );
});

test("HOOK-22: a hook that is sent again has the same call, and takes no other call's ending", () => {
  const pairing = createHookPairing();
  const begun = pairing.join(call("intent"), from("00000000-0000-7000-8000-000000000001"));
  expect(pairing.join(call("intent"), from("00000000-0000-7000-8000-000000000001"))).toEqual(begun);
  const other = pairing.join(call("intent"), from("00000000-0000-7000-8000-000000000002"));
  const ended = pairing.join(call("outcome"), from("00000000-0000-7000-8000-000000000003"));
  expect(pairing.join(call("outcome"), from("00000000-0000-7000-8000-000000000003"))).toEqual(ended);
  expect(callIdOf(ended)).toBe(callIdOf(begun));
  expect(callIdOf(pairing.join(call("outcome"), from()))).toBe(callIdOf(other));
  // Before it is stored again after a restart, it has the same id too: that of the hook.
  expect(createHookPairing().join(call("intent"), from("00000000-0000-7000-8000-000000000001"))).toEqual(begun);
});

test("HOOK-21: a call with an id of its own, without a session, or whose beginning is not known stays as it is", () => {
  const pairing = createHookPairing();
  const named = { ...call("intent"), context: { sessionId: "s", callId: "c" } };
  expect(pairing.join(named, from())).toBe(named);
  const { context: _context, ...homeless } = call("intent");
  expect(pairing.join(homeless, from())).toBe(homeless);
  const ended = call("outcome");
  expect(pairing.join(ended, from())).toBe(ended);
});

test("HOOK-21: it remembers only so many calls that do not end, the newest ones", () => {
  const pairing = createHookPairing();
  const last = 10_000;
  let newest: string | undefined;
  for (let n = 0; n <= last; n++) newest = callIdOf(pairing.join(call("intent", { command: `c-${n}` }), from()));
  expect(callIdOf(pairing.join(call("outcome", { command: "c-0" }), from()))).toBeUndefined();
  expect(callIdOf(pairing.join(call("outcome", { command: `c-${last}` }), from()))).toBe(newest);
});
