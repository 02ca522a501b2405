import fc from "fast-check";
import { parse } from "jsonc-parser";
import { expect, test } from "vitest";
import { addHooks, hasHooks, type Inserted, removeHooks } from "./hook-settings.ts";
import { AGENTS, type HookedAgent, wantedHooks } from "./hooked-agent.ts";
import { doingOf } from "./own-handler.ts";
import { applyEdits, parseSettings } from "./settings-text.ts";

const agent: HookedAgent = AGENTS["claude-code"];
const hooksTo = (url: string, isCommandOnly = false) =>
  wantedHooks("claude-code", { url, command: ["node", "/opt/agent-audit-log.mjs"], isCommandOnly, isTokenSent: false });
const wanted = hooksTo("http://127.0.0.1:7431");
const add = (text: string) => addHooks(text, wanted, agent, "settings.json");
const remove = (text: string, inserted?: Inserted) => removeHooks(text, agent, "settings.json", inserted);

const blank = fc.constantFrom("", " ", "  ", "\t", "\n", "\r\n", "\n  ", "\n\t", "\n\n    ");
const trivia = fc.oneof(
  { weight: 4, arbitrary: blank },
  {
    weight: 1,
    arbitrary: fc
      .tuple(blank, fc.constantFrom("/* a, b */", "/* {\n } */", "// c, }  \n", "// d\r\n", '/* "hooks": [ */'), blank)
      .map((parts) => parts.join("")),
  },
);
const key = fc.constantFrom("model", "env", "permissions", "a b", "ü", 'q\\"', "PreToolUseX", "disableAllHooks", "statusLine", "$schema");
const scalar = fc.constantFrom("1", "-2.5e3", "true", "null", '"x"', '"{ , }"', '"// no"', '"\\u0041"', '""');
const comma = fc.boolean();

function objectText(members: readonly (readonly [string, string])[], blanks: readonly string[], hasTrailingComma: boolean): string {
  const at = (position: number): string => blanks[position % blanks.length] ?? "";
  const inner = members.map(
    ([name, value], position) => `${at(position)}"${name}"${at(position + 1)}:${at(position + 2)}${value}${at(position + 3)}`,
  );
  return `{${inner.join(",")}${members.length > 0 && hasTrailingComma ? `,${at(5)}` : ""}${members.length === 0 ? at(0) : ""}}`;
}

function arrayText(elements: readonly string[], blanks: readonly string[], hasTrailingComma: boolean): string {
  const at = (position: number): string => blanks[position % blanks.length] ?? "";
  const inner = elements.map((element, position) => `${at(position)}${element}${at(position + 1)}`).join(",");
  return `[${inner}${elements.length > 0 && hasTrailingComma ? `,${at(4)}` : ""}${elements.length === 0 ? at(2) : ""}]`;
}

const blanks = fc.array(trivia, { minLength: 6, maxLength: 8 });
const foreignHandler = fc.constantFrom(
  '{"type":"command","command":"npm run lint"}',
  '{ "type": "http", "url": "https://example.org/hooks/other" }',
  '{"type":"command","command":"agent-audit-log"}',
  '{"type":"prompt","prompt":"$ARGUMENTS // x"}',
);
const group = fc
  .tuple(fc.array(foreignHandler, { maxLength: 2 }), blanks, comma, fc.boolean())
  .map(([handlers, around, hasComma, hasMatcher]) =>
    objectText(
      [...(hasMatcher ? [["matcher", '"Edit|Write"'] as const] : []), ["hooks", arrayText(handlers, around, hasComma)]],
      around,
      hasComma,
    ),
  );
const eventMember = fc
  .tuple(
    fc.constantFrom("PreToolUse", "PostToolUse", "SessionStart", "Notification", "Stop", "SomethingNew"),
    fc.array(group, { maxLength: 2 }),
    blanks,
    comma,
  )
  .map(([name, groups, around, hasComma]) => [name, arrayText(groups, around, hasComma)] as const);
const hooksText = fc
  .tuple(fc.uniqueArray(eventMember, { selector: ([name]) => name, maxLength: 4 }), blanks, comma)
  .map(([members, around, hasComma]) => objectText(members, around, hasComma));
