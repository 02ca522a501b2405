import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadPrices } from "./price-source.ts";

let root = "";
let file = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-prices-"));
  file = join(root, "vouchtrail.yaml");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const AT = "2026-06-01T00:00:00Z";
const refuse = (message: string): never => {
  throw new Error(message);
};

test("MAPPING-42: the table of the configuration comes before the shipped prices", async () => {
  await writeFile(
    file,
    "prices:\n  - { model: claude-opus-4-6*, from: 2026-01-01, inputUsd: 1, outputUsd: 2, cacheReadUsd: 0, cacheWriteUsd: 1.5, cacheWrite1hUsd: 3 }\n",
  );
  for (const find of [await loadPrices(file, {}, refuse), await loadPrices(undefined, { VOUCHTRAIL_CONFIG: file }, refuse)]) {
    expect(find("claude-opus-4-6", AT)).toMatchObject({ inputUsd: 1, cacheWrite1hUsd: 3 });
    expect(find("claude-opus-4-5-20251101", AT)).toMatchObject({ inputUsd: 5 });
  }
  expect((await loadPrices(undefined, {}, refuse))("claude-opus-4-6", AT)).toMatchObject({ inputUsd: 5 });
});

test("MAPPING-42: a file that was named must be valid; one that was not is told and passed over", async () => {
  await writeFile(file, "prices:\n  - { model: m, from: yesterday, inputUsd: 1, outputUsd: 2, cacheReadUsd: 0, cacheWriteUsd: 1 }\n");
  await expect(loadPrices(file, {}, refuse)).rejects.toMatchObject({ code: "CONFIG_INVALID", path: "prices.0.from" });
  const warnings: string[] = [];
  const find = await loadPrices(undefined, { VOUCHTRAIL_CONFIG: file }, (message) => void warnings.push(message));
  expect(find("claude-opus-4-6", AT)).toMatchObject({ inputUsd: 5 });
  expect(warnings).toEqual([expect.stringContaining("prices.0.from")]);
});
