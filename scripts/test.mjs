// `npm test [-- VITEST OPTIONS]`: sets up what is missing, then runs all tests. Results also go to .cache/test-results.json.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { installChromium } from "./chromium.mjs";
import { installFrameworks } from "./frameworks.mjs";
import { root, setUp } from "./setup.mjs";

// They come over the network, and meanwhile the rest is built.
const installed = [installChromium(), installFrameworks()];
setUp();
await Promise.all(installed);
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${join(root, ".cache", "test-results.json")}`];
const { status } = spawnSync(process.execPath, [vitest, "run", ...reporters, ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
process.exit(status ?? 1);
