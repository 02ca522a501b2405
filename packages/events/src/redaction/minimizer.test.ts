import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AuditEvent } from "../event.ts";
import { cutText, encodeUtf8 } from "./cut-text.ts";
import { createMinimizer } from "./minimizer.ts";

const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();
const hex = (text: string): string => createHash("sha256").update(text).digest("hex");
const minimizer = createMinimizer({}, sha256);

function toolEvent(name: string, parameters: unknown, result?: unknown, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: "0197a3c2-7d4b-7c1e-9a55-3f2b8c6d1e40",
    occurredAt: "2026-03-01T10:11:12.345Z",
    tenant: "default",
    action: "ai.tool_call",
    actor: { type: "agent", id: "agent-7" },
    target: { type: "tool", id: name },
    outcome: result === undefined ? { status: "success" } : { status: "success", result },
    activity: { type: "tool", name, tool: { name, parameters } },
    ...more,
  };
}
const cutFile = (text: string) => ({
  cut: "file_contents",
  preview: "",
  chars: text.length,
  bytes: Buffer.byteLength(text),
  sha256: hex(text),
});

test("MINIMISE-1: a written file leaves its path, length and hash, not its content", () => {
  const content = "export const answer = 42; // é 🙂\n";
  const { event, cuts } = minimizer.minimizeEvent(
    toolEvent(
      "Write",
      { file_path: "/app/a.ts", content },
      { type: "create", filePath: "/app/a.ts", content, structuredPatch: [], originalFile: null },
    ),
  );
  expect(event.activity?.tool?.parameters).toEqual({ file_path: "/app/a.ts", content: cutFile(content) });
  expect(event.outcome.result).toEqual({
    type: "create",
    filePath: "/app/a.ts",
    content: cutFile(content),
    structuredPatch: [],
    originalFile: null,
  });
  expect([...cuts]).toEqual([["file_contents", 2]]);
});

test("MINIMISE-1: edits, also several in one call, leave no strings of the file", () => {
  const patch = [{ oldStart: 1, lines: ["-private line", "+other line"] }];
  const one = minimizer.minimizeEvent(
    toolEvent(
      "Edit",
      { file_path: "/a", old_string: "private line", new_string: "other line", replace_all: false },
      {
        filePath: "/a",
        oldString: "private line",
        newString: "other line",
        originalFile: "private line\n",
        structuredPatch: patch,
        userModified: false,
      },
    ),
  );
  const many = minimizer.minimizeEvent(
    toolEvent("MultiEdit", { file_path: "/a", edits: [{ old_string: "private line", new_string: "other line" }] }),
  );
  const notebook = minimizer.minimizeEvent(toolEvent("NotebookEdit", { notebook_path: "/n", new_source: "private line" }));
  for (const { event } of [one, many, notebook]) expect(JSON.stringify(event)).not.toMatch(/private line|other line/);
  expect(one.event.outcome.result).toMatchObject({ filePath: "/a", userModified: false, structuredPatch: cutFile(JSON.stringify(patch)) });
});

test("MINIMISE-1: what is read or found by content is cut, paths and counts stay", () => {
  const read = minimizer.minimizeEvent(
    toolEvent(
      "Read",
      { file_path: "/a", limit: 5 },
      { type: "text", file: { filePath: "/a", content: "private line", numLines: 1, startLine: 1, totalLines: 1 } },
    ),
  );
  expect(read.event.outcome.result).toEqual({
    type: "text",
    file: { filePath: "/a", content: cutFile("private line"), numLines: 1, startLine: 1, totalLines: 1 },
  });
  expect(minimizer.minimizeEvent(toolEvent("read", {}, "1→private line")).event.outcome.result).toEqual(cutFile("1→private line"));
  const grep = minimizer.minimizeEvent(
    toolEvent(
      "Grep",
      { pattern: "x", path: "src" },
      { mode: "content", numFiles: 0, filenames: ["src/a"], content: "src/a:1:private line", numLines: 1 },
    ),
  );
  expect(grep.event.outcome.result).toEqual({
    mode: "content",
    numFiles: 0,
    filenames: ["src/a"],
    content: cutFile("src/a:1:private line"),
    numLines: 1,
  });
  expect(JSON.stringify(minimizer.minimizeEvent(toolEvent("Read", {}, [{ type: "text", text: "private line" }])).event)).not.toContain(
    "private line",
  );
});

