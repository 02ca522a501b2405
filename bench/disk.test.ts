import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { measureData, measureLedger } from "./disk.ts";

test("each file of a data folder is counted once, as what it is", async () => {
  const data = await mkdtemp(join(tmpdir(), "vouchtrail-disk-"));
  try {
    const put = async (path: string, bytes: number): Promise<void> => {
      await mkdir(join(data, path, ".."), { recursive: true });
      await writeFile(join(data, path), Buffer.alloc(bytes));
    };
    await put("ledger/main/segments/000000000000000.seg", 1_000);
    await put("ledger/main/segments/000000000065536.seg", 200);
    await put("ledger/main/tile/0/000", 30);
    await put("ledger/main/checkpoint", 4);
    await put("index/000000000000000.duckdb", 500_000);
    await put("index/000000000000000.duckdb.wal", 60_000);
    await put("index/ids/one", 7_000);
    await put("followers/search.json", 80);
    expect(await measureLedger(data, 65_636)).toEqual({
      activeBytes: 200,
      activeEntries: 100,
      sealedBytes: 1_000,
      sealedEntries: 65_536,
      tileBytes: 30,
      otherBytes: 7_080,
      searchBytes: 560_000,
    });
    expect(await measureData(data)).toEqual({ ledgerBytes: 1_234, searchBytes: 560_000 });
  } finally {
    await rm(data, { recursive: true });
  }
});