const member = fc.oneof(
  fc.tuple(key, scalar),
  fc.tuple(
    key,
    fc
      .tuple(fc.uniqueArray(fc.tuple(key, scalar), { selector: ([name]) => name, maxLength: 2 }), blanks, comma)
      .map(([members, around, hasComma]) => objectText(members, around, hasComma)),
  ),
);
const settings = fc
  .tuple(
    fc.uniqueArray(member, { selector: ([name]) => name, maxLength: 3 }),
    fc.option(fc.tuple(hooksText, fc.nat({ max: 3 })), { nil: undefined }),
    blanks,
    comma,
    fc.constantFrom("", "\uFEFF"),
    trivia,
  )
  .map(([members, hooks, around, hasComma, mark, outer]) => {
    const all: (readonly [string, string])[] = [...members];
    if (hooks !== undefined) all.splice(hooks[1], 0, ["hooks", hooks[0]]);
    // A line comment must not swallow what follows it.
    return `${mark}${outer}${objectText(all, around, hasComma)}${outer}`;
  });

/** The settings as JSON, without our handlers and what held only them. */
function withoutOurs(value: unknown, before: unknown): unknown {
  const { hooks, ...rest } = value as { hooks: Record<string, { hooks?: unknown[] }[]> };
  const old = (before as { hooks?: Record<string, unknown> }).hooks;
  const ours = new Set(wanted.map(({ handler }) => doingOf(handler)));
  const kept = Object.entries(hooks).flatMap(([event, groups]): [string, unknown][] => {
    const others = groups.filter((one) => !(one.hooks?.length === 1 && ours.has(doingOf(one.hooks[0]))));
    return others.length > 0 || old?.[event] !== undefined ? [[event, others]] : [];
  });
  return old === undefined ? rest : { ...rest, hooks: Object.fromEntries(kept) };
}

const read = (text: string): unknown => parse(text.replace(/^\uFEFF/, ""), [], { allowTrailingComma: true });

