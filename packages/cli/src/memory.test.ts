import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatCheckpoint, type Signer, signNote } from "@vouchtrail/protocol";
import { generateSeed, openRememberedCheckpoints, sha256, signerFromSeed } from "@vouchtrail/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openMemoryFile, openMemoryOf } from "./memory.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-memory-"));
});
afterEach(() => rm(folder, { recursive: true }));

function noteOf(signer: Signer, treeSize: number): string {
  return signNote(formatCheckpoint({ origin: signer.name, treeSize, rootHash: new Uint8Array(32), extensions: [] }), signer, sha256);
}

test("a file remembers the larger checkpoint, whatever order they come in", async () => {
  const signer = signerFromSeed("example.org/log", generateSeed());
  const file = join(folder, "auditor.note");
  const memory = await openMemoryFile(file);
  expect(memory.note).toBeUndefined();
  expect(await memory.remember(noteOf(signer, 7))).toBe(true);
  expect(await memory.remember(noteOf(signer, 5))).toBe(false);
  expect(await readFile(file, "utf8")).toBe(noteOf(signer, 7));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await memory.remember(noteOf(signer, 8))).toBe(true);
  expect((await openMemoryFile(file)).note).toBe(noteOf(signer, 8));
});

test("a file that holds something else is not written over", async () => {
  const file = join(folder, "diary.txt");
  await writeFile(file, "Dear diary");
  const memory = await openMemoryFile(file);
  expect(await memory.remember(noteOf(signerFromSeed("example.org/log", generateSeed()), 7))).toBe(false);
  expect(await readFile(file, "utf8")).toBe("Dear diary");
});

test("the state folder knows what stood at a place, and that outranks what stands there now", async () => {
  const remembered = openRememberedCheckpoints(folder);
  const before = signerFromSeed("example.org/before", generateSeed());
  const first = await openMemoryOf(remembered, folder, "/srv/audit", before.name);
  expect(first).toMatchObject({ note: undefined, origin: undefined });
  expect(await first.remember(noteOf(before, 3))).toBe(true);
  const second = await openMemoryOf(remembered, folder, "/srv/audit", "example.org/after");
  expect(second).toMatchObject({ note: noteOf(before, 3), origin: before.name });
  expect(await second.remember(noteOf(before, 2))).toBe(false);
  // A copy elsewhere is compared with what is known of its origin.
  expect(await openMemoryOf(remembered, folder, "/mnt/copy", before.name)).toMatchObject({ note: noteOf(before, 3), origin: undefined });
});
