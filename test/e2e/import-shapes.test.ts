import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorkplace, type Workplace } from "./cli-process.ts";

let place: Workplace;
beforeEach(async () => {
  place = await openWorkplace();
});
afterEach(() => place.close());

const EMITTER = {
  clientId: "acme",
  actionType: "a.b",
  actorType: "user",
  actorId: "u-1",
  targetType: "t",
  targetId: "i",
  outcome: "success",
};
const RESOURCE = { action: "user.login", resourceType: "user", resourceId: "u-1", userId: "u-1", details: { n: 1 } };
const LOG_ENTRY = {
  id: "7",
  userId: "u-1",
  action: "USER_LOGIN",
  resource: "user",
  resourceId: "u-1",
  status: "error",
  timestamp: "2025-01-01T00:00:00Z",
};

test("MAPPING-29: files of each shape are detected and imported once, line by line, and a wrong line is named", async () => {
  const shapes: readonly [shape: string, records: readonly object[]][] = [
    ["emitter-event", [EMITTER, { ...EMITTER, targetId: "j" }]],
    ["resource-event", [RESOURCE, { ...RESOURCE, resourceId: "u-2" }]],
    ["queue-event", [{ ...RESOURCE, success: true }, { action: "x" }]],
    ["audit-log-entry", [LOG_ENTRY, { ...LOG_ENTRY, id: "8" }]],
  ];
  const files: string[] = [];
  for (const [shape, records] of shapes) {
    const file = place.path(`${shape}.ndjson`);
    await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    files.push(file);
  }
  const server = await place.serve();
  const first = await place.run(["import", "--url", server.url, "--json", ...files]);
  const summary = JSON.parse(first.out) as { files: { format: string; stored: number; refusals: { line: number; code: string }[] }[] };
  expect(summary.files.map(({ format, stored }) => [format, stored])).toEqual([
    ["emitter-event", 2],
    ["resource-event", 2],
    ["queue-event", 1],
    ["audit-log-entry", 2],
  ]);
  expect(summary.files[2]?.refusals).toMatchObject([{ line: 2, code: "SHAPE_INVALID" }]);
  expect(first.code).toBe(2);

  const named = await place.run(["import", "--url", server.url, "--json", "--format", "audit-log-entry", files[3] ?? ""]);
  expect(named.code).toBe(0);
  expect(JSON.parse(named.out)).toMatchObject({ stored: 0, duplicates: 2, refused: 0 });
  expect((await server.stop()).code).toBe(0);
});