test("INIT-1: adding hooks only inserts: what stood there stands in the same order, and means the same", () => {
  fc.assert(
    fc.property(settings, (text) => {
      const { text: after, inserted } = add(text);
      const kept = applyEdits(
        after,
        inserted.ranges.map((range) => ({ ...range, text: "" })),
      );
      expect(kept).toBe(text);
      expect(parseSettings(after, "after")?.type).toBe("object");
      expect(withoutOurs(read(after), read(text))).toEqual(read(text));
      expect(hasHooks(after, wanted, agent, "after")).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test("INIT-3: undoing gives back the text byte for byte, with the memory at once and handler by handler", () => {
  fc.assert(
    fc.property(settings, (text) => {
      const { text: after, inserted } = add(text);
      expect(remove(after, inserted)).toEqual({ text, way: "exact" });
      // The other way, as if the text were another one.
      expect(remove(after, { ...inserted, afterSha256: "" })).toEqual({ text, way: "handlers" });
    }),
    { numRuns: 150 },
  );
});

/** What somebody does to other parts in between: every edit can be made in both texts, because its place stands in both. */
const userEdit = fc.constantFrom(
  (text: string) => text.replace('"npm run lint"', '"npm run lint:all"'),
  (text: string) => text.replace(/"(model|env|\$schema)"/, '/* mine */ "$1"'),
  (text: string) => text.replace(/"Edit\|Write"/g, '"Bash"'),
  (text: string) => (/\{\s*"/.test(text) ? text.replace(/^([^{]*)\{(?=\s*"(?!hooks))/, '$1{ "mine": [1, 2], // mine\n') : text),
  (text: string) => text.replace(/-2\.5e3/g, "[ 7,\n 8 ]"),
  (text: string) => `${text}\n// at the end\n`,
);

test("INIT-3: undoing after edits of other parts leaves what these edits alone would have made", () => {
  let edited = 0;
  fc.assert(
    fc.property(settings, fc.array(userEdit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      const { text: after, inserted } = add(text);
      const edit = (one: string): string => edits.reduce((now, change) => change(now), one);
      const expected = edit(text);
      // An edit that would hit a comment in one text and not in the other says nothing.
      fc.pre(expected !== text && isReadable(expected) && isReadable(edit(after)));
      edited += 1;
      expect(remove(edit(after), inserted).text).toBe(expected);
    }),
    { numRuns: 150 },
  );
  expect(edited).toBeGreaterThan(50);
});

function isReadable(text: string): boolean {
  try {
    return parseSettings(text, "edited") !== undefined;
  } catch {
    return false;
  }
}

test("INIT-5: without a memory, exactly our handlers go, and the rest means what it meant", () => {
  fc.assert(
    fc.property(settings, (text) => {
      const before = read(text) as { hooks?: Record<string, unknown[]> };
      const after = read(remove(add(text).text).text) as { hooks?: Record<string, unknown[]> };
      const solid = ({ hooks = {}, ...rest }: { hooks?: Record<string, unknown[]> }) => ({
        ...rest,
        hooks: Object.fromEntries(Object.entries(hooks).filter(([, groups]) => groups.length > 0)),
      });
      expect(solid(after)).toEqual(solid(before));
    }),
    { numRuns: 150 },
  );
});

test("INIT-6: adding the same again has nothing to do, and another address replaces only our handlers", () => {
  fc.assert(
    fc.property(settings, (text) => {
      const first = add(text);
      const elsewhere = hooksTo("https://audit.example.org");
      expect(hasHooks(first.text, elsewhere, agent, "s", first.inserted)).toBe(false);
      const second = addHooks(remove(first.text, first.inserted).text, elsewhere, agent, "s");
      expect(hasHooks(second.text, elsewhere, agent, "s", second.inserted)).toBe(true);
      expect(second.text).not.toContain("127.0.0.1");
      expect(remove(second.text, second.inserted).text).toBe(text);
    }),
    { numRuns: 100 },
  );
});

test("INIT-1: what is inserted follows the line ends and the indentation of the file", () => {
  const text = '{\r\n\t"model": "opus", // mine\r\n\t"env": {}\r\n}\r\n';
  const { text: after } = add(text);
  expect(
    after.startsWith(
      '{\r\n\t"model": "opus", // mine\r\n\t"env": {},\r\n\t"hooks": {\r\n\t\t"Setup": [\r\n\t\t\t{ "hooks": [{ "type": "command",',
    ),
  ).toBe(true);
  expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  const commented = add('{\n    "model": "opus" // the good one\n}\n').text;
  expect(commented.startsWith('{\n    "model": "opus", // the good one\n    "hooks": {\n        "Setup": [')).toBe(true);
});

test("INIT-1: a text without any value gets an object, and loses it again", () => {
  for (const text of ["", " ", "\n", "\uFEFF", "// nothing yet\n", "/* nothing */", "// nothing"]) {
    const { text: after, inserted } = add(text);
    expect(hasHooks(after, wanted, agent, "s")).toBe(true);
    expect(remove(after, inserted)).toEqual({ text, way: "exact" });
    expect(remove(after, { ...inserted, afterSha256: "" })).toEqual({ text, way: "handlers" });
  }
});

test("INIT-4: what cannot be understood is an error with line and column", () => {
  const faults: [string, string][] = [
    ['{\n  "a": 1,\n  "b" 2\n}', "settings.json:3:7 cannot be read as JSON (ColonExpected)"],
    ['{"a": 1', "settings.json:1:8 cannot be read as JSON (CloseBraceExpected)"],
    ["[]", "settings.json:1:1 must hold one JSON object"],
    ['\uFEFF"x"', "settings.json:1:1 must hold one JSON object"],
    ['{"hooks": []}', 'settings.json:1:11 has "hooks" with something else than an object'],
    ['{"hooks": null}', 'settings.json:1:11 has "hooks" with something else than an object'],
    ['{\n"hooks": {},\r\n "hooks": {}}', 'settings.json:3:2 has "hooks" twice'],
    ['{"hooks": {"Stop": [], "Stop": []}}', 'settings.json:1:24 has "Stop" twice'],
    [
      '{"hooks": {"PostToolUse": {"command": "agent-audit-log"}}}',
      'settings.json:1:27 has "PostToolUse" with something else than an array',
    ],
    [`{"a": ${"[".repeat(101)}${"]".repeat(101)}}`, "settings.json:1:106 has more than 100 brackets within each other"],
    [`${"[".repeat(500_000)}`, "settings.json:1:101 has more than 100 brackets within each other"],
  ];
  for (const [text, message] of faults) {
    expect(() => add(text)).toThrow(`${message}. Nothing was written; correct it and run this again.`);
  }
});

test("INIT-5: handlers are told by what they do: moved, edited and formatted anew they still go, and others that stand beside them stay", () => {
  const { text, inserted } = add('{"model": "opus"}');
  const value = read(text) as { hooks: Record<string, { matcher?: string; hooks: Record<string, unknown>[] }[]> };
  const [first] = value.hooks.PreToolUse ?? [];
  first?.hooks.push({ type: "command", command: "mine" });
  const [second] = value.hooks.PostToolUse ?? [];
  if (second !== undefined) Object.assign(second, { matcher: "Bash" }).hooks[0]!.timeout = 60;
  value.hooks.Notification = value.hooks.Stop ?? [];
  for (const known of [inserted, undefined]) {
    expect(read(remove(JSON.stringify(value), known).text)).toEqual({
      model: "opus",
      // What was remembered does not name it: an array that somebody else made stays.
      hooks: { PreToolUse: [{ hooks: [{ type: "command", command: "mine" }] }], ...(known === undefined ? {} : { Notification: [] }) },
    });
  }
  // Somebody's own, to another path, or without the agent's name.
  const foreign =
    '{"hooks":{"Stop":[{"hooks":[{"type":"http","url":"http://127.0.0.1:7431/hooks/codex"},{"type":"command","command":"agent-audit-log"}]}]}}';
  expect(remove(foreign)).toEqual({ text: foreign, way: "nothing" });
});

test("INIT-3: what init made and somebody has emptied goes too, what holds a comment or was there before stays", () => {
  const { inserted } = add('{"model": "opus"}');
  expect(remove('{"model": "opus", "hooks": {"Stop": []}}', inserted).text).toBe('{"model": "opus"}');
  expect(remove('{"model": "opus", "hooks": {/* mine */}}', inserted).text).toBe('{"model": "opus", "hooks": {/* mine */}}');
  const before = '{"hooks": {"Stop": [ ]}}';
  const kept = add(before);
  expect(remove(`${kept.text}\n`, kept.inserted).text).toBe(`${before}\n`);
});

test("INIT-2: each agent gets its own shape, and no secret stands in it", () => {
  const options = { url: "https://audit.example.org", command: ["agent-audit-log"], isCommandOnly: false, isTokenSent: true } as const;
  const claude = wantedHooks("claude-code", options);
  const byEvent = new Map(claude.map(({ event, handler }) => [event, handler]));
  expect(byEvent.get("PreToolUse")).toEqual({
    type: "http",
    url: "https://audit.example.org/hooks/claude-code",
    timeout: 5,
    headers: { Authorization: "Bearer $AUDIT_TOKEN" },
    allowedEnvVars: ["AUDIT_TOKEN"],
  });
  const session = { type: "command", command: "agent-audit-log", args: ["claude-code"], timeout: 10 };
  for (const event of ["SessionStart", "Setup"]) expect(byEvent.get(event)).toEqual({ ...session, async: true });
  const commands = new Map(wantedHooks("claude-code", { ...options, isCommandOnly: true }).map(({ event, handler }) => [event, handler]));
  expect([...commands.keys()]).toEqual([...byEvent.keys()]);
  expect([...commands].filter(([, { type }]) => type !== "command")).toEqual([]);
  expect([...commands].filter(([, { async }]) => async !== true).map(([event]) => event)).toEqual(["SessionEnd"]);
  const copilot = addHooks(
    AGENTS.copilot.fileBase,
    wantedHooks("copilot", { ...options, command: ["node", "/a b/agent-audit-log.mjs"] }),
    AGENTS.copilot,
    "c",
  );
  expect((read(copilot.text) as { version: number; hooks: { Stop: unknown } }).hooks.Stop).toEqual([
    { type: "command", command: 'node "/a b/agent-audit-log.mjs" copilot', timeoutSec: 10 },
  ]);
  for (const name of ["codex", "copilot"] as const) {
    const before = AGENTS[name].fileBase;
    const hooks = wantedHooks(name, { ...options, command: ["node", "/a b/agent-audit-log.mjs"] });
    const { text, inserted } = addHooks(before, hooks, AGENTS[name], "c");
    expect(hasHooks(text, hooks, AGENTS[name], "c")).toBe(true);
    expect(removeHooks(text, AGENTS[name], "c", { ...inserted, afterSha256: "" })).toEqual({ text: before, way: "handlers" });
    expect(read(removeHooks(text, AGENTS[name], "c", undefined).text)).toEqual(read(before));
  }
});
