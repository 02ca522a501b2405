// Installs and builds what is missing; silent and instant when nothing is. Uses nothing but Node, because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, ".cache");
const installStamp = join(root, "node_modules", ".vouchtrail-installed");
const buildStamp = join(cache, "built");

/** Installs the dependencies of the lock file and builds all packages, if they changed since the last time. */
export function setUp() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) stop(`Vouchtrail needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (!existsSync(installStamp) || readFileSync(installStamp, "utf8") !== lock) {
    say("Installing dependencies (once) …");
    run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    writeFileSync(installStamp, lock);
  }
  if (!existsSync(buildStamp) || newestSource() > statSync(buildStamp).mtimeMs) {
    say("Building …");
    // Taken before the build: a source that changes meanwhile is built the next time.
    const started = new Date();
    run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-b"]);
    run(process.execPath, [join(root, "scripts", "bundle.mjs")]);
    mkdirSync(cache, { recursive: true });
    writeFileSync(buildStamp, started.toISOString());
  }
}

function newestSource() {
  let newest = ["cli", "server"].every((name) => existsSync(join(root, "packages", name, "bundle"))) ? 0 : Number.POSITIVE_INFINITY;
  const look = (path) => {
    newest = Math.max(newest, statSync(path).mtimeMs);
  };
  for (const name of ["tsconfig.json", "tsconfig.base.json", "package-lock.json", join("scripts", "bundle.mjs")]) look(join(root, name));
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = join(root, "packages", name);
    if (!existsSync(join(folder, "dist"))) return Number.POSITIVE_INFINITY;
    for (const file of ["package.json", "tsconfig.json"]) look(join(folder, file));
    for (const file of readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })) look(join(folder, "src", file));
  }
  return newest;
}

function run(command, args) {
  // Standard output belongs to the program that is started next.
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (status !== 0) stop(`"${command} ${args[0]}" failed. Mend what it says above and run the same command again.`);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function stop(text) {
  say(text);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
