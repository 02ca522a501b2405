// Chromium for the tests of the page. It comes from Debian: nothing of npm downloads a browser here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

/** Where Chromium may be. `VOUCHTRAIL_CHROMIUM` names another one. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

/** Path of the browser; undefined when there is none. */
export function findChromium() {
  const named = process.env.VOUCHTRAIL_CHROMIUM;
  return [...(named === undefined ? [] : [named]), ...PLACES].find((path) => existsSync(path));
}

/** Installs the browser if it is missing and this machine lets us. Never fails: without it the tests of the page are skipped and say so. */
export async function installChromium() {
  if (findChromium() !== undefined) return;
  const isRoot = process.getuid?.() === 0;
  const hasApt = existsSync("/usr/bin/apt-get");
  if (!isRoot || !hasApt) {
    say(
      "There is no Chromium: the tests of the page are skipped. Install it (Debian: apt-get install chromium) or set VOUCHTRAIL_CHROMIUM.",
    );
    return;
  }
  say("Installing Chromium for the tests of the page (once) …");
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const run = async (args) => {
    const [code] = await once(spawn("apt-get", args, { env: environment, stdio: ["ignore", "ignore", 2] }), "close");
    return code === 0;
  };
  // The lists may be old, or a fresh image may have none.
  const isDone = (await run(["update", "-qq"])) && (await run(["install", "-y", "-qq", "--no-install-recommends", "chromium"]));
  if (!isDone || findChromium() === undefined) say("Chromium could not be installed: the tests of the page are skipped.");
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
