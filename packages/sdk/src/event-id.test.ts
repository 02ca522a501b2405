import { validate, version } from "uuid";
import { expect, test } from "vitest";
import { newEventId } from "./event-id.ts";

test("SDK-43: ids are UUIDs of version 7, each its own, and tell their millisecond", () => {
  const at = Date.UTC(2026, 5, 1);
  const ids = Array.from({ length: 5_000 }, () => newEventId(at));
  expect(new Set(ids).size).toBe(5_000);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(new Set(ids.map((id) => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)))).toEqual(new Set([at]));
  expect(newEventId(at + 1) > newEventId(at)).toBe(true);
});
