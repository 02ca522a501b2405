import { readFile } from "node:fs/promises";
import type { EvidenceBundle } from "@vouchtrail/protocol";
import { formatVkey } from "@vouchtrail/protocol";
import { generateSeed, sealSystemEntry, sha256, signerFromSeed, verifyBundleFile } from "@vouchtrail/server";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, startTestServer, type TestServer } from "../hostile/running-server.ts";
import { openBrowser, openPage, whyNot } from "./browser.ts";
import { afternoon, fill } from "./trail.ts";

describe.skipIf(whyNot !== undefined)("one entry in Chromium", () => {
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

  const verdictOf = async (page: Page): Promise<string> => {
    await page.locator(".proof[data-state=good], .proof[data-state=bad], .proof[data-state=open]").waitFor();
    return (await page.locator(".proof .verdict").textContent()) ?? "";
  };
  /** Steps that do not hold, as they are titled. */
  const brokenSteps = (page: Page): Promise<string[]> => page.locator(".steps .bad .step-title").allTextContents();

  test("PAGE-10: the proof is checked in the browser, each step is shown, and the bundle can be taken elsewhere", async () => {
    const { page, context, faults } = await openPage(browser, base, `/#event=${ids[4]}`);
    expect(await verdictOf(page)).toMatch(/^✓ Verified: in the signed ledger of \d+ entries, exactly as shown$/);
    expect(await page.locator(".steps li.good").count()).toBe(7);
    expect(await page.locator(".steps .values").first().isVisible()).toBe(false);
    await page.locator(".proof button:has-text('Show values')").click();
    const { leafHash } = await server.get(ids[4] ?? "");
    expect(await page.locator(".steps").textContent()).toContain(leafHash);
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("a:has-text('Download bundle')").click()]);
    expect(download.suggestedFilename()).toMatch(/^vouchtrail-\d+\.json$/);
    const report = await verifyBundleFile(await readFile(await download.path(), "utf8"), { vkey: server.running.ledger.vkey });
    expect(report).toMatchObject({ verdict: "holds-unremembered", findings: [] });
    expect(faults).toEqual([]);
    await context.close();
  });

  test.each<readonly [what: string, change: (bundle: EvidenceBundle) => unknown, title: string]>([
    ["leaf", (b) => ({ ...b, leaf: b.leaf.replace("ai.tool_call", "ai.tool_cell") }), "The leaf has the hash that was told"],
    [
      "section",
      (b) => ({ ...b, disclosures: { content: b.disclosures.content?.replace("/srv/", "/etc/") } }),
      "Each section matches its digest in the leaf",
    ],
    ["path", (b) => ({ ...b, inclusionProof: b.inclusionProof.replace(/^[A-Za-z0-9+/]{43}=$/m, `${"A".repeat(43)}=`) }), "The path leads"],
    [
      "signature",
      (b) => ({ ...b, inclusionProof: b.inclusionProof.replace(/(— \S+ \S{30})(.)/, (_, a, c) => a + (c === "A" ? "B" : "A")) }),
      "The root is signed",
    ],
  ])("PAGE-10: a changed %s shows ✗ and names the step", async (_, change, title) => {
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.route("**/bundle", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: change((await response.json()) as EvidenceBundle) });
    });
    await page.goto(`${base}/#event=${ids[5]}`);
    const verdict = await verdictOf(page);
    expect(verdict).toMatch(/^✗ Not verified/);
    expect(verdict).toContain(title);
    expect((await brokenSteps(page))[0]).toContain(title);
    expect(await page.locator(".steps .bad .fault").first().isVisible()).toBe(true);
    expect(await page.locator(".proof .meaning").textContent()).toContain("Do not rely on");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-11: an event that is shown otherwise than it was sealed is found, though its proof is true", async () => {
    const { page, context, faults } = await openPage(browser, base, "/");
    await page.route(new RegExp(`/events/${ids[5]}(\\?|$)`), async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace("agent-basalt", "agent-heron") });
    });
    await page.goto(`${base}/#event=${ids[5]}`);
    expect(await verdictOf(page)).toContain("What is shown here is what was sealed");
    expect(await page.locator(".steps .bad .fault").textContent()).toBe('What is shown at "actor.id" is not what was sealed.');
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-11: a true bundle of another entry does not do", async () => {
    const { page, context } = await openPage(browser, base, "/");
    await page.route("**/bundle", async (route) => {
      const response = await route.fetch({
        url: route
          .request()
          .url()
          .replace(ids[5] ?? "", ids[6] ?? ""),
      });
      await route.fulfill({ response });
    });
    await page.goto(`${base}/#event=${ids[5]}`);
    expect(await verdictOf(page)).toMatch(/^✗/);
    await context.close();
  });

  test("PAGE-10: without a bundle the proof is open, and the entry is shown all the same", async () => {
    const { page, context } = await openPage(browser, base, "/");
    await page.route("**/bundle", (route) =>
      route.fulfill({
        status: 503,
        json: { error: { code: "CHECKPOINT_TIMEOUT", message: "No checkpoint covered it in time.", requestId: "0" } },
      }),
    );
    await page.goto(`${base}/#event=${ids[5]}`);
    expect(await verdictOf(page)).toBe("Not checked");
    expect(await page.locator(".proof .meaning").textContent()).toBe("No checkpoint covered it in time.");
    expect(await page.locator("#event-content").textContent()).toContain("/srv/app/file-5.ts");
    await context.close();
  });

  test("PAGE-12: what the proof is worth is said, and a pinned key is the only one believed, until it is taken back", async () => {
    const { page, context, faults } = await openPage(browser, base, `/#event=${ids[4]}`);
    expect(await verdictOf(page)).toMatch(/^✓/);
    expect(await page.locator(".proof .meaning").textContent()).toMatch(
      /local.*key came from the server.*vouchtrail verify FILE --vkey KEY/,
    );
    const pin = async (vkey: string): Promise<void> => {
      await page.locator("#pin").fill(vkey);
      await page.locator(".pin button:has-text('Pin')").click();
    };
    await page.locator(".pin summary").click();
    await pin(` ${server.running.ledger.vkey}\n`);
    await page.locator(".proof .meaning:has-text('that you pinned')").waitFor();
    expect(await verdictOf(page)).toMatch(/^✓/);

    const other = signerFromSeed(server.running.ledger.origin, generateSeed());
    await pin(formatVkey(other.name, other.publicKey, sha256));
    await page.locator(".proof[data-state=bad]").waitFor();
    expect(await verdictOf(page)).toContain("The root is signed by the key of the ledger");
    await page.reload();
    expect(await verdictOf(page)).toMatch(/^✗/);
    await page.locator("#ledger-summary:has-text('does not hold')").waitFor();
    await page.locator(".pin summary").click();
    await page.locator(".pin button:has-text('Forget')").click();
    await page.locator(".proof[data-state=good]").waitFor();
    expect(await page.evaluate("localStorage.length")).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-16: the entry shows all its fields, its sections, and what else tells of the deed", async () => {
    const { page, context, faults } = await openPage(browser, base, `/#q=actor%3Anobody-at-all&event=${ids[59]}`);
    await page.locator(".deed li").nth(1).waitFor();
    const text = (await page.locator("#event-content").textContent()) ?? "";
    for (const part of [
      "npm run deploy",
      "call-twice",
      "session-1",
      "laptop",
      "Section contentpresent",
      "2 entries tell of this deed",
      "told again",
    ])
      expect(text).toContain(part);
    await page.locator(".raw summary").click();
    expect(JSON.parse((await page.locator(".raw pre").textContent()) ?? "")).toMatchObject({ event: { id: ids[59] } });
    await page.locator(".deed a").click();
    await page.locator(".deed strong:has-text('counted')").waitFor();
    expect(page.url()).toContain(ids[58] ?? "?");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-16: what the page has no words for is shown as well", async () => {
    const [id = ""] = await fill(server, [
      eventOf({
        activity: {
          type: "decision",
          name: "which",
          decision: { question: "left or right?", chosen: "left", optionsConsidered: [{ option: "right", score: 0.25 }] },
        },
        changes: { before: { role: "reader" }, after: { role: "owner" }, fields: ["role"] },
        proof: { type: "hash", hash: "abc123" },
        details: { deep: { deeper: [1, { deepest: true }] } },
        labels: { "odd name": "x", plain: "y" },
        actor: { type: "agent", id: "a", onBehalfOf: [{ type: "user", id: "u-9", name: "Nine" }] },
        security: { resourcesAccessed: [{ type: "file", identifier: "/srv/secret" }] },
      }),
    ]);
    const { page, context, faults } = await openPage(browser, base, `/#event=${id}`);
    expect(await verdictOf(page)).toMatch(/^✓/);
    const text = (await page.locator("#event-content").textContent()) ?? "";
    for (const part of ["left or right?", "0.25", "owner", "abc123", "deepest", "odd name", "u-9", "/srv/secret"])
      expect(text).toContain(part);
    expect(await page.locator("button[aria-label='Filter by this plain']").count()).toBe(1);
    expect(await page.locator("button[aria-label='Filter by this odd name']").count()).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-16: an erased section says by which entry and when, and the proof holds", async () => {
    const [id = ""] = await fill(server, [
      eventOf({ actor: { type: "user", id: "u-gone", name: "Gone Person" }, details: { note: "content that stays" } }),
    ]);
    const { index } = await server.get(id);
    const { ledger } = server.running;
    const erases = { personal: [[index, index + 1]] as [number, number][] };
    const at = new Date().toISOString();
    const [result] = await ledger.append([sealSystemEntry({ action: "sections.erased", ledger: "main", system: { erases } }, at)]);
    const erasureIndex = result !== undefined && "receipt" in result ? result.receipt.index : -1;
    await ledger.erase(erases, erasureIndex);
    await ledger.waitForCheckpoint(erasureIndex + 1, AbortSignal.timeout(10_000));

    const { page, context, faults } = await openPage(browser, base, `/#event=${id}`);
    expect(await verdictOf(page)).toMatch(/^✓/);
    const text = (await page.locator("#event-content").textContent()) ?? "";
    expect(text).toContain(`Section personalerased by entry ${erasureIndex}`);
    expect(text).toContain("content that stays");
    expect(text).not.toContain("Gone Person");
    expect(await page.locator("#event .lead").textContent()).toContain("erased");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("PAGE-16: an id that nobody has, and one that is none, say so", async () => {
    const { page, context } = await openPage(browser, base, "/#event=00000000-0000-7000-8000-00000000ffff", { expectedStatus: [404] });
    await page.locator("#event-content:has-text('no event with this id')").waitFor();
    await page.goto(`${base}/#event=..%2F..%2Fhealthz`);
    await page.locator("#event-content:has-text('UUID')").waitFor();
    expect(await page.locator("#rows tr").count()).toBe(50);
    await context.close();
  });
});
