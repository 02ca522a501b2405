// `npm start [-- OPTIONS]`: sets up what is missing, then runs `vouchtrail serve OPTIONS` in this process.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";

setUp();
const main = join(root, "packages", "cli", "bundle", "main.js");
process.argv = [process.argv[0], main, "serve", ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
