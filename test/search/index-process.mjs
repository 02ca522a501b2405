// A ledger and its search index in a process of its own, so that both can be killed. It appends for as long as it lives, and tells over IPC what was acked.
import { mkdir } from "node:fs/promises";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { startSearch } from "../../packages/server/dist/followers/search/start-search.js";
import { openDataDirectory, sealEvent } from "../../packages/server/dist/index.js";

const [data, loadMode] = process.argv.slice(2);
const { ledger, paths } = await openDataDirectory({ directory: data, ledger: { checkpointIntervalMs: 50 } });
await mkdir(paths.followers, { recursive: true });
const search = startSearch({
  ledger,
  directory: paths.search,
  followers: paths.followers,
  memoryBytes: 256 * 1_048_576,
  threads: 2,
  queryTimeoutMs: 600_000,
  follow: { now: () => new Date().toISOString() },
  onNotice: (notice) => process.send?.({ kind: "notice", notice }),
  sizes: { layout: { fileEntries: 1_024, rowGroupRows: 128 } },
});
process.send?.({ kind: "started", treeSize: (await ledger.head()).treeSize });

let isOver = false;
let number = 0;

function event() {
  number += 1;
  return sealEvent(
    {
      id: crypto.randomUUID(),
      occurredAt: new Date().toISOString(),
      tenant: "acme",
      action: "ai.tool_call",
      actor: { type: "user", id: `user-${number % 7}` },
      target: { type: "tool", id: "Bash" },
      outcome: { status: "success" },
      details: { text: "x".repeat(number % 300) },
      context: { sessionId: "s", callId: `call-${number % 900}` },
    },
    { at: new Date().toISOString(), via: "http" },
    DEFAULT_PRIVACY_POLICY,
  );
}

async function load() {
  while (!isOver) {
    const results = await ledger.append(Array.from({ length: 1 + (number % 60) }, event));
    process.send?.({ kind: "acked", index: results.at(-1).receipt.index });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const loading = loadMode === "load" ? load() : Promise.resolve();

process.on("message", async (message) => {
  try {
    if (message.kind === "check") {
      isOver = true;
      await loading;
      const { treeSize } = await ledger.head();
      for (let isThere = false; !isThere; )
        isThere = await search.waitFor(treeSize).then(
          () => true,
          (error) => (error.code === "SEARCH_BEHIND" ? false : Promise.reject(error)),
        );
      const report = await search.check();
      const { rows } = await search.engine.sql({ sql: 'SELECT count(*), count(DISTINCT "index") FROM entries', limit: 1 });
      process.send?.({ kind: "checked", report, treeSize, rows });
    } else if (message.kind === "sql") {
      process.send?.({ kind: "asking", pid: search.pid() });
      await search.engine.sql({ sql: message.sql, limit: 10 });
    } else if (message.kind === "close") {
      await search.close();
      await ledger.close();
      process.disconnect();
    }
  } catch (error) {
    process.send?.({ kind: "error", code: error.code, message: error.message });
  }
});
