import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { findChromium } from "../../scripts/chromium.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const built = join(root, "packages/server/dist/page/app.js");

/** Why the tests of the page cannot run here; undefined when they can. */
export const whyNot: string | undefined =
  findChromium() === undefined
    ? "there is no Chromium (Debian: apt-get install chromium)"
    : existsSync(built)
      ? undefined
      : "the page is not built (npm run build)";
if (whyNot !== undefined) console.warn(`Skipped: ${whyNot}.`);

/** How long a test waits for the page to show something: generous, because the machine may run other tests. */
const WAIT_MS = 20_000;

/** A page in a browser of its own context, and everything that went wrong in it. */
export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts, messages of the console, dialogs, requests that failed or left the server, breaches of the content security policy. */
  readonly faults: string[];
  /** Bytes of each file that was loaded, by path. */
  readonly sizes: Map<string, number>;
}

export interface PageOptions {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  /** Status codes that the test brings about on purpose: the browser logs them as errors. */
  readonly expectedStatus?: readonly number[];
  readonly reducedMotion?: "reduce" | "no-preference";
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("There is no Chromium.");
  // Chromium's own sandbox cannot be set up by root.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args });
}

/** Opens an address of the server (a path with its hash) and waits for the list. */
export async function openPage(browser: Browser, base: string, path: string, options: PageOptions = {}): Promise<OpenPage> {
  const { colorScheme = "light", width = 1440, height = 900, expectedStatus = [], reducedMotion = "reduce" } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion, timezoneId: "Europe/Vienna" });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  const sizes = new Map<string, number>();
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    const isExpected = expectedStatus.some((status) => message.text().includes(`status of ${status}`));
    if (["error", "warning"].includes(message.type()) && !isExpected) faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !/^(?:data|blob):/.test(url)) faults.push(`request: ${url}`);
  });
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname === "/" || pathname.startsWith("/page/")) {
      const name = pathname.replace(/^\/page\/[0-9a-f]+\//, "");
      response.body().then(
        (body) => sizes.set(name, body.length),
        // A page that is closed meanwhile has no bodies any more.
        () => undefined,
      );
    }
  });
  await page.addInitScript(`addEventListener("securitypolicyviolation", (event) => console.error("policy: " + event.violatedDirective))`);
  await page.goto(base + path);
  await page.locator('#status:not(:text("Loading")):not(:text("Searching"))').waitFor();
  return { page, context, faults, sizes };
}

/** Writes a picture of the page to `.cache/screenshots/`, for people to look at. */
export async function takePicture(page: Page, name: string, isWhole = false): Promise<void> {
  const folder = join(root, ".cache/screenshots");
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: isWhole });
}
