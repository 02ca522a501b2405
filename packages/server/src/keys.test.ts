import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KEYS_FILE, openKeyStore } from "./keys.ts";
import { nodeFileSystem } from "./ledger/file-system.ts";

const AT = "2026-01-01T00:00:00.000Z";
let folder = "";
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "vouchtrail-keys-")), "secrets");
});
afterEach(async () => {
  await rm(join(folder, ".."), { recursive: true, force: true });
});

test("KEY-1: a key is stored hashed, readable by its owner only, and gives its bounds to whoever holds it", async () => {
  const store = openKeyStore(folder);
  const { record, secret } = await store.create(
    { name: "ci", scopes: ["ingest"], tenant: "north", source: "billing", actorTypes: ["agent"] },
    AT,
  );
  const path = join(folder, KEYS_FILE);
  expect(await readFile(path, "utf8")).not.toContain(secret.slice(12));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await openKeyStore(folder).authenticate(secret)).toEqual({
    key: record.id,
    scopes: new Set(["ingest"]),
    tenant: "north",
    source: "billing",
    actorTypes: new Set(["agent"]),
  });
});

test("KEY-1: one changed character of a key, its id alone and nothing are refused", async () => {
  const store = openKeyStore(folder);
  const { record, secret } = await store.create({ name: "", scopes: ["read"] }, AT);
  for (const wrong of [`${secret}x`, secret.slice(0, -1), secret.toUpperCase(), record.id, record.hash, ""]) {
    await expect(store.authenticate(wrong)).rejects.toMatchObject({ code: "KEY_INVALID" });
  }
});

test("KEY-2: what another process changes in the file is seen after a second", async () => {
  let nowMs = 0;
  const server = openKeyStore(folder, nodeFileSystem, () => nowMs);
  const { secret, record } = await openKeyStore(folder).create({ name: "a", scopes: ["read"] }, AT);
  await server.authenticate(secret);
  await openKeyStore(folder).revoke(record.id, AT);
  await server.authenticate(secret);
  nowMs += 1_000;
  await expect(server.authenticate(secret)).rejects.toMatchObject({ code: "KEY_INVALID" });
});

test("KEY-2: a secret that was revoked and is adopted again is a key again", async () => {
  const store = openKeyStore(folder);
  const key = { name: "administration", scopes: ["admin" as const] };
  const first = await store.adopt("a-secret-of-the-operator", key, AT);
  expect((await store.adopt("a-secret-of-the-operator", key, AT)).id).toBe(first.id);
  await store.revoke(first.id, AT);
  const second = await store.adopt("a-secret-of-the-operator", key, AT);
  expect(second.id).not.toBe(first.id);
  expect((await store.authenticate("a-secret-of-the-operator")).key).toBe(second.id);
  await expect(store.adopt("short", key, AT)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test("KEY-2: revoking an unknown key and a file that is no key file are told as such", async () => {
  const store = openKeyStore(folder);
  await store.create({ name: "a", scopes: ["read"] }, AT);
  await expect(store.revoke("00000000", AT)).rejects.toMatchObject({ code: "NOT_FOUND" });
  for (const text of ["", "{}", '{"format":"vouchtrail-keys/2","keys":[]}', "[1"]) {
    await writeFile(join(folder, KEYS_FILE), text);
    await expect(openKeyStore(folder).list()).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
  }
});
