import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { readProcessTree, readThreads, sumUsage } from "./process-tree.ts";

/** Works for a while, tells its id, and ends with its input. */
const WORKER = `
process.stdin.resume();
for (let sum = 0, end = performance.now() + 300; performance.now() < end; ) sum += Math.sqrt(sum + 1);
process.stdout.write(String(process.pid));
`;
/** Starts the worker on its own input and output. */
const PARENT = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(WORKER)}], { stdio: ["inherit", "inherit", "inherit"] });`;

test("the tree of a process holds the children of its children, with their time and memory", async () => {
  const parent = spawn(process.execPath, ["-e", PARENT], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [told] = (await once(parent.stdout, "data")) as [Buffer];
    const worker = Number(told.toString());
    const tree = await readProcessTree(process.pid);
    expect(tree[0]?.pid).toBe(process.pid);
    expect(tree.map(({ pid }) => pid)).toContain(parent.pid);
    const usage = tree.find(({ pid }) => pid === worker);
    expect(usage?.cpuUs).toBeGreaterThanOrEqual(100_000);
    expect(usage?.residentBytes).toBeGreaterThan(10_000_000);
    expect(usage?.residentPeakBytes).toBeGreaterThanOrEqual(usage?.residentBytes ?? Number.NaN);
    const threads = await readThreads(worker);
    expect(threads.length).toBeGreaterThan(1);
    expect(Math.max(...threads.map(({ cpuUs }) => cpuUs))).toBeGreaterThanOrEqual(100_000);
  } finally {
    parent.stdin.end();
    parent.kill();
  }
});

test("a tree's sum is that of its processes, and a process that is not there has none", async () => {
  const one = { pid: 1, cpuUs: 10, residentBytes: 20, residentPeakBytes: 30 };
  expect(sumUsage([one, { ...one, cpuUs: 5 }])).toEqual({ cpuUs: 15, residentBytes: 40, residentPeakBytes: 60 });
  // Larger than any process id that Linux gives.
  expect(sumUsage(await readProcessTree(2 ** 22 + 1))).toEqual({ cpuUs: 0, residentBytes: 0, residentPeakBytes: 0 });
});
