import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createRedactor } from "./redactor.ts";

// Beside the checkout, for whoever has it; the transcripts are other people's and are never copied here.
const folder = new URL("../../../../../shared/data/claude-code/", import.meta.url);
const HASHES =
  /\b(?:[0-9a-f]{40}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|toolu_[A-Za-z0-9]{20,}|msg_[A-Za-z0-9]{20,})\b/g;

test("REDACT-2: real transcripts, whose secrets were removed by their recorder, come back nearly as they are", () => {
  if (!existsSync(folder)) {
    console.warn("No transcripts beside the checkout: this test has nothing to read.");
    return;
  }
  const redactor = createRedactor();
  let bytes = 0;
  let redactions = 0;
  let lines = 0;
  let slowLines = 0;
  const lost: string[] = [];
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".jsonl"))) {
    for (const line of readFileSync(new URL(name, folder), "utf8").split("\n")) {
      if (line === "") continue;
      const raw = new TextEncoder().encode(line);
      const isSlow = redactor.mayContainSecrets(raw);
      const event = JSON.parse(line) as object;
      const { event: redacted, hits } = redactor.redactEvent(event);
      if (hits.size > 0) expect(isSlow).toBe(true);
      bytes += raw.length;
      lines++;
      if (isSlow) slowLines++;
      for (const count of hits.values()) redactions += count;
      const kept = JSON.stringify(redacted);
      for (const [hash] of JSON.stringify(event).matchAll(HASHES)) if (!kept.includes(hash)) lost.push(`${name}: ${hash}`);
    }
  }
  console.log(
    `${(bytes / 1e6).toFixed(1)} MB, ${redactions} redactions (${((redactions / bytes) * 1e6).toFixed(2)} per MB), ${slowLines} of ${lines} lines past the prefilter`,
  );
  expect(lost).toEqual([]);
  expect((redactions / bytes) * 1e6).toBeLessThan(5);
});
