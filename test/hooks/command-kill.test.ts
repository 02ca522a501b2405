import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Workplace } from "../e2e/cli-process.ts";
import { eventsOf, runCommand, spoolFiles } from "./command-place.ts";

const RUNS = 24;

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(() => place.close());

test("HOOK-9: commands that are killed at any moment leave whole hooks or none, and each whole one is stored once", async () => {
  const first = await place.serve();
  await first.stop();
  const environment = { AUDIT_LOG_URL: first.url };
  const text = "words ".repeat(50_000);
  const run = async (i: number): Promise<void> => {
    const input = JSON.stringify({
      hook_event_name: "PreToolUse",
      session_id: "killed",
      tool_use_id: `t${i}`,
      tool_name: "X",
      tool_input: { i, text },
    });
    await runCommand(place, {
      input,
      environment,
      onStart: (child) => void setTimeout(() => child.kill("SIGKILL"), randomInt(30, 260)),
    });
  };
  for (let i = 0; i < RUNS; i += 4) await Promise.all([run(i), run(i + 1), run(i + 2), run(i + 3)]);
  const kept = [...spoolFiles(place)].filter(([name]) => name.startsWith("hook-"));
  for (const [, written] of kept)
    expect(JSON.parse((JSON.parse(written) as { body: string }).body)).toMatchObject({ session_id: "killed" });
  const server = await place.serve(["--data", "data", "--port", first.port]);
  await runCommand(place, { args: ["--flush"], environment });
  const events = await eventsOf(server, "session=killed");
  expect(events).toHaveLength(kept.length);
  expect(new Set(events.map(({ context }) => context?.callId)).size).toBe(kept.length);
  expect([...spoolFiles(place).keys()].filter((name) => !name.startsWith("draft-"))).toEqual([]);
});
