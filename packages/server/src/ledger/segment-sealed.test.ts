import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "./file-system.ts";
import { isBodyIntact, openSealed, readBlock, writeSealed } from "./segment-sealed.ts";

const ORIGIN = "example.org/sealed";
let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vouchtrail-sealed-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("SEGMENT-2: blocks are read back, and no changed bit of the file passes", async () => {
  const blocks = Array.from({ length: 3 }, (_, b) =>
    Buffer.from(Array.from({ length: 256 }, (_, i) => `{"n":${b * 256 + i}}\t\t\n`).join("")),
  );
  const file = await nodeFileSystem.openFile(join(directory, "segment"), "create");
  async function* all(): AsyncGenerator<Buffer> {
    yield* blocks;
  }
  await writeSealed(file, { origin: ORIGIN, first: 0, count: 768, system: [5] }, all());
  const isIntact = async (): Promise<boolean> => {
    const segment = await openSealed(file, ORIGIN, 0);
    for (const [i, block] of blocks.entries()) if (!(await readBlock(file, segment, i)).equals(block)) return false;
    return isBodyIntact(file, segment);
  };
  expect(await isIntact()).toBe(true);
  const size = await file.size();
  await fc.assert(
    fc.asyncProperty(fc.nat(size - 1), fc.nat(7), async (at, bit) => {
      const byte = Buffer.alloc(1);
      await file.read(byte, at);
      const changed = Buffer.from([byte[0]! ^ (1 << bit)]);
      await file.write(changed, at);
      const passed = await isIntact().catch(() => false);
      await file.write(byte, at);
      expect(passed).toBe(false);
    }),
    { numRuns: 600 },
  );
  await file.close();
});
