import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, whyNot } from "./browser.ts";
import { fill, HOSTILE_TEXTS, hostileEvents } from "./trail.ts";

describe.skipIf(whyNot !== undefined)("hostile content in Chromium", () => {
  let server: TestServer;
  let browser: Browser;
  let base = "";
  let ids: string[] = [];

  beforeAll(async () => {
    server = await startTestServer();
    base = server.running.url;
    ids = await fill(server, hostileEvents());
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  test("PAGE-9: text that would do harm elsewhere is text here, in the list and in every part of an entry", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    expect(await page.locator("#rows tr").count()).toBeGreaterThanOrEqual(HOSTILE_TEXTS.length);
    for (const [i, text] of HOSTILE_TEXTS.entries()) {
      await page.goto(`${base}/#event=${ids[i]}`);
      await page.locator(".proof[data-state=good]").waitFor();
      await page.locator(".raw summary").click();
      await page.evaluate(`for (const more of document.querySelectorAll("#event .more")) while (!more.hidden) more.click()`);
      if (text.startsWith("<")) expect(await page.locator("#event-content").textContent()).toContain(text);
      // What markup of the trail would have made.
      expect(await page.locator("#event :is(img, script, svg, iframe, b, i, object, embed)").count()).toBe(0);
      expect(await page.locator("#rows :is(img, script, svg, iframe, b, i)").count()).toBe(0);
      const links = (await page.evaluate(`[...document.querySelectorAll("a")].map((a) => a.getAttribute("href"))`)) as string[];
      expect(links.filter((href) => !/^(?:#|blob:http:\/\/127\.0\.0\.1)/.test(href))).toEqual([]);
      expect(await page.evaluate("document.body.textContent")).not.toMatch(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
      );
    }
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-9: 100 KB in one value are folded, and the row stays one line", async () => {
    const { page, context, faults } = await openPage(browser, base, `/#event=${ids.at(-1)}`);
    await page.locator(".proof[data-state=good]").waitFor();
    const long = page.locator(".folded").first();
    expect(((await long.locator(".value").textContent()) ?? "").length).toBeLessThan(500);
    await long.locator(".more").click();
    expect(((await long.locator(".value").textContent()) ?? "").length).toBeGreaterThan(100_000);
    expect(await long.locator(".more").isVisible()).toBe(false);
    const height = (await page.locator("#rows tr").first().boundingBox())?.height ?? 0;
    expect(height).toBeGreaterThan(10);
    expect(height).toBeLessThan(60);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-9: what an address says is not markup either", async () => {
    const address = `/#q=${encodeURIComponent('<img src=x onerror="alert(1)">')}&event=${encodeURIComponent("<svg onload=alert(2)>")}&tenant=%3Cb%3E`;
    const { page, context, faults } = await openPage(browser, base, address, { expectedStatus: [400, 404] });
    await page.locator("#event-title:has-text('cannot be shown')").waitFor();
    expect(await page.locator("main :is(img, svg, b)").count()).toBe(0);
    expect(await page.title()).toContain("<img");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-2: a script that got in would not run, and nothing would be loaded from elsewhere", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    const tries = [
      `document.body.innerHTML = "<b>x</b>"`,
      `document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=alert(1)>")`,
      `document.createElement("script").textContent = "alert(1)"`,
      `document.createElement("script").src = "/page/x.js"`,
      `setTimeout("alert(1)")`,
      `document.body.setAttribute("onclick", "alert(1)")`,
    ];
    for (const code of tries) await expect(page.evaluate(`(() => { ${code} })()`), code).rejects.toThrow(/Trusted/);
    await page.evaluate(`(() => {
      const image = document.createElement("img");
      image.src = "http://example.invalid/x.png";
      const script = document.createElement("style");
      script.textContent = "body { display: none }";
      document.body.append(image, script);
      return fetch("http://example.invalid/").catch(() => undefined);
    })()`);
    const wanted = ["connect-src", "img-src", "require-trusted-types-for", "style-src-elem"];
    const breaches = (): string[] => faults.flatMap((fault) => /^console: policy: (.+)$/.exec(fault)?.[1] ?? []);
    await expect.poll(() => [...new Set(breaches())].sort()).toEqual(wanted);
    expect(faults.filter((fault) => fault.startsWith("dialog"))).toEqual([]);
    await context.close();
  });
});
