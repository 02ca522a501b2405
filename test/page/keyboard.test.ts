import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, whyNot } from "./browser.ts";
import { afternoon, fill } from "./trail.ts";

describe.skipIf(whyNot !== undefined)("the keyboard in Chromium", () => {
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

  const rowWithFocus = (page: Page): Promise<unknown> =>
    page.evaluate(`[...document.querySelectorAll("#rows tr")].indexOf(document.activeElement.closest("tr"))`);
  const focus = (page: Page): Promise<unknown> => page.evaluate("document.activeElement.id || document.activeElement.tagName");

  test("PAGE-15: a walk with the keyboard alone: search, move, open, close, go on", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    const { keyboard } = page;
    await keyboard.press("/");
    expect(await focus(page)).toBe("query");
    await keyboard.type("session:session-2 j/k");
    expect(await page.locator("#query").inputValue()).toBe("session:session-2 j/k");
    await keyboard.press("Escape");
    expect(await focus(page)).toBe("BODY");
    await keyboard.press("/");
    await keyboard.type("session:session-1");
    await keyboard.press("Enter");
    await page.locator("#results[aria-busy]").waitFor({ state: "detached" });
    await keyboard.press("Escape");

    await keyboard.press("j");
    expect(await rowWithFocus(page)).toBe(0);
    await keyboard.press("k");
    expect(await rowWithFocus(page)).toBe(0);
    await keyboard.press("j");
    await keyboard.press("ArrowDown");
    await keyboard.press("j");
    await keyboard.press("ArrowUp");
    expect(await rowWithFocus(page)).toBe(2);
    await keyboard.press("Enter");
    await page.locator("#event .proof[data-state=good]").waitFor();
    expect(await focus(page)).toBe("event-title");
    expect(await page.locator("#rows tr").nth(2).getAttribute("class")).toContain("open");

    await keyboard.press("j");
    expect(await rowWithFocus(page)).toBe(2);
    await keyboard.press("j");
    await keyboard.press("Enter");
    await page.locator("#rows tr:nth-child(4).open").waitFor();
    await keyboard.press("Escape");
    await page.locator("#event").waitFor({ state: "hidden" });
    expect(await rowWithFocus(page)).toBe(3);
    for (let i = 0; i < 60; i++) await keyboard.press("j");
    expect(await rowWithFocus(page)).toBe((await page.locator("#rows tr").count()) - 1);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-15: the tab key goes through the page in its order, the list is one stop, and the focus can be seen", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    const stops: unknown[] = [];
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(`(() => {
        const element = document.activeElement;
        if (element === document.body) return "end";
        const style = getComputedStyle(element);
        const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
        return (element.id || element.closest("tr, details")?.tagName || element.tagName) + (isSeen ? "" : " without outline");
      })()`);
      if (stop === "end") break;
      stops.push(stop);
    }
    // A date field has a stop for each of its parts and one for its calendar.
    const distinct = stops.filter((stop, i) => stop !== stops[i - 1]);
    expect(distinct.slice(0, 3)).toEqual(
      ["skip", "DETAILS", "query"].map((name) => (name === "DETAILS" ? expect.stringMatching(/DETAILS|ledger/) : name)),
    );
    expect(distinct).toEqual(expect.arrayContaining(["live", "filter-actor", "filter-outcome", "filter-from", "filter-to"]));
    expect(stops.filter((stop) => String(stop).includes("without outline"))).toEqual([]);
    const order = await page.evaluate(
      `[...document.querySelectorAll("a, button, input, select, summary, [tabindex]")].filter((e) => e.tabIndex >= 0 && e.checkVisibility()).map((e) => e.closest("tr") ? "row" : e.id || e.tagName)`,
    );
    expect((order as string[]).filter((name) => name === "row")).toHaveLength(1);
    expect((order as string[]).slice(-1)).toEqual(["older"]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-15: the skip link goes to the results and leaves the address as it is", async () => {
    const { page, context, faults } = await openPage(browser, base, "/#q=session%3Asession-1");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await focus(page)).toBe("results");
    expect(page.url()).toContain("session-1");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await rowWithFocus(page)).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-15: keys with a modifier are the browser's, and Escape first closes what lies on top", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.keyboard.press("j");
    await page.keyboard.press("Control+j");
    expect(await rowWithFocus(page)).toBe(0);
    await page.keyboard.press("Enter");
    await page.locator("#event .proof[data-state=good]").waitFor();
    await page.locator("#ledger summary").click();
    expect(await page.locator("#ledger .sheet").isVisible()).toBe(true);
    await page.keyboard.press("Escape");
    expect(await page.locator("#ledger .sheet").isVisible()).toBe(false);
    expect(await page.locator("#event").isVisible()).toBe(true);
    await page.keyboard.press("Escape");
    expect(await page.locator("#event").isVisible()).toBe(false);
    expect(faults).toEqual([]);
    await context.close();
  });
});
