import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../../docs/seeds.md", import.meta.url), "utf8");
const seeds = new URL("../../../shared/seeds/", import.meta.url);

// Words that the patterns below find in code but that name nothing: keywords, test functions and kinds of diagrams.
const NO_NAMES = new Set([
  "beforeEach",
  "classDiagram",
  "clearTimeout",
  "constructor",
  "describe",
  "event",
  "events",
  "expect",
  "for",
  "if",
  "sequenceDiagram",
  "test",
]);

test("SEEDS-1: every row says works, planned or not ours, and where, in which part, or why", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| seed name |"));
  expect(rows.length).toBeGreaterThan(200);
  const faults = rows.filter((row) => {
    const [seedName = "", here = "", state = "", ...more] = row.slice(2, -2).split(" | ");
    const isTold = /^\*\*(?:works|planned|not ours)\*\*/.test(state) && !/\*\*(?!works|planned|not ours)\w[^*]*\*\*/.test(state);
    const isExplained = !state.includes("**planned**") || /\*\*planned\*\*: \w/.test(state);
    const isReasoned = !state.startsWith("**not ours**") || /^\*\*not ours\*\*: \w/.test(state);
    return seedName === "" || here === "" || more.length > 0 || !isTold || !isExplained || !isReasoned;
  });
  expect(faults).toEqual([]);
});

test("SEEDS-2: every path and rule that a row names exists", () => {
  const paths = new Set([...page.matchAll(/`(packages\/[\w./-]+)`/g)].map(([, path = ""]) => path));
  expect([...paths].filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
  const rules = readFileSync(new URL("../../docs/spec/mapping.md", import.meta.url), "utf8");
  const cited = new Set([...page.matchAll(/MAPPING-\d+/g)].map(([rule]) => rule));
  expect([...cited].filter((rule) => !rules.includes(`**${rule}**`))).toEqual([]);
});

test("SEEDS-3: every name in a seed document has its row in the section of that document", () => {
  if (!existsSync(seeds)) {
    console.warn("Skipped: the seed documents are not beside this checkout.");
    return;
  }
  for (const file of readdirSync(seeds).filter((name) => name.endsWith(".md"))) {
    const title = file.slice(0, -".md".length).replaceAll("-", " ");
    const section =
      page.split(/^## /m).find((part) =>
        part
          .toLowerCase()
          .replace(/^\d\. /, "")
          .startsWith(`${title}\n`),
      ) ?? "";
    const told = new Set([...section.matchAll(/`([^`]+)`/g)].flatMap(([, code = ""]) => [code, ...code.split(/[^\w]+/)]));
    const plain = new Set(section.split(/[^\w]+/));
    const names = namesOf(readFileSync(new URL(file, seeds), "utf8"));
    expect(names.length, file).toBeGreaterThan(20);
    const missing = names.filter((name) => !told.has(name) && !(/^[A-Z][a-z]+$/.test(name) && plain.has(name)));
    expect(missing, file).toEqual([]);
  }
});

/** The names that a seed document defines or uses: keys, members, functions, types, constants, columns, variables, and inline code. */
function namesOf(text: string): string[] {
  const names = new Set<string>();
  const find = (pattern: RegExp, where: string): void => {
    for (const [, name] of where.matchAll(pattern)) if (name !== undefined && !NO_NAMES.has(name)) names.add(name);
  };
  find(/^([A-Za-z_]\w*):/gm, /^---\n([\s\S]*?)\n---\n/.exec(text)?.[1] ?? "");
  const prose = text.replace(/^```(\w*)\n([\s\S]*?)^```/gm, (_, language: string, body: string) => {
    if (language === "yaml") {
      find(/^\s*(?:- )?([A-Za-z_]\w*):/gm, body);
      find(/(?:- name|action|destination): (\w+)/g, body);
      find(/\$\{(\w+)\}/g, body);
    } else if (language === "json") {
      find(/"([A-Za-z_]\w*)"\s*:/g, body);
      find(/\$\{(\w+)\}/g, body);
    } else if (language === "typescript" || /^export (?:class|interface|const|\{)/m.test(body)) {
      const code = body.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
      find(/^\s*(?:private |async |export |readonly )*([A-Za-z_]\w*)\??\s*[:(]/gm, code);
      find(/\b(?:class|interface|type|const|function) ([A-Za-z_]\w*)/g, code);
      find(/^\s*(?:type )?([A-Za-z_]\w*),$/gm, code);
      find(/['"]([a-z]+(?:\.[a-z_]+)+)['"]/g, code);
    } else if (language === "sql") {
      find(/^ {2}([a-z_]\w*) [A-Z]/gm, body);
      find(/INDEX (\w+)/g, body);
      find(/\bas (\w+)/g, body);
      find(/(?:TABLE|FROM) (\w+)/g, body);
    } else if (language === "bash") {
      find(/\$\{?([A-Z_]{3,})\}?/g, body);
      find(/^([A-Z_]{3,})=/gm, body);
      find(/\.(tool_name|parameters|result)'/g, body);
    } else if (language === "mermaid") {
      find(/^\+\w+(?:\[\])? (\w+)$/gm, body);
      find(/^class (\w+)/gm, body);
      find(/\b([a-z]+[A-Z]\w+)\b/g, body);
    }
    return "";
  });
  find(/`([A-Za-z_]\w*)(?:\(\))?`/g, prose);
  find(/`([a-z]+(?:\.[a-z]+)+)`/g, prose);
  find(/^- ([A-Z]+_[A-Z_]+):/gm, prose);
  find(/^- \*\*(\w+)\*\*:/gm, prose);
  find(/'(\w+(?:\.\w+)?)'/g, prose);
  return [...names];
}
