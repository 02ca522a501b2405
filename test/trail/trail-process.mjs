// An application with a trail of its own. It tells over IPC every event that was acked, until it is killed or asked to close.
import { randomUUID } from "node:crypto";
import { openTrail } from "../../packages/server/dist/ledger-only.js";

const [dir, state, work] = process.argv.slice(2);
const silent = { fatal() {}, error() {}, warn() {}, debug() {} };

let trail;
try {
  trail = await openTrail({ dir, config: { state }, logger: silent });
} catch (error) {
  process.send({ refused: error.code, message: error.message });
  process.disconnect();
}

process.on("message", () => trail?.close().then(() => process.disconnect()));
if (trail !== undefined) {
  process.send({ opened: true });
  while (work === "emit") {
    const ids = Array.from({ length: 3 }, () => randomUUID());
    const answers = await trail.send(ids.map((id) => ({ id, json: eventOf(id) })));
    process.send({ acked: answers.map(({ receipt }) => ({ id: receipt.id, index: receipt.index })) });
  }
}

function eventOf(id) {
  const actor = { type: "agent", id: "a" };
  return JSON.stringify({ id, action: "thing.made", actor, target: { type: "thing", id }, outcome: { status: "success" } });
}
