import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { readDataDirectory } from "@vouchtrail/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, startTestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, whyNot } from "../page/browser.ts";
import { fill } from "../page/trail.ts";
import { openWorkplace, type Workplace } from "./cli-process.ts";
import { linesOf, notedReads } from "./noted-reads.ts";

const ADMIN_KEY = "vt_test_admin_key_of_the_reads_tests_0000000000";

describe("the command line", () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await openWorkplace();
  });
  afterAll(() => place.close());

  test("READ-1: every command that reads leaves what it asked, once", async () => {
    const server = await place.serve(["--data", "data"], { environment: { VOUCHTRAIL_ADMIN_KEY: ADMIN_KEY } });
    const id = randomUUID();
    const events = [eventOf({ id, context: { sessionId: "s-1" } }), eventOf({ phase: "intent", outcome: { status: "pending" } })];
    await writeFile(place.path("events.ndjson"), events.map((event) => JSON.stringify(event)).join("\n"));
    await writeFile(place.path("admin.key"), ADMIN_KEY);
    // Each with what it asks for; options that say how much comes at a time are the command's own affair.
    const commands: readonly (readonly [command: readonly string[], route: string, parameters: object])[] = [
      [["search", "--wait", "--actor", "agent-7"], "GET /api/v1/events", { actor: "agent-7", wait: "searchable" }],
      [["search", "--session", "s-1", "--all", "--format", "csv"], "GET /api/v1/events", { session: "s-1" }],
      [["stats", "--group", "actor"], "GET /api/v1/stats", { group: "actor" }],
      [["sources"], "GET /api/v1/sources", {}],
      [["effects"], "GET /api/v1/effects", {}],
      [["get", id], "GET /api/v1/events/:id", { id }],
      [["bundle", id], "GET /api/v1/events/:id/bundle", { id }],
      [["proof", id], "GET /api/v1/events/:id/inclusion-proof", { id }],
      [["sql", "SELECT 1", "--key-file", "admin.key"], "POST /api/v1/sql", { sql: "SELECT 1" }],
    ];
    expect(await place.run(["import", "events.ndjson", "--url", server.url])).toMatchObject({ code: 0 });
    for (const [command] of commands) {
      const { code, err } = await place.run([...command, "--url", server.url]);
      expect({ command, code, err: code === 0 ? "" : err }).toEqual({ command, code: 0, err: "" });
    }
    await server.stop();
    const ledger = await readDataDirectory(place.path("data"));
    const noted = await notedReads(ledger);
    await ledger.close();
    expect(noted).toHaveLength(commands.length);
    expect(noted.map(({ reads }) => reads)).toMatchObject(commands.map(([, route, parameters]) => [{ route, parameters, count: 1 }]));
    expect(new Set(noted.map(({ reader }) => reader)).size).toBe(2);
    expect(noted.filter(({ reader }) => reader === "loopback")).toHaveLength(noted.length - 1);
  });

  test("READ-1: looking at the folder itself leaves nothing", async () => {
    const treeSize = async (): Promise<number> => {
      const ledger = await readDataDirectory(place.path("data"));
      const head = await ledger.head();
      await ledger.close();
      return head.treeSize;
    };
    const before = await treeSize();
    expect(await place.run(["verify", "--data", "data"])).toMatchObject({ code: 0 });
    expect(await treeSize()).toBe(before);
  });
});

describe.skipIf(whyNot !== undefined)("the page in Chromium", () => {
  test("READ-3: a page that is left open for an hour leaves a handful of entries", async () => {
    const server = await startTestServer();
    await fill(server, [eventOf(), eventOf()]);
    const browser = await openBrowser();
    const asked: string[] = [];
    const { page, context, faults } = await openPage(browser, server.running.url, "/");
    await page.clock.install();
    page.on("request", (sent) => asked.push(new URL(sent.url()).pathname));
    await page.goto(`${server.running.url}/#live=1`);
    await page.reload();
    await page.locator("#live-status:has-text('new entries appear on top')").waitFor();
    const before = await notedReads(server.running.ledger);
    for (let minute = 0; minute < 60; minute++) {
      await page.clock.runFor(60_000);
      if (minute % 10 === 0) await server.post(eventOf({ action: `minute.${minute}` }));
    }
    await page.locator("#rows :text('minute.50')").waitFor();
    expect(asked.filter((path) => path === "/readyz").length).toBeGreaterThan(10);
    const after = (await notedReads(server.running.ledger)).slice(before.length);
    expect(linesOf(after).length).toBeLessThan(5);
    expect(linesOf(before).length).toBeLessThan(10);
    expect(faults).toEqual([]);
    await context.close();
    await browser.close();
    await server.remove();
  });
});
