import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, whyNot } from "./browser.ts";
import { afternoon, fill } from "./trail.ts";

describe.skipIf(whyNot !== undefined)("searching in Chromium", () => {
  let server: TestServer;
  let browser: Browser;
  let base = "";
  const events = afternoon();
  /** How many events of the afternoon a test holds for, looking at their JSON. */
  const countOf = (...patterns: readonly RegExp[]): number =>
    events.filter((event) => patterns.every((pattern) => pattern.test(JSON.stringify(event)))).length;

  beforeAll(async () => {
    server = await startTestServer();
    base = server.running.url;
    await fill(server, events);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  test("PAGE-14: the list is newest first, says how each ended as text with a shape, and what counts", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    const rows = page.locator("#rows tr");
    expect(await rows.count()).toBe(50);
    expect(await page.locator("#status").textContent()).toBe("50 entries; there are more.");
    expect(await rows.nth(0).locator("td").allTextContents()).toEqual([
      "2026-03-01 14:00:00",
      "ai.tool_call",
      "agent-orchid agent",
      "Bash tool",
      "✓success",
      "Bash",
      "session-1",
      "told again",
    ]);
    expect(await rows.nth(1).locator(".cell-counting").textContent()).toBe("counted");
    expect(await rows.nth(0).locator("time").getAttribute("title")).toContain("2026-03-01T13:00:00.000Z");
    const shapes = await page.locator(".outcome").allTextContents();
    expect(new Set(shapes)).toEqual(new Set(["✓success", "✕failure", "⊘denied", "◐partial"]));

    await page.locator("#older").click();
    await page.locator("#older").waitFor({ state: "hidden" });
    const times = await page.locator("#rows tr .cell-time").allTextContents();
    expect(times.length).toBe(62);
    expect(await rows.last().locator(".cell-counting").textContent()).toBe("no deed");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-14: reads of the trail are left out until they are asked for", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    expect(await page.locator("#rows").textContent()).not.toContain("audit.log.read");
    await page.locator("#reads").click();
    await page.locator("#rows :text('audit.log.read')").first().waitFor();
    expect(page.url()).toContain("reads=1");
    await page.locator("#reads:has-text('Leave out')").click();
    await page.locator("#rows :text('audit.log.read')").first().waitFor({ state: "detached" });
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-5: filters, words and phrases of the box find what they say", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    const find = async (text: string): Promise<number> => {
      await page.locator("#query").fill(text);
      // The list is not busy before the search begins either.
      const answered = page.waitForResponse((response) => response.url().includes("/api/v1/events?"));
      await page.locator("#query").press("Enter");
      await answered;
      await page.locator("#results[aria-busy]").waitFor({ state: "detached" });
      return page.locator("#rows tr").count();
    };
    expect(await find("session:session-1 call:call-twice")).toBe(2);
    expect(await find("npm deploy")).toBe(2);
    expect(await find('"npm run deploy" source:hook')).toBe(1);
    expect(await find('"npm deploy"')).toBe(0);
    expect(await find("outcome:!success actor:agent-heron actor:agent-basalt")).toBe(
      countOf(/agent-heron|agent-basalt/, /"status":"(?!success)/),
    );
    expect(await find("label.environment:production")).toBe(countOf(/production/));
    expect(await find("action:user.* outcome:failure code:FORBIDDEN")).toBe(countOf(/"user\.role/, /FORBIDDEN/));
    expect(await find("from:2026-03-01T13:00:00Z to:2026-03-02")).toBe(2);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-6: the fields write into the box and follow it", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.locator("#filter-outcome").selectOption("failure");
    await page.locator("#status:has-text('8 entries.')").waitFor();
    expect(await page.locator("#query").inputValue()).toBe("outcome:failure");
    await page.locator("#filter-tool").fill("Web Fetch");
    await page.locator("#filter-tool").press("Enter");
    await page.locator("#status:has-text('Nothing matches')").waitFor();
    expect(await page.locator("#query").inputValue()).toBe('outcome:failure tool:"Web Fetch"');
    await page.locator("#query").fill("outcome:!success tool:Bash from:2026-03-01T11:00:00Z");
    expect(await page.locator("#filter-outcome").inputValue()).toBe("!success");
    expect(await page.locator("#filter-tool").inputValue()).toBe("Bash");
    expect(await page.locator("#filter-from").inputValue()).toBe("2026-03-01");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-6: a name that the server does not know is shown with its message and the way on", async () => {
    const { page, context, faults } = await openPage(browser, base, "/#q=acton%3Ax", { expectedStatus: [400] });
    const status = page.locator("#status");
    expect(await status.textContent()).toContain('"acton"');
    expect(await status.textContent()).toContain('"action"');
    expect(await status.textContent()).toContain("double quotes");
    await page.locator("#query").fill("cursor:abc");
    await page.locator("#query").press("Enter");
    await page.locator('#status:has-text("not a filter of this page")').waitFor();
    await page.locator("#query").fill('"acton:x"');
    await page.locator("#query").press("Enter");
    await page.locator("#status:has-text('Nothing matches')").waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-7: the address says what is shown, and back and forward go through it", async () => {
    const { page, context, faults } = await openPage(browser, base, "/#q=outcome%3Adenied");
    expect(await page.locator("#query").inputValue()).toBe("outcome:denied");
    expect(await page.locator("#rows tr").count()).toBe(8);
    await page.locator("#query").fill("session:session-2");
    await page.locator("#query").press("Enter");
    await page.locator(`#status:has-text("${countOf(/session-2/)} entries.")`).waitFor();
    await page.locator("#rows a").first().click();
    await page.locator("#event .proof[data-state=good]").waitFor();
    const shared = page.url();
    await page.goBack();
    await page.locator("#event").waitFor({ state: "hidden" });
    await page.goBack();
    await page.locator("#status:has-text('8 entries.')").waitFor();
    expect(await page.locator("#query").inputValue()).toBe("outcome:denied");
    await page.goForward();
    await page.goForward();
    await page.locator("#event .proof[data-state=good]").waitFor();
    expect(page.url()).toBe(shared);
    expect(await page.title()).toBe("session:session-2 · Vouchtrail");
    expect(faults).toEqual([]);
    await context.close();
    const other = await openPage(browser, base, shared.slice(base.length));
    await other.page.locator("#event .proof[data-state=good]").waitFor();
    expect(await other.page.locator("#rows tr").count()).toBe(countOf(/session-2/));
    expect(other.faults).toEqual([]);
    await other.context.close();
  });

  test("PAGE-18: the counts are over deeds, of what was searched for, and the list works without them", async () => {
    const { page, context, faults } = await openPage(browser, base, "/#q=call%3Acall-twice", { expectedStatus: [503] });
    await page.locator("#counts:has-text('1 deed')").waitFor();
    expect(await page.locator("#rows tr").count()).toBe(2);
    await page.route("**/api/v1/stats*", (route) =>
      route.fulfill({ status: 503, json: { error: { code: "QUERY_TIMEOUT", message: "The query took too long.", requestId: "0" } } }),
    );
    await page.locator("#query").press("Enter");
    await page.locator("#counts:has-text('No counts: The query took too long.')").waitFor();
    expect(await page.locator("#rows tr").count()).toBe(2);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-14: an error says what to do, and trying again works", async () => {
    const { page, context } = await openPage(browser, base, "/");
    await page.route("**/api/v1/**", (route) => route.abort());
    await page.locator("#query").press("Enter");
    await page.locator('#status:has-text("cannot be reached")').waitFor();
    expect(await page.locator("#table").isVisible()).toBe(false);
    await page.unroute("**/api/v1/**");
    await page.route("**/api/v1/events?*", (route) => route.fulfill({ status: 200, body: "<html>a proxy</html>" }));
    await page.locator("#status button").click();
    await page.locator('#status:has-text("not JSON")').waitFor();
    await page.unroute("**/api/v1/events?*");
    await page.locator("#status button").click();
    await page.locator("#status:has-text('50 entries')").waitFor();
    expect(await page.locator("#rows tr").count()).toBe(50);
    await context.close();
  });

  test("PAGE-14: of two searches the later one is shown, whichever answer comes first", async () => {
    const { page, context } = await openPage(browser, base, "/");
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(/events\?.*outcome=denied/, async (route) => {
      await held;
      // The page has left this question behind.
      await route.continue().catch(() => undefined);
    });
    await page.locator("#query").fill("outcome:denied");
    await page.locator("#query").press("Enter");
    await page.locator("#query").fill("outcome:failure");
    await page.locator("#query").press("Enter");
    await page.locator("#status:has-text('8 entries.')").waitFor();
    release();
    await page.locator("#filter-tool").fill("Edit");
    await page.locator("#filter-tool").press("Enter");
    await page.locator("#results[aria-busy]").waitFor({ state: "detached" });
    expect(new Set(await page.locator(".cell-outcome").allTextContents())).toEqual(new Set(["✕failure"]));
    await context.close();
  });

  test("PAGE-14: a trail without entries to read says how to send one", async () => {
    const secret = (await server.keys.create({ name: "empty", scopes: ["read"], tenant: "nobody" }, "2026-01-01T00:00:00.000Z")).secret;
    // The server looks at the key file again at its start.
    await server.restart();
    base = server.running.url;
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.evaluate(`sessionStorage.setItem("vouchtrail.key", ${JSON.stringify(secret)})`);
    await page.reload();
    await page.locator("#status:has-text('vouchtrail emit')").waitFor();
    expect(await page.locator("#table").isVisible()).toBe(false);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-17: the state of the ledger is told: signed, searched, ready, and the key", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.locator("#ledger-summary:has-text('signature holds')").waitFor();
    await page.locator("#ledger summary").click();
    const facts = (await page.locator("#ledger-facts").textContent()) ?? "";
    expect(facts).toContain(server.running.ledger.origin);
    expect(facts).toContain(server.running.ledger.vkey);
    expect(facts).toMatch(/✓ holds, with the server's own key/);
    expect(facts).toMatch(/Newest entry seen\d{4}-.* \((?:just now|\d+ s ago|\d+ min ago)\)/);
    expect(facts).toMatch(/Searched\d+ of \d+ entries/);
    expect(facts).toContain("Serverready");

    await page.route("**/readyz", (route) =>
      route.fulfill({
        status: 503,
        json: { ready: false, reasons: [{ code: "DISK_FULL", message: "The disk is nearly full." }], warnings: ["<b>later</b>"] },
      }),
    );
    await page.route("**/tlog/main/checkpoint", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace(/\n(\d+)\n/, "\n1$1\n") });
    });
    await page.reload();
    await page.locator("#ledger-summary:has-text('not ready')").waitFor();
    await page.locator("#ledger summary").click();
    const bad = (await page.locator("#ledger-facts").textContent()) ?? "";
    expect(bad).toContain("The disk is nearly full.");
    expect(bad).toContain("<b>later</b>");
    expect(bad).toContain("✗ does not hold");
    expect(await page.locator("#ledger-summary .light.bad").count()).toBe(1);
    expect(faults.filter((fault) => !fault.includes("503"))).toEqual([]);
    await context.close();
  });

  test("PAGE-16: a value that is clicked becomes a filter, in the list and in the entry", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.locator("#rows .cell-session button").first().click();
    await page.locator(`#status:has-text("${countOf(/session-1/)} entries.")`).waitFor();
    expect(await page.locator("#query").inputValue()).toBe("session:session-1");
    await page.locator("#rows a").first().click();
    await page.locator("#event button[aria-label='Filter by this Call']").click();
    await page.locator("#status:has-text('2 entries.')").waitFor();
    expect(await page.locator("#query").inputValue()).toBe("session:session-1 call:call-twice");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-5: a filter for a value that looks like an opposite finds the value", async () => {
    await fill(server, [eventOf({ actor: { type: "agent", id: '!odd "name" \\' } })]);
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.locator("#rows a").first().click();
    await page.locator("#event button[aria-label='Filter by this Actor']").click();
    await page.locator("#status:has-text('1 entry.')").waitFor();
    expect(await page.locator("#filter-actor").inputValue()).toBe('\\!odd "name" \\');
    expect(faults).toEqual([]);
    await context.close();
  });
});
