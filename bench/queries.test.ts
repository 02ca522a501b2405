import { parseFilter } from "@vouchtrail/events";
import { expect, test } from "vitest";
import { createEventSource } from "./events.ts";
import { agentLogQueries, createPageQueries, createQueries, type Query } from "./queries.ts";

/** Parameters of the API that are no filters. */
const OTHERS = ["limit", "cursor", "group", "bucket", "state"];

function allQueries(): readonly Query[] {
  const source = createEventSource(1);
  let sample = source.next();
  while (sample.context?.callId === undefined) sample = source.next();
  return [
    ...createQueries(sample, Date.UTC(2026, 0, 6)),
    ...createPageQueries({ cursor: "c", occurredAt: "2026-01-05T08:00:00.000Z", position: 1_000 }),
  ];
}

test("every question has a name of its own and asks for filters that there are", () => {
  const queries = allQueries();
  expect(new Set(queries.map(({ kind, name }) => `${kind} ${name}`)).size).toBe(queries.length);
  for (const { ours } of queries) {
    if (!("path" in ours)) continue;
    const { searchParams } = new URL(ours.path, "http://127.0.0.1");
    const filters = Object.fromEntries([...searchParams].filter(([name]) => !OTHERS.includes(name)));
    const { conditions, from } = parseFilter(filters);
    expect(conditions.length + (from === undefined ? 0 : 1)).toBe(Object.keys(filters).length);
    expect([...searchParams.values()]).not.toContain("");
  }
});

test("the document's queries differ from the document by the agent alone", () => {
  const [recent, ...others] = agentLogQueries;
  expect(recent?.ours.sql).toContain("WHERE agent_id = 'ops/agent-7'");
  expect(others.every(({ ours }) => !ours.sql.includes("ops/"))).toBe(true);
  expect(agentLogQueries.every(({ ours, baseline }) => baseline?.sql === ours.sql)).toBe(true);
});
