import { type AuditEvent, DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { disclosureDigest, parseLeafFrame } from "@vouchtrail/protocol";
import { expect, test } from "vitest";
import { sha256 } from "../ledger/hashing.ts";
import { sealEvent, sealSystemEntry } from "./seal.ts";

const received = { at: "2026-01-31T12:00:01.000Z", via: "http" as const };
const event: AuditEvent = {
  id: "0197a3c2-7d4b-7c1e-9a55-000000000001",
  occurredAt: "2026-01-31T12:00:00.000Z",
  tenant: "default",
  action: "document.read",
  actor: { type: "agent", id: "agent-7" },
  target: { type: "tool", id: "Bash" },
  outcome: { status: "success" },
};

test("SECTION-2: nothing that points at a person stands in the leaf", () => {
  const entry = sealEvent(
    {
      ...event,
      actor: { type: "user", id: "PERSON-a", name: "PERSON-b", email: "PERSON-c", onBehalfOf: [{ type: "user", id: "PERSON-d" }] },
      target: { type: "customer", id: "PERSON-e", name: "PERSON-f" },
      activity: { type: "approval", name: "x", approval: { state: "approved", approver: { type: "user", id: "PERSON-g" } } },
      context: { ipAddress: "PERSON-h", userAgent: "PERSON-i", sessionId: "PERSON-j" },
    },
    received,
    { ...DEFAULT_PRIVACY_POLICY, contextIds: "personal" },
  );
  expect(entry.leaf).not.toContain("PERSON");
  expect(entry.disclosures.content ?? "").not.toContain("PERSON");
  expect(entry.disclosures.personal?.match(/PERSON-[a-j]/g)).toHaveLength(10);
});

test("SECTION-3: the same event twice has other salts and another leaf, and each digest is that of its section", () => {
  const [first, second] = [1, 2].map(() => sealEvent(event, received, DEFAULT_PRIVACY_POLICY));
  expect(first?.leaf).not.toBe(second?.leaf);
  expect(first?.disclosures.content).toMatch(/^\["[\w-]{22}","content",\{\}\]$/);
  const { sections, digests } = parseLeafFrame(first?.leaf ?? "");
  expect(sections).toEqual(["content"]);
  expect(digests).toEqual([disclosureDigest(first?.disclosures.content ?? "", sha256)]);
});

test("SECTION-5: an entry of the server has system and no sections, an event never has system", () => {
  const system = sealSystemEntry({ action: "ledger.created", ledger: "main", system: { a: 1 } }, received.at);
  expect(parseLeafFrame(system.leaf)).toMatchObject({ sections: [], tenant: "vouchtrail" });
  expect(JSON.parse(system.leaf)).toMatchObject({ system: { a: 1 } });
  const sealed = sealEvent({ ...event, details: { system: { erases: {} } } }, received, DEFAULT_PRIVACY_POLICY);
  expect(Object.keys(JSON.parse(sealed.leaf) as object).slice(0, 4)).toEqual(["schema", "id", "sections", "_sd"]);
  expect(JSON.parse(sealed.leaf)).not.toHaveProperty("system");
  expect(() => sealSystemEntry({ action: "a", ledger: "main", system: { text: "x".repeat(70_000) } }, received.at)).toThrow(
    expect.objectContaining({ code: "EVENT_TOO_LARGE" }),
  );
});
