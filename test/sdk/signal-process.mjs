// A service that does nothing itself when it is told to stop.
import { closeOnSignal, createAuditEmitter } from "../../packages/sdk/dist/node/index.js";

const [url, spool] = process.argv.slice(2);
const emitter = createAuditEmitter({ url, spool: { directory: spool }, logger: false, delivery: "best-effort", flushIntervalMs: 600_000 });
closeOnSignal(emitter);
const { state } = await emitter.emit({
  action: "document.read",
  actor: { type: "user", id: "u" },
  target: { type: "document", id: "d" },
  outcome: { status: "success" },
});
setInterval(() => undefined, 1_000);
process.send?.(state);
