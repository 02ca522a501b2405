import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const sources = join(repository, "packages/server/src/verify");
const page = readFileSync(join(repository, "docs/spec/verify.md"), "utf8");

test("VERDICT-1: the page lists every code that a finding can have, and none that no finding has", () => {
  const code = readdirSync(sources)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(sources, name), "utf8"))
    .join("\n");
  const raised = new Set<string>();
  const calls = /(?:\b(?:alarm|note|fail|stopAt)\(\s*(?:[\w.]+ (?:> [\w.]+ )?\? )?|\bcode: |\? |: )"([A-Z]+(?:_[A-Z]+)*)"/g;
  for (const [, name = ""] of code.matchAll(calls)) raised.add(name);
  const listed = new Set(
    [...page.matchAll(/^\| (`[A-Z_]+`[^|]*)\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = ""]) => name),
    ),
  );
  expect([...listed].filter((name) => !code.includes(`"${name}"`) && name !== "TILE_INVALID")).toEqual([]);
  // Errors that are thrown are listed with the errors; they are no findings.
  const thrown = new Set([...code.matchAll(/(?:AuditError|ProtocolError)\("([A-Z_]+)"/g)].map(([, name = ""]) => name));
  expect([...raised].filter((name) => !listed.has(name) && !thrown.has(name)).sort()).toEqual([]);
  expect(raised.size).toBeGreaterThan(30);
});

test("VERDICT-1: every rule of the page is cited by a test", () => {
  const tests = [
    ...readdirSync(sources).map((name) => join(sources, name)),
    ...readdirSync(join(repository, "test/tamper")).map((name) => join(repository, "test/tamper", name)),
  ]
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  const rules = [...page.matchAll(/^\*\*(VERDICT-\d+)\*\*/gm)].map(([, rule = ""]) => rule);
  expect(rules).toHaveLength(11);
  expect(rules.filter((rule) => !new RegExp(`test\\("[^"]*${rule}\\b`).test(tests))).toEqual([]);
  const rows = [...page.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell = ""]) => cell.split(", ").map(Number));
  expect(rows).toHaveLength(21);
  // Rows about where a key lies, which store is read and what was never recorded are nothing that a changed file could show.
  const isCited = (row: number): boolean =>
    new RegExp(`test\\("[^"]*\\brows? (?:\\d+ and )?${row}\\b`).test(tests) || new RegExp(`\\(row ${row}\\)`).test(tests);
  expect(rows.filter((row) => !isCited(row))).toEqual([18, 19, 20]);
});
