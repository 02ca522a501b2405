import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, takePicture, whyNot } from "./browser.ts";
import { afternoon, fill } from "./trail.ts";

/**
 * The contrast of every text that is seen, by WCAG 2.2: `[text, ratio]` where it is below 4.5, and how many were looked at. Runs in the page.
 * Backgrounds are those of the nearest element that has an opaque one.
 */
const FAINT_TEXTS = `(() => {
  const channels = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const backgroundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  let count = 0;
  for (const element of document.querySelectorAll("body *")) {
    const isPlaceholder = element.matches("input") && element.value === "" && element.placeholder !== "";
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if ((!hasText && !isPlaceholder) || !element.checkVisibility() || element.closest(".visually-hidden, [aria-hidden=true] svg")) continue;
    const style = getComputedStyle(element, isPlaceholder ? "::placeholder" : null);
    const [a, b] = [luminance(channels(style.color)), luminance(backgroundOf(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    count += 1;
    if (ratio < 4.5) faint.push([element.tagName + "." + element.className + ": " + element.textContent.slice(0, 30), Math.round(ratio * 100) / 100]);
  }
  return { faint, count };
})()`;

describe.skipIf(whyNot !== undefined)("how the page looks in Chromium", () => {
  let server: TestServer;
  let browser: Browser;
  let base = "";
  let ids: string[] = [];

  beforeAll(async () => {
    server = await startTestServer();
    base = server.running.url;
    ids = await fill(server, afternoon());
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  async function expectContrast(page: Page, countMin: number): Promise<void> {
    const { faint, count } = (await page.evaluate(FAINT_TEXTS)) as { faint: unknown[]; count: number };
    expect(faint).toEqual([]);
    expect(count).toBeGreaterThan(countMin);
  }
  const sidewaysPixels = (page: Page): Promise<unknown> => page.evaluate("document.documentElement.scrollWidth - innerWidth");

  test.each(["light", "dark"] as const)("PAGE-19: every text of the page has contrast in the %s scheme", async (colorScheme) => {
    const { page, context, faults } = await openPage(browser, base, "/", { colorScheme });
    await page.locator("#ledger-summary:has-text('signature holds')").waitFor();
    await expectContrast(page, 300);
    await takePicture(page, `list-${colorScheme}`);
    await page.goto(`${base}/#event=${ids[57]}`);
    await page.locator(".proof[data-state=good]").waitFor();
    await page.locator(".proof button:has-text('Show values')").click();
    await expectContrast(page, 300);
    await page.locator(".proof button:has-text('Hide values')").click();
    await takePicture(page, `entry-${colorScheme}`);
    await page.locator("#ledger summary").click();
    await expectContrast(page, 300);
    await takePicture(page, `ledger-${colorScheme}`);
    await page.keyboard.press("Escape");

    await page.route("**/bundle", (route) => route.fulfill({ json: { format: "x" } }));
    await page.goto(`${base}/#event=${ids[56]}`);
    await page.locator(".proof[data-state=bad]").waitFor();
    await expectContrast(page, 300);
    await takePicture(page, `fault-${colorScheme}`);
    await page.goto(`${base}/#q=acton%3Ax`);
    await page.locator("#status.notice").waitFor();
    await expectContrast(page, 20);
    await takePicture(page, `error-${colorScheme}`);
    expect(faults.filter((fault) => !fault.includes("status of 400"))).toEqual([]);
    await context.close();
  });

  test.each([
    [360, 740, "narrow"],
    [720, 450, "zoomed to 200 percent"],
  ] as const)("PAGE-19: at a width of %i pixels everything is there and nothing runs out of the side", async (width, height, name) => {
    const { page, context, faults } = await openPage(browser, base, "/", { width, height });
    await page.locator("#ledger-summary:has-text('signature holds')").waitFor();
    expect(await sidewaysPixels(page)).toBe(0);
    const row = page.locator("#rows tr").first();
    for (const part of ["action", "outcome", "actor", "time", "target"])
      expect(await row.locator(`.cell-${part}`).isVisible(), part).toBe(true);
    expect(await page.getByRole("row").count()).toBe(51);
    await takePicture(page, `${name.split(" ")[0]}-list`);
    await page.locator("#ledger summary").click();
    expect(await sidewaysPixels(page)).toBe(0);
    await page.keyboard.press("Escape");

    await page.goto(`${base}/#event=${ids[57]}`);
    await page.locator(".proof[data-state=good]").waitFor();
    expect(await page.locator("#results").isVisible()).toBe(false);
    expect(await sidewaysPixels(page)).toBe(0);
    await takePicture(page, `${name.split(" ")[0]}-entry`);
    // The box gave way to the entry, and is still one key away.
    await page.keyboard.press("/");
    await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("query");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-19: every control has a name, headings have an order, and the parts of the page are landmarks", async () => {
    const { page, context, faults } = await openPage(browser, base, `/#event=${ids[57]}`);
    await page.locator(".proof[data-state=good]").waitFor();
    const nameless = await page.evaluate(`[...document.querySelectorAll("input, select, button, a, summary")]
      .filter((e) => e.checkVisibility() && !e.labels?.length && !e.getAttribute("aria-label") && e.textContent.trim() === "").map((e) => e.outerHTML)`);
    expect(nameless).toEqual([]);
    const levels = (await page.evaluate(
      `[...document.querySelectorAll("h1, h2, h3, h4")].filter((e) => e.checkVisibility()).map((e) => Number(e.tagName[1]))`,
    )) as number[];
    expect(levels[0]).toBe(1);
    expect(levels.filter((level, i) => level > (levels[i - 1] ?? 1) + 1)).toEqual([]);
    for (const role of ["banner", "main", "search", "contentinfo", "table"] as const)
      expect(await page.getByRole(role).count(), role).toBe(1);
    expect(await page.getByRole("region").count()).toBeGreaterThanOrEqual(2);
    expect(await page.getByRole("columnheader").count()).toBeGreaterThanOrEqual(5);
    expect(await page.getAttribute("html", "lang")).toBe("en");
    const ids_ = (await page.evaluate(`[...document.querySelectorAll("[id]")].map((e) => e.id)`)) as string[];
    expect(ids_.filter((id, i) => ids_.indexOf(id) !== i)).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test.each([
    ["no-preference", "arrive"],
    ["reduce", "none"],
  ] as const)("PAGE-19: with %s for motion a new row has the animation %s", async (reducedMotion, animation) => {
    const { page, context, faults } = await openPage(browser, base, "/", { reducedMotion });
    expect(
      await page.evaluate(`(() => {
      const row = document.querySelector("#rows tr");
      row.classList.add("new");
      return getComputedStyle(row).animationName;
    })()`),
    ).toBe(animation);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-4: the list is there before the libraries, and the whole page is small", async () => {
    const { page, context, sizes, faults } = await openPage(browser, base, "/");
    await page.locator("#ledger-summary:has-text('signature holds')").waitFor();
    const names = [...sizes.keys()];
    expect(names.indexOf("result-table.js")).toBeLessThan(names.findIndex((name) => name.startsWith("noble-")));
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(400_000);
    expect(faults).toEqual([]);
    await context.close();
  });
});
