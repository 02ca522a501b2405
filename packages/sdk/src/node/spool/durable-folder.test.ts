import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { durabilityOf, isDurableFolder } from "./durable-folder.ts";

const MOUNTS = [
  "overlay / overlay rw,relatime 0 0",
  "/dev/sda1 /var/spool ext4 rw 0 0",
  "tmpfs /var/spool/a\\040b tmpfs rw 0 0",
  "/dev/sdb1 /data weirdfs rw 0 0",
  "tmpfs /data2 tmpfs rw 0 0",
  "/dev/sdc1 /data2 xfs rw 0 0",
  "",
].join("\n");

test.each([
  ["/", "container"],
  ["/app/.vouchtrail-spool", "container"],
  ["/var/spool", "yes"],
  ["/var/spool/x", "yes"],
  ["/var/spooler", "container"],
  ["/var/spool/a b/c", "memory"],
  ["/data/x", "unknown"],
  ["/data2/x", "yes"],
])("SDK-19: %s lies on what is mounted nearest above it: %s", (path, durability) => {
  expect(durabilityOf(path, MOUNTS)).toBe(durability);
});

test("SDK-19: without a known mount the durability of a folder is unknown", () => {
  expect(durabilityOf("/a", "")).toBe("unknown");
  expect(durabilityOf("/a", "x / constructor rw 0 0")).toBe("unknown");
});

test("SDK-19: a folder that does not exist yet lies where it would be made", async () => {
  const folder = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const durability = await isDurableFolder(folder);
  expect(await isDurableFolder(join(folder, "not", "there"))).toBe(durability);
  expect(folder === "/dev/shm" ? durability : "memory").toBe("memory");
});
