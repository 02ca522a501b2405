import { expect, test } from "vitest";
import { FILTER_NAMES } from "./event-filter.ts";
import { nearestName } from "./nearest-name.ts";

test.each([
  ["acton", "action"],
  ["acotr", "actor"],
  ["Actor", "actor"],
  ["actor_type", "actorType"],
  ["on-behalf-of", "onBehalfOf"],
  ["sesion", "session"],
  ["tenants", "tenant"],
  ["statuses", undefined],
  ["", undefined],
  ["x", undefined],
  ["ip4", "ip"],
  ["__proto__", undefined],
  ["constructor", undefined],
  ["a".repeat(1_000_000), undefined],
])("FILTER-1: the nearest filter to %s", (name, nearest) => {
  expect(nearestName(name, FILTER_NAMES)).toBe(nearest);
});
