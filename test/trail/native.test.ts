import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const packageFolder = fileURLToPath(new URL("../../packages/server/", import.meta.url));

/** Loads the entry, uses it, and tells which native code the process has loaded by then; then what it says once DuckDB is really loaded. */
const PROGRAM = `
  import { randomUUID } from "node:crypto";
  const native = () => process.report.getReport().sharedObjects.filter((path) => /\\.node$|duckdb/.test(path));
  const [entry, dir] = process.argv.slice(1);
  const { openTrail } = await import(entry);
  const trail = await openTrail({ dir, config: { state: dir + "-state" } });
  const id = randomUUID();
  const actor = { type: "user", id: "u" };
  const json = JSON.stringify({ id, action: "a.b", actor, target: { type: "t", id: "1" }, outcome: { status: "success" } });
  const [{ receipt }] = await trail.send([{ id, json }]);
  const { event } = await trail.reader.get(id);
  await trail.close();
  const before = native();
  await import("@duckdb/node-api");
  console.log(JSON.stringify({ index: receipt.index, isSame: event.id === id, before, after: native().length > 0 }));`;

test("SDK-63: a trail opened by @vouchtrail/server/ledger records, reads and closes without any native code in the process", async () => {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-native-"));
  try {
    const entry = join(packageFolder, "dist", "ledger-only.js");
    const options = ["--input-type=module", "-e", PROGRAM, entry, join(folder, "data")];
    const { stdout, stderr } = await run(process.execPath, options, { cwd: packageFolder });
    expect(JSON.parse(stdout)).toEqual({ index: 2, isSame: true, before: [], after: true });
    expect(stderr).toBe("");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
