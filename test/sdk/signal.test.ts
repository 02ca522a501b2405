import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openTrailServer } from "./trail-server.ts";

const PROCESS = fileURLToPath(new URL("./signal-process.mjs", import.meta.url));

test.each(["SIGTERM", "SIGINT"] as const)(
  "SDK-47: a process that is told to stop by %s sends what is buffered first, and ends by that signal",
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), "vouchtrail-signal-"));
    await using trail = await openTrailServer();
    const child = fork(PROCESS, [trail.url, join(folder, "spool")], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
    try {
      expect((await once(child, "message"))[0]).toBe("buffered");
      expect(trail.events()).toEqual([]);
      child.kill(signal);
      expect(await once(child, "exit")).toEqual([null, signal]);
      expect(trail.events()).toHaveLength(1);
      expect([...trail.stored.values()].at(-1)?.action).toBe("audit.source.stopped");
    } finally {
      child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    }
  },
);
