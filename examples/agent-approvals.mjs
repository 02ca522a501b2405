// An agent that wants to refund a payment: it decides, asks a person, and acts. Everything is one trace in the trail, with evidence that the refund took place.
import assert from "node:assert/strict";
import { createAudit, createAuditEmitter, withAuditContext } from "@vouchtrail/sdk";

const url = process.env.VOUCHTRAIL_URL ?? "http://127.0.0.1:7431";
const emitter = createAuditEmitter({ url, source: { name: "refund-agent" } });
const audit = createAudit(() => emitter);

/** Stands for a payment provider. */
async function refund(paymentId, amount) {
  return { refundId: `re_${paymentId}`, amount };
}

/** Stands for the person who is asked. */
async function askPerson() {
  return { approved: true, by: "maria" };
}

async function handle(paymentId, amount) {
  const payment = { type: "payment", id: paymentId };
  await emitter.emit({
    action: "ai.decision",
    target: payment,
    outcome: { status: "success" },
    activity: {
      type: "decision",
      name: "refund-or-not",
      decision: {
        question: "Refund?",
        optionsConsidered: [
          { option: "refund", score: 0.9 },
          { option: "reject", score: 0.1 },
        ],
        chosen: "refund",
        confidence: 0.9,
      },
    },
  });
  const { approved, by } = await askPerson();
  await emitter.emit({
    action: approved ? "ai.approval_approved" : "ai.approval_rejected",
    actor: { type: "user", id: by },
    target: payment,
    outcome: { status: approved ? "success" : "denied" },
    activity: { type: "approval", name: "refund", approval: { state: approved ? "approved" : "rejected", shown: { paymentId, amount } } },
  });
  if (!approved) return audit.deny({ action: "payment.refund", target: payment, code: "NOT_APPROVED" });
  return audit.effect({ action: "payment.refund", target: payment, details: { amount } }, async (effect) => {
    const answer = await refund(paymentId, amount);
    effect.proof({ type: "api_response", data: answer });
    return answer;
  });
}

const sessionId = `refund-${Date.now()}`;
const answer = await withAuditContext({ actor: { type: "agent", id: "refund-agent" }, sessionId }, () => handle("p-1001", 25));
await emitter.close();
assert.equal(answer.refundId, "re_p-1001");

// What the trail says about it.
const response = await fetch(`${url}/api/v1/events?session=${sessionId}&order=oldest&wait=searchable`);
const { events } = await response.json();
const told = events.map(({ event }) => `${event.action}${event.phase === undefined ? "" : ` (${event.phase})`}`);
assert.deepEqual(told, ["ai.decision", "ai.approval_approved", "payment.refund (intent)", "payment.refund (outcome)"]);
assert.deepEqual(events.at(-1).event.proof, { type: "api_response", data: { refundId: "re_p-1001", amount: 25 } });
console.log(told.join("\n"));
console.log("The refund is in the trail, with its evidence.");
