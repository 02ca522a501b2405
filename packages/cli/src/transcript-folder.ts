import { createReadStream, type Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { detectShape } from "@vouchtrail/events";
import { FOLDER_DEPTH_MAX, FOLDER_FILES_MAX, SAMPLE_BYTES_MAX } from "./limits.ts";

/** What the name of a file says about the transcript in it. */
export interface TranscriptName {
  /** `other` is a name that Claude Code does not give: the content must tell. */
  readonly kind: "session" | "subagent" | "other";
  /** Undefined for a subagent's file that lies beside those of sessions, as older versions have it: its lines say. */
  readonly sessionId?: string;
  readonly subagentId?: string;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Reads the name of a transcript: `<session>.jsonl`, `<session>/subagents/agent-<id>.jsonl` (also deeper below `subagents`), or
 * `agent-<id>.jsonl`. A session is a UUID. Source: shared layout of `~/.claude/projects`. Rule: MAPPING-43.
 */
export function readTranscriptName(file: string): TranscriptName {
  const stem = basename(file).replace(/\.jsonl$/, "");
  const subagentId = /^agent-(.+)$/.exec(stem)?.[1];
  if (subagentId !== undefined) {
    const sessionId = sessionAbove(dirname(file));
    return { kind: "subagent", subagentId, ...(sessionId !== undefined && { sessionId }) };
  }
  return UUID.test(stem) ? { kind: "session", sessionId: stem } : { kind: "other" };
}

function sessionAbove(folder: string): string | undefined {
  const names = folder.split(/[/\\]/);
  const at = names.lastIndexOf("subagents");
  const name = at > 0 ? names[at - 1] : undefined;
  return name !== undefined && UUID.test(name) ? name : undefined;
}

/** The files that were found, and whether that is all. */
export interface FoundFiles {
  /** In the order of their names, so that a session comes before its subagents. */
  readonly files: readonly string[];
  /** Folders that could not be read. */
  readonly unreadableFolders: readonly string[];
  /** There are more than {@link FOLDER_FILES_MAX}. */
  readonly isCut: boolean;
}

/** Finds every `*.jsonl` in a folder and below it. Links are not followed: they could lead round in circles. */
export async function findTranscripts(folder: string): Promise<FoundFiles> {
  const files: string[] = [];
  const unreadableFolders: string[] = [];
  async function walk(at: string, depth: number): Promise<void> {
    let entries: Dirent[];
    try {
      entries = await readdir(at, { withFileTypes: true });
    } catch {
      // It may be gone since it was listed, or belong to somebody else: the others are still read, and the caller says so.
      unreadableFolders.push(at);
      return;
    }
    for (const entry of entries) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < FOLDER_DEPTH_MAX) await walk(path, depth + 1);
      else if (entry.isFile() && entry.name.endsWith(".jsonl") && files.length <= FOLDER_FILES_MAX) files.push(path);
    }
  }
  await walk(folder, 0);
  const isCut = files.length > FOLDER_FILES_MAX;
  files.sort();
  return { files: files.slice(0, FOLDER_FILES_MAX), unreadableFolders, isCut };
}

/** Where Claude Code keeps its transcripts: `projects` in `$CLAUDE_CONFIG_DIR`, else in `~/.claude`. */
export function defaultTranscriptFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const configured = environment.CLAUDE_CONFIG_DIR;
  return join(configured === undefined || configured === "" ? join(homedir(), ".claude") : configured, "projects");
}

/** Whether the first lines of a file are those of a transcript: for files whose name does not say so. Throws what the file system throws. */
export async function holdsTranscript(file: string): Promise<boolean> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: SAMPLE_BYTES_MAX - 1 })) chunks.push(chunk as Buffer);
  return detectShape(Buffer.concat(chunks).toString("utf8")) === "claude-code-transcript";
}
