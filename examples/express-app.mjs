// An Express application. The middleware says who acts and from where; each route says what happened.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createAuditEmitter } from "@vouchtrail/sdk";
import { auditExpress } from "@vouchtrail/sdk/express";
import express from "express";

const url = process.env.VOUCHTRAIL_URL ?? "http://127.0.0.1:7431";
const emitter = createAuditEmitter({ url, source: { name: "documents" } });

const app = express();
app.use(express.json());
app.use(auditExpress({ actor: (request) => ({ type: "user", id: request.headers["x-user"] ?? "unknown" }) }));
app.put("/documents/:id", async (request, response) => {
  await emitter.emit({
    action: "document.updated",
    target: { type: "document", id: request.params.id },
    outcome: { status: "success" },
    changes: { after: request.body, fields: Object.keys(request.body) },
  });
  response.json({ saved: true });
});
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");

const requestId = `example-${Date.now()}`;
const answer = await fetch(`http://127.0.0.1:${server.address().port}/documents/42`, {
  method: "PUT",
  headers: { "content-type": "application/json", "x-user": "maria", "x-request-id": requestId },
  body: JSON.stringify({ title: "Terms of delivery" }),
});
assert.deepEqual(await answer.json(), { saved: true });
server.close();
await emitter.close();

const response = await fetch(`${url}/api/v1/events?request=${requestId}&wait=searchable`);
const { events } = await response.json();
assert.equal(events.length, 1);
const [{ event, index }] = events;
assert.deepEqual(event.actor, { type: "user", id: "maria" });
assert.deepEqual(event.changes, { after: { title: "Terms of delivery" }, fields: ["title"] });
console.log(`${event.actor.id} did ${event.action} on ${event.target.type}/${event.target.id}: entry ${index} of the trail`);
