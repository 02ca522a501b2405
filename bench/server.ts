// The measured program: the real server with its defaults, listening on a free port. Arguments: data folder, state folder.
import { loadConfig, startServer } from "@vouchtrail/server";
import { answerParent } from "./meter.ts";

const [data = "", state = ""] = process.argv.slice(2);
const loaded = await loadConfig({ environment: {}, flags: { data, state, "http.port": 0, "log.level": "warn" } });
const server = await startServer({ loaded, environment: {} });
answerParent(server.url, { idle: () => server.ledger.idle(), close: () => server.close() });
