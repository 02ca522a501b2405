import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, whyNot } from "./browser.ts";
import { afternoon, fill } from "./trail.ts";

describe.skipIf(whyNot !== undefined)("the live tail in Chromium", () => {
  let server: TestServer;
  let browser: Browser;
  let base = "";

  beforeAll(async () => {
    server = await startTestServer();
    base = server.running.url;
    await fill(server, afternoon());
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  test("PAGE-13: new entries that match appear on top and are announced, and others do not", async () => {
    const { page, context, faults } = await openPage(browser, base, "/#q=actor%3Alive-1");
    await page.locator("#live").click();
    await page.locator("#live-status:has-text('new entries appear on top')").waitFor();
    expect(await page.locator("#live").getAttribute("aria-pressed")).toBe("true");
    await server.post([
      eventOf({ action: "first.one", actor: { type: "agent", id: "live-1" } }),
      eventOf({ action: "of.others", actor: { type: "agent", id: "live-2" } }),
      eventOf({ action: "second.one", actor: { type: "agent", id: "live-1" } }),
    ]);
    await page.locator("#rows tr").nth(1).waitFor();
    expect(await page.locator("#rows .cell-action").allTextContents()).toEqual(["second.one", "first.one"]);
    expect(await page.locator("#announcement").textContent()).toMatch(/^\d new entr(?:y|ies)\.$/);
    expect(await page.locator("#announcement").getAttribute("aria-live")).toBe("polite");

    await page.locator("#rows a").first().click();
    await page.locator("#event .proof[data-state=good]").waitFor();
    await server.post([eventOf({ action: "third.one", actor: { type: "agent", id: "live-1" } })]);
    await page.locator("#rows tr").nth(2).waitFor();
    expect(await page.locator("#rows tr.open .cell-action").textContent()).toBe("second.one");

    await page.locator("#live").click();
    await page.locator("#live-status:has-text('Live')").waitFor({ state: "detached" });
    expect(page.url()).not.toContain("live=1");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-13: the tail begins where the search ended, so nothing is left out or listed twice", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    // What arrives between the answer of the search and the first byte of the tail.
    await page.route("**/api/v1/tail*", async (route) => {
      await server.post([eventOf({ action: "in.between", actor: { type: "agent", id: "gap" } })]);
      await route.continue();
    });
    await page.goto(`${base}/#q=actor%3Agap&live=1`);
    await page.locator("#rows :text('in.between')").waitFor();
    await server.post([eventOf({ action: "after.wards", actor: { type: "agent", id: "gap" } })]);
    await page.locator("#rows :text('after.wards')").waitFor();
    expect(await page.locator("#rows .cell-action").allTextContents()).toEqual(["after.wards", "in.between"]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-13: a connection that breaks is made again behind the last entry", async () => {
    const { page, context } = await openPage(browser, base, "/");
    const asked: string[] = [];
    await page.route("**/api/v1/tail*", async (route) => {
      asked.push(new URL(route.request().url()).searchParams.get("after") ?? "");
      if (asked.length === 1) {
        // A true stream that ends in the middle of its second entry.
        const [id = ""] = await fill(server, [eventOf({ action: "before.break", actor: { type: "agent", id: "broken" } })]);
        const view = await server.get(id);
        const body = `id: ${view.index - 1}\n\nid: ${view.index}\ndata: ${JSON.stringify(view)}\n\nid: ${view.index + 1}\ndata: {"ev`;
        await route.fulfill({ status: 200, contentType: "text/event-stream", body });
      } else if (asked.length === 2) await route.abort();
      else await route.continue();
    });
    await page.goto(`${base}/#q=actor%3Abroken&live=1`);
    await page.locator("#rows :text('before.break')").waitFor();
    await server.post([eventOf({ action: "after.break", actor: { type: "agent", id: "broken" } })]);
    await page.locator("#rows :text('after.break')").waitFor();
    expect(await page.locator("#rows .cell-action").allTextContents()).toEqual(["after.break", "before.break"]);
    expect(asked.length).toBe(3);
    expect(Number(asked[1])).toBeGreaterThan(Number(asked[0]));
    expect(asked[2]).toBe(asked[1]);
    await context.close();
  });

  test("PAGE-13: at most 500 rows are kept, the newest ones", async () => {
    const { page, context, faults } = await openPage(browser, base, "/#q=actor%3Amany&live=1");
    await page.locator("#live-status:has-text('new entries appear on top')").waitFor();
    await server.post(Array.from({ length: 620 }, (_, i) => eventOf({ action: `many.${i}`, actor: { type: "agent", id: "many" } })));
    await page.locator("#rows :text-is('many.619')").waitFor();
    expect(await page.locator("#rows tr").count()).toBe(500);
    expect(await page.locator("#rows tr .cell-action").last().textContent()).toBe("many.120");
    expect(await page.locator("#older").isVisible()).toBe(false);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-13: an order that has no top says why live does nothing", async () => {
    const { page, context, faults } = await openPage(browser, base, "/#q=order%3Aoldest&live=1");
    await page.locator("#live-status:has-text('newest first')").waitFor();
    expect(await page.locator("#rows tr").count()).toBe(50);
    expect(faults).toEqual([]);
    await context.close();
  });
});
