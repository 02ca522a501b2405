// Takes and gives back the lock of a data directory as it is told over IPC, with DuckDB as a server does or without it as a trail does.
import { lockDataDirectory, lockWithoutNative } from "../../packages/server/dist/ledger/lock.js";

const [directory, kind] = process.argv.slice(2);
const take = kind === "server" ? lockDataDirectory : lockWithoutNative;
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
