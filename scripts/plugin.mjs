// `node scripts/plugin.mjs`: copies the built hook command into the plugin for Claude Code, where nothing outside of the plugin's folder exists.
// `--check` only tells whether the copy is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";

const BUILT = "packages/hook/dist/agent-audit-log.js";
/** Where the copy lies in the repository. */
export const PLUGIN_COMMAND = "plugins/claude-code/scripts/agent-audit-log.mjs";

/** The text of the copy: the built file without its first line for shells and without the mention of its source map, marked as what no person wrote. */
export function pluginCommandText() {
  const built = readFileSync(join(root, BUILT), "utf8")
    .replace(/^#!.*\n/, "")
    .replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n");
  const marks = ["format", "lint", "assist"].map((kind) => `// biome-ignore-all ${kind}: a copy of ${BUILT}, made by scripts/plugin.mjs\n`);
  return `${marks.join("")}${built}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isChecking = process.argv.includes("--check");
  const text = pluginCommandText();
  if (textOf(join(root, PLUGIN_COMMAND)) !== text) {
    if (!isChecking) writeFileSync(join(root, PLUGIN_COMMAND), text);
    process.stderr.write(`${PLUGIN_COMMAND} ${isChecking ? "is out of date: npm run docs writes it" : "written"}\n`);
    if (isChecking) process.exitCode = 1;
  }
}

function textOf(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
