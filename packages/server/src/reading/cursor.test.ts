import { AuditError, parseFilter } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CursorQuestion, createCursors } from "./cursor.ts";

const key = Buffer.alloc(32, 7);
const cursors = createCursors(key, "log");
const question = (changes: Partial<CursorQuestion> = {}): CursorQuestion => ({
  kind: "search",
  tenant: undefined,
  filter: parseFilter({ actor: ["u-17", "!u-18"], "label.env": "prod" }),
  order: "newest",
  ...changes,
});

function isRefused(parse: () => unknown): boolean {
  try {
    parse();
    return false;
  } catch (error) {
    return error instanceof AuditError && error.code === "CURSOR_INVALID" && error.path === "cursor";
  }
}

test("READING-4: a cursor survives a round trip through text, and is one word for a URL", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (position) => {
      const cursor = cursors.format(question(), position);
      expect(cursor).toMatch(/^[A-Za-z0-9_-]{32}$/);
      expect(cursors.parse(question(), cursor)).toBe(position);
    }),
  );
});

test("READING-4: whatever is changed, cut or added, it is no cursor", () => {
  const cursor = cursors.format(question(), 123_456);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (let i = 0; i < cursor.length; i++) {
    for (const character of alphabet) {
      if (character === cursor[i]) continue;
      const changed = cursor.slice(0, i) + character + cursor.slice(i + 1);
      expect(isRefused(() => cursors.parse(question(), changed))).toBe(true);
    }
    expect(isRefused(() => cursors.parse(question(), cursor.slice(0, i)))).toBe(true);
  }
  for (const text of ["", `${cursor}A`, ` ${cursor}`, `${cursor}\n`, "null", "A".repeat(100_000), "é".repeat(32), cursor.replace("-", "+")])
    expect(text === cursor || isRefused(() => cursors.parse(question(), text))).toBe(true);
});

test("READING-4: any text is refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String({ minLength: 32, maxLength: 32 })), (text) =>
      isRefused(() => cursors.parse(question(), text)),
    ),
  );
});

test("READING-4: a cursor of another ledger, key or tenant is refused", () => {
  const cursor = cursors.format(question(), 5);
  expect(isRefused(() => createCursors(key, "other").parse(question(), cursor))).toBe(true);
  expect(isRefused(() => createCursors(Buffer.alloc(32, 8), "log").parse(question(), cursor))).toBe(true);
  expect(isRefused(() => cursors.parse(question({ tenant: "acme" }), cursor))).toBe(true);
  const bound = cursors.format(question({ tenant: "acme" }), 5);
  expect(isRefused(() => cursors.parse(question(), bound))).toBe(true);
  expect(isRefused(() => cursors.parse(question({ tenant: "other" }), bound))).toBe(true);
});

test.each<Partial<CursorQuestion>>([
  { kind: "effects" },
  { kind: "bundles" },
  { order: "oldest" },
  { deeds: true },
  { deed: "00000000000000ff" },
  { state: "open" },
  { filter: parseFilter({}) },
  { filter: parseFilter({ actor: ["u-17", "!u-18"] }) },
  { filter: parseFilter({ actor: ["u-17", "u-18"], "label.env": "prod" }) },
  { filter: parseFilter({ actor: ["u-17", "!u-18"], "label.env": "prod", from: "2026-01-01" }) },
])("READING-5: a cursor is refused with another question (%j)", (changes) => {
  expect(isRefused(() => cursors.parse(question(changes), cursors.format(question(), 5)))).toBe(true);
  expect(isRefused(() => cursors.parse(question(), cursors.format(question(changes), 5)))).toBe(true);
});

test("READING-5: the order of parameters and of values makes no other question", () => {
  const cursor = cursors.format(question(), 5);
  const filter = parseFilter({ "label.env": "prod", actor: ["!u-18", "u-17", "u-17"] });
  expect(cursors.parse(question({ filter }), cursor)).toBe(5);
});
