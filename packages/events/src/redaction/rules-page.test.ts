import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { REDACTION_RULE_CHARS_MAX } from "../limits.ts";
import { OTHER_RULE_IDS } from "./redactor.ts";
import { TOKEN_RULES } from "./token-rules.ts";

const page = readFileSync(new URL("../../../../docs/spec/redaction.md", import.meta.url), "utf8");

test("REDACT-12: the page names every built-in rule and no other", () => {
  const written = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, id]) => id);
  expect(written).toEqual([...new Set(written)]);
  expect(written.sort()).toEqual([...OTHER_RULE_IDS, ...TOKEN_RULES.map(({ id }) => id)].sort());
});

test("REDACT-12: ids of rules are distinct, kebab-case and short", () => {
  const ids = [...OTHER_RULE_IDS, ...TOKEN_RULES.map(({ id }) => id)];
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(new RegExp(`^[a-z][a-z0-9-]{2,${REDACTION_RULE_CHARS_MAX - 1}}$`));
});
