// A real server in a process of its own, so that it can be killed. It tells its port over IPC, and erases when it is asked to.
import { createLogger, loadConfig, sealSystemEntry, startServer } from "../../packages/cli/bundle/server.js";

const [data, state, level = "silent"] = process.argv.slice(2);
const loaded = await loadConfig({
  environment: { VOUCHTRAIL_CONFIG: "" },
  flags: { data, state, "http.port": 0, "ledger.checkpointIntervalMs": 50, "log.level": level },
});
const server = await startServer({ loaded, environment: { VOUCHTRAIL_ADMIN_KEY: "only-for-this-test" }, logger: createLogger(level) });
process.send?.({ kind: "started", port: Number(new URL(server.url).port) });

process.on("message", async (message) => {
  if (message.kind === "close") {
    await server.close();
    process.disconnect();
    return;
  }
  if (message.kind === "check") {
    const { treeSize } = await server.ledger.head();
    await server.search.caughtUp(treeSize);
    process.send?.({ kind: "checked", report: await server.search.check() });
    return;
  }
  // The system entry is durable first, then the sections go.
  const { ledger } = server;
  const system = { erases: message.ranges };
  const [result] = await ledger.append([sealSystemEntry({ action: "ledger.erased", ledger: "main", system }, new Date().toISOString())]);
  process.send?.({ kind: "erasing", index: result.receipt.index });
  await ledger.erase(message.ranges, result.receipt.index);
  process.send?.({ kind: "erased", index: result.receipt.index });
});