test("MINIMISE-1: the same stands in details of whoever reports the result there", () => {
  const { event } = minimizer.minimizeEvent(
    toolEvent("Read", { file_path: "/a" }, undefined, {
      details: { toolUseResult: { file: { filePath: "/a", content: "private line" } }, note: "kept" },
    }),
  );
  expect(event.details).toEqual({ toolUseResult: { file: { filePath: "/a", content: cutFile("private line") } }, note: "kept" });
});

test("MINIMISE-2: long output of a command is cut to its beginning with length and hash of the whole", () => {
  const stdout = "line of output\n".repeat(100);
  const { event, cuts } = minimizer.minimizeEvent(toolEvent("Bash", { command: "make" }, { stdout, stderr: "short", interrupted: false }));
  expect(event.outcome.result).toEqual({
    stdout: { cut: "bash_output", preview: stdout.slice(0, 500), chars: 1_500, bytes: 1_500, sha256: hex(stdout) },
    stderr: "short",
    interrupted: false,
  });
  expect(event.activity?.tool?.parameters).toEqual({ command: "make" });
  expect([...cuts]).toEqual([["bash_output", 1]]);
  expect(minimizer.minimizeEvent(toolEvent("BashOutput", {}, stdout)).event.outcome.result).toMatchObject({
    cut: "bash_output",
    chars: 1_500,
  });
});

test("MINIMISE-2: the error message of a failed command is cut too and stays text", () => {
  const message = `Exit code 1\n${"x".repeat(600)}`;
  const { event } = minimizer.minimizeEvent(toolEvent("Bash", { command: "make" }, undefined, { outcome: { status: "failure", message } }));
  expect(event.outcome.message).toBe(`${message.slice(0, 500)} [cut: bash_output, 612 chars, 612 bytes, sha256:${hex(message)}]`);
});

test("MINIMISE-3: query results leave the number of rows", () => {
  const rows = [{ name: "private person" }, { name: "other person" }];
  const skill: AuditEvent = {
    ...toolEvent("x", {}),
    activity: { type: "skill", name: "postgres", skill: { name: "postgres", operation: "query", parameters: { sql: "select 1" } } },
  };
  const results: readonly unknown[] = [rows, { rows, rowCount: 2 }, JSON.stringify(rows), [{ type: "text", text: JSON.stringify(rows) }]];
  for (const result of results) {
    for (const base of [skill, toolEvent("mcp__db__execute_sql", { sql: "select 1" })]) {
      const { event, cuts } = minimizer.minimizeEvent({ ...base, outcome: { status: "success", result } });
      const text = typeof result === "string" ? result : JSON.stringify(result);
      expect(event.outcome.result).toEqual({ cut: "query_results", rows: 2, chars: text.length, bytes: text.length, sha256: hex(text) });
      expect([...cuts]).toEqual([["query_results", 1]]);
    }
  }
});

test("MINIMISE-4: what the configuration allows is kept, and other tools are left alone", () => {
  const open = createMinimizer({ file_contents: true, query_results: true, bash_output: true }, sha256);
  const events = [
    toolEvent("Write", { content: "a" }),
    toolEvent("Bash", {}, { stdout: "x".repeat(900) }),
    toolEvent("mcp__db__query", {}, [1]),
  ];
  for (const event of events) expect(open.minimizeEvent(event).event).toBe(event);
  const other = toolEvent("WebSearch", { query: "x" }, { content: "found" });
  expect(minimizer.minimizeEvent(other).event).toBe(other);
  const none = createMinimizer({ bash_output: false }, sha256);
  expect(none.minimizeEvent(toolEvent("Bash", {}, "abc")).event.outcome.result).toEqual({
    cut: "bash_output",
    preview: "",
    chars: 3,
    bytes: 3,
    sha256: hex("abc"),
  });
  expect(() => createMinimizer({ bash_output_chars_max: -1 }, sha256)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});

test("MINIMISE-5: the input is not changed", () => {
  const event = toolEvent("Write", { file_path: "/a", content: "text" }, { content: "text" });
  const before = structuredClone(event);
  minimizer.minimizeEvent(event);
  expect(event).toEqual(before);
});

test("MINIMISE-6: a preview ends between characters and the hash is that of the UTF-8 of the whole", () => {
  expect(cutText("a🙂b", 2, "size", sha256)).toEqual({ cut: "size", preview: "a", chars: 4, bytes: 6, sha256: hex("a🙂b") });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(Buffer.from(encodeUtf8(text))).toEqual(Buffer.from(text));
    }),
  );
  expect(Buffer.from(encodeUtf8("a\ud800b\udc00"))).toEqual(Buffer.from("a\ufffdb\ufffd"));
});
