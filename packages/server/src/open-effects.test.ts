import { expect, test } from "vitest";
import { openIndexPlace } from "../../../test/search/index-place.ts";
import { createMetrics } from "./metrics.ts";
import { createOpenEffectsCount } from "./open-effects.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 5, 1);

test("EFFECT-3: effects are counted that began an hour ago and of which no outcome is known, at most once a minute", async () => {
  await using place = await openIndexPlace();
  const intent = (callId: string, atMs: number): Record<string, unknown> => ({
    phase: "intent",
    occurredAt: new Date(atMs).toISOString(),
    outcome: { status: "pending" },
    context: { sessionId: "s", callId },
  });
  place.add(intent("open", START_MS));
  place.add(intent("closed", START_MS));
  place.add({ phase: "outcome", occurredAt: new Date(START_MS).toISOString(), context: { sessionId: "s", callId: "closed" } });
  place.add(intent("young", START_MS + HOUR_MS));
  await place.feed();
  let nowMs = START_MS + HOUR_MS + 1;
  const metrics = createMetrics();
  metrics.watchEffects(createOpenEffectsCount({ engine: place.engine, nowMs: () => nowMs }));
  const told = async (): Promise<string | undefined> => /^vouchtrail_effects_open (.*)$/m.exec(await metrics.registry.metrics())?.[1];
  expect(await told()).toBe("1");
  place.add(intent("another", START_MS));
  await place.feed();
  expect(await told()).toBe("1");
  nowMs += 61_000;
  expect(await told()).toBe("2");
});
