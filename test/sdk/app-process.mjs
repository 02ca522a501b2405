// An application that records events for as long as it lives, and tells over IPC what became of each.
import { createAuditEmitter } from "../../packages/sdk/dist/node/index.js";

const [url, spool] = process.argv.slice(2);
const emitter = createAuditEmitter({ url, spool: { directory: spool }, logger: false, deadlineMs: 50, source: { name: "app" } });
let count = 0;

async function work() {
  for (;;) {
    count += 1;
    const { id, state } = await emitter.emit({
      action: "document.read",
      actor: { type: "user", id: `user-${count % 5}` },
      target: { type: "document", id: `d-${count}` },
      outcome: { status: "success" },
      details: { text: "x".repeat(count % 300) },
    });
    process.send?.({ id, state });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

process.send?.({ started: true });
await Promise.all(Array.from({ length: 8 }, work));
