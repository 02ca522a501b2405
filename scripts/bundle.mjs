// `node scripts/bundle.mjs`: puts the built modules of our programs into few files. A start opens and parses hundreds of files otherwise, which takes longer than
// everything else that it does.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Folders of packages, each with what is bundled in it. */
const BUNDLES = {
  // `server` is there for programs that start a server in their own process.
  "packages/cli": { main: "packages/cli/dist/main.js", server: "packages/server/dist/index.js" },
  "packages/server": { "search-process": "packages/server/dist/followers/search/search-process.js" },
};
/**
 * Packages without our scope that are bundled too: one of our own, and of other people's only those whose loading is felt: many small files, or CommonJS that Node.js reads twice to find
 * its names.
 */
const INLINED = ["@duckdb/node-api", "mcp-audit-logger", "unbash", "uuid", "zod"];
const LICENCES = "THIRD_PARTY_LICENCES.txt";

/** Writes all bundles. @throws {Error} when one would import a package that its own package does not depend on. */
export async function bundleAll() {
  await Promise.all(Object.entries(BUNDLES).map(([home, entries]) => bundle(home, entries)));
}

async function bundle(home, entries) {
  const { rolldown } = await import("rolldown");
  const external = (id) => !/^[./]|^@vouchtrail\//.test(id) && !INLINED.includes(packageOf(id));
  const input = Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)]));
  const made = await rolldown({ input, platform: "node", external });
  const { output } = await made.generate({ format: "esm" });
  checkImports(home, output);
  const folder = join(root, home, "bundle");
  rmSync(folder, { recursive: true, force: true });
  await made.write({ dir: folder, format: "esm" });
  await made.close();
  writeFileSync(join(folder, LICENCES), licencesOf(output));
}

/** What is not in the bundle is found from the folder of its package: it has to be installed there. */
function checkImports(home, output) {
  const { dependencies } = JSON.parse(readFileSync(join(root, home, "package.json"), "utf8"));
  const required = (code) => [...code.matchAll(/__require\("([^"]+)"\)/g)].map(([, name]) => name);
  const names = new Set(output.flatMap(({ imports, dynamicImports, code }) => [...imports, ...dynamicImports, ...required(code)]));
  const inside = new Set(output.map(({ fileName }) => fileName));
  const missing = [...names].filter((name) => !inside.has(name) && !isBuiltin(name) && dependencies[packageOf(name)] === undefined);
  if (missing.length > 0) throw new Error(`The bundle imports ${missing.join(", ")}: add it to the dependencies of ${home}/package.json.`);
}

function packageOf(id) {
  return id
    .split("/")
    .slice(0, id.startsWith("@") ? 2 : 1)
    .join("/");
}

function licencesOf(output) {
  const modules = output.flatMap(({ moduleIds = [] }) => moduleIds).filter((id) => id.includes("node_modules"));
  const folders = new Set(modules.map((id) => id.replace(/(.*node_modules\/(?:@[^/]+\/)?[^/]+)\/.*/, "$1")));
  const parts = [...folders].sort().map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} brings no licence: it cannot be in the bundle.`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(path, file), "utf8").trim()}\n`;
  });
  return `The files beside this one contain parts of these packages.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleAll();
