// The agent frameworks that the adapters of the SDK are tested against, the conformance suite of MCP, and a newer Node.js for those that need one. Only the tests install them.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";

const folder = join(root, "test", "frameworks");
const stamp = join(folder, "node_modules", ".vouchtrail-installed");
/** Version of Node.js for packages that do not run on the oldest one that Vouchtrail runs on. */
const NODE_VERSION = "24.9.0";
const newerNode = join(root, ".cache", "node24");

/** Installs what is missing. Never fails: what cannot be had is told, and its tests are skipped and say so. */
export async function installFrameworks() {
  const lock = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    say("Installing the agent frameworks for their tests (once) …");
    // Optional packages hold the binary of an agent, which is not needed.
    if (await npm(folder, ["ci", "--omit=optional", "--ignore-scripts"])) writeFileSync(stamp, lock);
    else say("The agent frameworks and the conformance suite could not be installed: their tests are skipped.");
  }
  if (findNewerNode() === undefined) {
    say(`Installing Node.js ${NODE_VERSION} for the tests of packages that need it (once) …`);
    const name = `node-${process.platform}-${process.arch}@${NODE_VERSION}`;
    await npm(root, ["install", "--prefix", newerNode, "--no-save", "--ignore-scripts", name]);
    if (findNewerNode() === undefined)
      say("It could not be installed: the tests of the AI SDK and the conformance suite of MCP are skipped.");
  }
}

/** Path of a Node.js from 22 on; undefined when there is none. */
export function findNewerNode() {
  if (Number(process.versions.node.split(".")[0]) >= 22) return process.execPath;
  const path = join(newerNode, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  return existsSync(path) ? path : undefined;
}

/** Whether the frameworks are installed. */
export function hasFrameworks() {
  return existsSync(stamp);
}

async function npm(cwd, args) {
  const options = { cwd, stdio: ["ignore", 2, 2], shell: process.platform === "win32" };
  const [code] = await once(spawn("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], options), "close");
  return code === 0;
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await installFrameworks();
