import { readFile } from "node:fs/promises";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConformanceServer, startConformanceServer } from "./conformance-server.ts";
import { BASELINE, isSuiteRunnable, runSuite, type SuiteRun } from "./conformance-suite.ts";
import { openMcpPlace } from "./server-place.ts";

if (!isSuiteRunnable)
  console.info("The conformance suite of MCP or a Node.js that runs it is not installed: it is not run. Run: node scripts/frameworks.mjs");

/** Scenarios that the suite runs, of which the revision scores 37 and 30. */
const REVISIONS = [
  { revision: "2026-07-28", scenarios: 50 },
  { revision: "2025-11-25", scenarios: 33 },
] as const;

let server: ConformanceServer;

beforeAll(async () => {
  server = await startConformanceServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe.skipIf(!isSuiteRunnable)("the conformance suite", () => {
  const runs = new Map<string, SuiteRun>();
  const runOf = (revision: string): SuiteRun => {
    const run = runs.get(revision);
    if (run === undefined) throw new Error(`Revision ${revision} was not run.`);
    return run;
  };

  beforeAll(async () => {
    await Promise.all(REVISIONS.map(async ({ revision }) => runs.set(revision, await runSuite(server.url, revision))));
  });

  test.each(REVISIONS)("MCP-34: revision $revision fails nowhere but where the baseline says", ({ revision, scenarios }) => {
    const run = runOf(revision);
    // The end of the output says what was unexpected, and what is in the baseline and passes.
    expect({ end: run.output.slice(run.output.indexOf("=== SUMMARY ===")), exitCode: run.exitCode }).toEqual({
      end: expect.stringContaining("Baseline check passed"),
      exitCode: 0,
    });
    expect(run.scenarios.size).toBe(scenarios);
  });

  test("MCP-34: every entry of the baseline is met, by the older revision only", async () => {
    const entries = [...(await readFile(BASELINE, "utf8")).matchAll(/^ +- (\S+)$/gm)].map(([, entry]) => entry);
    expect(entries.length).toBeGreaterThan(0);
    expect(runOf("2025-11-25").expected.toSorted()).toEqual(entries.toSorted());
    expect(runOf("2026-07-28").expected).toEqual([]);
  });

  test.each([
    ["2026-07-28", "json-schema-2020-12"],
    ["2026-07-28", "http-header-validation"],
    ["2026-07-28", "http-custom-header-server-validation"],
    ["2025-11-25", "json-schema-2020-12"],
  ])("MCP-34: revision %s passes %s, which it does not score", (revision, scenario) => {
    expect(runOf(revision).scenarios.get(scenario)).toEqual([]);
  });
});

test("MCP-34: a question to a client of revision 2025-11-25 is refused at once, with the reason", async () => {
  const client = new Client(
    { name: "test", version: "1.0.0" },
    { versionNegotiation: { mode: "legacy" }, capabilities: { elicitation: {}, sampling: {} } },
  );
  client.setRequestHandler("elicitation/create", () => ({ action: "decline" }));
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url)));
  try {
    for (const call of [
      { name: "test_elicitation", arguments: { message: "Who are you?" } },
      { name: "test_sampling", arguments: { prompt: "Who are you?" } },
    ]) {
      expect(await client.callTool(call)).toMatchObject({
        isError: true,
        content: [{ text: expect.stringContaining("cannot receive server-to-client requests") }],
      });
    }
  } finally {
    await client.close();
  }
});

test.each(["auto", "legacy"] as const)(
  "MCP-34: the product's server announces no changes of its lists, which never change (%s)",
  async (era) => {
    await using place = await openMcpPlace();
    const { tools, prompts, resources, logging } = (await place.overHttp(era)).getServerCapabilities() ?? {};
    expect({ tools, prompts, resources, logging }).toEqual({
      tools: { listChanged: false },
      prompts: { listChanged: false },
      resources: { listChanged: false },
      logging: undefined,
    });
  },
);
