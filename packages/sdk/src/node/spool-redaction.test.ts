import { expect, test } from "vitest";
import { loadSpoolRedaction } from "./spool-redaction.ts";

// Made up, and put together here so that no scanner takes it for a real one.
const SECRET = ["ghp", "x7Kq9ZtLm2Vb4Nc8Rw1Ys6Ud3Fe5Ga0Hj2Kl"].join("_");

test("SDK-18: known secrets are taken out, everything else stays byte for byte", async () => {
  const redact = await loadSpoolRedaction();
  const clean = '{"id":"1","action":"a.b","details":{"n":1.0}}';
  expect(redact(clean)).toBe(clean);
  const redacted = redact(JSON.stringify({ id: "1", action: "a.b", details: { command: `curl -H 'authorization: bearer ${SECRET}'` } }));
  expect(redacted).not.toContain(SECRET);
  expect(JSON.parse(redacted)).toMatchObject({ id: "1", action: "a.b" });
});
