import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultTranscriptFolder, findTranscripts, holdsTranscript, readTranscriptName } from "./transcript-folder.ts";

const SESSION = "0b0e5c2a-1111-4222-8333-444455556666";
let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-folder-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("MAPPING-43: the name of a file tells its kind, its session and its subagent", () => {
  expect(
    [
      `/p/${SESSION}.jsonl`,
      `/p/${SESSION}/subagents/agent-a1b2.jsonl`,
      `/p/${SESSION}/subagents/workflows/w1/agent-a1b2.jsonl`,
      "/p/agent-a1b2.jsonl",
      "/p/subagents/agent-a1b2.jsonl",
      "/p/notes.jsonl",
    ].map(readTranscriptName),
  ).toEqual([
    { kind: "session", sessionId: SESSION },
    { kind: "subagent", subagentId: "a1b2", sessionId: SESSION },
    { kind: "subagent", subagentId: "a1b2", sessionId: SESSION },
    { kind: "subagent", subagentId: "a1b2" },
    { kind: "subagent", subagentId: "a1b2" },
    { kind: "other" },
  ]);
});

test("MAPPING-43: every transcript of a folder is found, a session before its subagents, and links are not followed", async () => {
  const subagents = join(root, "project", SESSION, "subagents");
  await mkdir(subagents, { recursive: true });
  for (const file of [
    join(subagents, "agent-1.jsonl"),
    join(root, "project", `${SESSION}.jsonl`),
    join(root, "a.jsonl"),
    join(root, "b.txt"),
  ]) {
    await writeFile(file, "");
  }
  await symlink(root, join(root, "project", "round"));
  await symlink(join(root, "a.jsonl"), join(root, "linked.jsonl"));
  expect(await findTranscripts(root)).toEqual({
    files: [join(root, "a.jsonl"), join(root, "project", `${SESSION}.jsonl`), join(subagents, "agent-1.jsonl")],
    unreadableFolders: [],
    isCut: false,
  });
  expect(await findTranscripts(join(root, "none"))).toEqual({ files: [], unreadableFolders: [join(root, "none")], isCut: false });
});

test("MAPPING-43: the content tells whether a file under another name is a transcript", async () => {
  const holds = async (text: string): Promise<boolean> => {
    await writeFile(join(root, "a.jsonl"), text);
    return holdsTranscript(join(root, "a.jsonl"));
  };
  expect(await holds('half a line"}\n{"type":"user","uuid":"u"}\n')).toBe(true);
  expect(await holds('{"prompt":"x"}\n')).toBe(false);
  expect(await holds("")).toBe(false);
});

test("MAPPING-44: a watch looks where Claude Code keeps its transcripts", () => {
  expect(defaultTranscriptFolder({ CLAUDE_CONFIG_DIR: "/c" })).toBe(join("/c", "projects"));
  expect(defaultTranscriptFolder({ CLAUDE_CONFIG_DIR: "" })).toMatch(/\.claude[/\\]projects$/);
});
