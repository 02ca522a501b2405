// Takes and gives back the lock of a data directory as it is told over IPC: as a server does, as one whose file system may be shared does (with DuckDB), or as a trail does.
import { lockDataDirectory, lockWithoutNative } from "../../packages/server/dist/ledger/lock.js";
import { lockWithSocket } from "../../packages/server/dist/ledger/lock-socket.js";

const [directory, kind] = process.argv.slice(2);
const shared = { isLocal: async () => false, lockWithSocket };
const take = {
  server: lockDataDirectory,
  "shared-server": (path) => lockDataDirectory(path, shared),
  trail: lockWithoutNative,
}[kind];
let lock;

process.on("message", async (order) => {
  if (order === "release") {
    lock.release();
    lock = undefined;
    process.send({ released: true });
    return;
  }
  try {
    lock = await take(directory);
    process.send({ pid: process.pid, holds: true });
  } catch (error) {
    process.send({ pid: process.pid, holds: false, code: error.code, message: error.message });
  }
});
process.send({ ready: true });
