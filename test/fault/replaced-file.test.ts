import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { replaceFile } from "../../packages/server/src/ledger/file-system.ts";
import { createRandom, FAULTS } from "./faulty-file-system.ts";
import { makePlace } from "./ledger-witness.ts";

const STEPS = 6; // remove, create, write, sync, rename, syncDirectory

test.each(FAULTS)(
  "DURABLE-1: a replaced file is the old or the new one, whole, when any step of it %s and power is lost",
  async (fault) => {
    for (let n = 0; n < STEPS; n++) {
      for (let seed = 0; seed < 5; seed++) {
        const place = await makePlace();
        const path = join(place.data, "file");
        const [old, fresh] = [Buffer.alloc(3_000, "old "), Buffer.alloc(5_000, "fresh ")];
        await writeFile(path, old);
        const fileSystem = await place.faulty();
        fileSystem.arm(fault, (_step, i) => i === n);
        await expect(replaceFile(fileSystem, path, fresh)).rejects.toThrow("injected");
        await fileSystem.losePower(seed === 0 ? undefined : createRandom(seed));
        const bytes = await readFile(path);
        expect(bytes.equals(old) || bytes.equals(fresh)).toBe(true);
        await place.remove();
      }
    }
  },
);

test("DURABLE-1: a replaced file survives a loss of power as soon as it is replaced", async () => {
  const place = await makePlace();
  const path = join(place.data, "file");
  const fileSystem = await place.faulty();
  await replaceFile(fileSystem, path, Buffer.from("fresh"));
  expect(fileSystem.steps).toHaveLength(STEPS);
  await fileSystem.losePower();
  expect(await readFile(path, "utf8")).toBe("fresh");
  await place.remove();
});
