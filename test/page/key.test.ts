import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, whyNot } from "./browser.ts";
import { fill } from "./trail.ts";

describe.skipIf(whyNot !== undefined)("API keys in Chromium", () => {
  let server: TestServer;
  let browser: Browser;
  let base = "";
  let secret = "";
  let writeOnly = "";

  beforeAll(async () => {
    server = await startTestServer({ "http.loopbackWithoutKey": false });
    const at = "2026-01-01T00:00:00.000Z";
    secret = (await server.keys.create({ name: "reader", scopes: ["read", "ingest"] }, at)).secret;
    writeOnly = (await server.keys.create({ name: "writer", scopes: ["ingest"] }, at)).secret;
    // The server looks at the key file again at its start.
    await server.restart();
    base = server.running.url;
    await fill(server, [eventOf({ action: "behind.a.key" })], { authorization: `Bearer ${secret}` });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  test("PAGE-8: where the server asks for a key the page asks too, sends it in a header, and keeps it in the tab only", async () => {
    const { page, context, faults } = await openPage(browser, base, "/", { expectedStatus: [401, 403] });
    const urls: string[] = [];
    page.on("request", (request) => urls.push(request.url()));
    const enter = async (text: string): Promise<void> => {
      await page.locator("#key").fill(text);
      await page.locator("#key").press("Enter");
    };
    await page.locator("#key-form").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("key");
    expect(await page.locator("#key").getAttribute("type")).toBe("password");
    expect(await page.locator("#key-fault").textContent()).toBe("");

    await enter("two words");
    expect(await page.locator("#key-fault").textContent()).toContain("one word");
    await enter("vt_wrong");
    await page.locator("#key-fault:has-text('not known')").waitFor();
    await enter(writeOnly);
    await page.locator("#key-fault:has-text('scope')").waitFor();

    await enter(secret);
    await page.locator("#rows :text('behind.a.key')").waitFor();
    expect(await page.locator("#key-form").isVisible()).toBe(false);
    await page.locator("#rows a:has-text('behind.a.key')").click();
    await page.locator("#event .proof[data-state=good]").waitFor();
    await page.locator("#live").click();
    await page.locator("#live-status:has-text('new entries appear on top')").waitFor();
    await server.post([eventOf({ action: "with.a.key" })], { authorization: `Bearer ${secret}` });
    await page.locator("#rows :text('with.a.key')").waitFor();

    expect(urls.filter((url) => url.includes(secret) || url.includes("vt_wrong"))).toEqual([]);
    expect(page.url()).not.toContain(secret);
    const stored = `[JSON.stringify(localStorage), document.cookie, JSON.stringify(Object.keys(sessionStorage))]`;
    expect(await page.evaluate(stored)).toEqual(["{}", "", '["vouchtrail.key"]']);

    await page.reload();
    await page.locator("#rows :text('with.a.key')").waitFor();
    const tab = await context.newPage();
    await tab.goto(base);
    await tab.locator("#key-form").waitFor();

    await page.locator("#ledger summary").click();
    await page.locator("#key-forget").click();
    await page.locator("#key-form").waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    expect(await page.locator("#rows tr").count()).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });
});
