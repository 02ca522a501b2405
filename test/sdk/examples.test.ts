import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { startPostgres } from "../outbox/postgres.ts";

const run = promisify(execFile);
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve();
});
afterAll(() => place.close());

// Each asserts its own result, and ends with an error when that is wrong.
test.each([
  ["agent-approvals.mjs", "The refund is in the trail, with its evidence."],
  ["express-app.mjs", "maria did document.updated on document/42"],
])("the example %s runs against a server and finds what it recorded", async (name, told) => {
  expect(await runExample(name)).toContain(told);
});

test("the example outbox.mjs runs against a server and PostgreSQL", async () => {
  await using postgres = await startPostgres();
  expect(await runExample("outbox.mjs", { DATABASE_URL: postgres.url })).toContain("the one that was rolled back is not");
});

async function runExample(name: string, variables: Readonly<Record<string, string>> = {}): Promise<string> {
  const env = { PATH: process.env.PATH, VOUCHTRAIL_URL: server.url, VOUCHTRAIL_SPOOL: place.path("spool"), ...variables };
  const { stdout } = await run(process.execPath, [`${EXAMPLES}${name}`], { cwd: place.folder, env });
  return stdout;
}
