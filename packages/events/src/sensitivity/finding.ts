import type { Security } from "../event.ts";
import { replaceLoneSurrogates } from "../mapping/leaf-text.ts";
import { ARGUMENTS_MAX, COMMANDS_MAX, IDENTIFIER_CHARS_MAX, RESOURCES_MAX, SCRIPTS_CHARS_MAX } from "./limits.ts";
import { readPath } from "./path-text.ts";
import type { SensitivityRules } from "./sensitivity-rules.ts";
import { readUrl } from "./url-text.ts";

/** What a resource of a derived block can be. `unread`: a part of the input that could not be read; `more`: how many resources are left out. */
export const RESOURCE_TYPES = [
  "file",
  "directory",
  "command",
  "url",
  "host",
  "database_table",
  "mcp_server",
  "git_repository",
  "package",
  "unread",
  "more",
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** Why a part could not be read. */
export type UnreadReason = "argument" | "program" | "script" | "syntax" | "length" | "depth";

export type PermissionLevel = NonNullable<Security["permissionLevel"]>;
const RANK: Readonly<Record<PermissionLevel, number>> = { readonly: 0, "read-write": 1, admin: 2 };

/** Collects what one event accesses, within bounds. Every name is compared with the rules, also those that are over the bound of the list. */
export interface Finding {
  readonly rules: SensitivityRules;
  /** Raises the level; it never falls. */
  raise(level: PermissionLevel): void;
  addPath(path: string, cwd: string | undefined, type?: "file" | "directory" | "git_repository"): void;
  /** Adds a path only if a rule matches it, and says whether. */
  addIfSensitive(path: string, cwd: string | undefined): boolean;
  /** A wildcard can stand for a path that a rule matches; the wildcard itself is among the resources. */
  addSensitiveWildcard(): void;
  /** Adds the URL and its host's verdict. @returns Whether it is a URL. */
  addUrl(url: string): boolean;
  addHost(host: string): void;
  addTable(table: string): void;
  addMcpServer(name: string): void;
  addPackage(name: string): void;
  /** @param words The program and the words after it that are no options. */
  addCommand(program: string, words: readonly string[]): void;
  /** Says that a part could not be read: anything may stand there. All but an argument raise the level to `read-write`. */
  markUnread(reason: UnreadReason): void;
  /** Counts one more command or argument. @returns Whether it is still to be read. */
  spendCommand(): boolean;
  spendArgument(): boolean;
  spendScript(chars: number): boolean;
  /** @returns undefined when nothing was found. */
  toSecurity(): Security | undefined;
}

export function createFinding(rules: SensitivityRules): Finding {
  const resources = new Map<string, { type: ResourceType; identifier: string }>();
  let level: PermissionLevel | undefined;
  let left = 0;
  let commands = 0;
  let argumentsRead = 0;
  let scriptChars = 0;
  let isSensitive = false;
  let isUnread = false;

  function raise(to: PermissionLevel): void {
    if (level === undefined || RANK[to] > RANK[level]) level = to;
  }
  function add(type: ResourceType, name: string, isNotable = type === "unread"): void {
    const identifier = replaceLoneSurrogates(name.slice(0, IDENTIFIER_CHARS_MAX));
    const key = `${type} ${identifier}`;
    if (identifier === "" || resources.has(key)) return;
    // What is sensitive or could not be read has room of its own: a long list of files must not push it out.
    if (resources.size >= (isNotable ? 2 * RESOURCES_MAX : RESOURCES_MAX)) left += 1;
    else resources.set(key, { type, identifier });
  }
  function markUnread(reason: UnreadReason): void {
    isUnread = true;
    add("unread", reason);
    if (reason !== "argument") raise("read-write");
  }
  function addJudged(type: ResourceType, name: string, isMatch: boolean): void {
    if (isMatch) isSensitive = true;
    add(type, name, isMatch);
  }
  function spend(count: number, max: number): boolean {
    if (count === max + 1) markUnread("length");
    return count <= max;
  }

  return {
    rules,
    raise,
    markUnread,
    addPath(path, cwd, type = "file") {
      const read = readPath(path, cwd);
      addJudged(type, read.text, rules.isSensitivePath(read));
    },
    addIfSensitive(path, cwd) {
      const read = readPath(path, cwd);
      if (!rules.isSensitivePath(read)) return false;
      addJudged("file", read.text, true);
      return true;
    },
    addSensitiveWildcard() {
      isSensitive = true;
    },
    addUrl(url) {
      const read = readUrl(url);
      if (read === undefined) return false;
      if (read.text.startsWith("file:")) {
        const path = readPath(url.slice(0, url.search(/[?#]|$/)));
        addJudged("file", path.text, rules.isSensitivePath(path));
        return true;
      }
      addJudged("url", read.text, rules.isSensitiveHost(read.host));
      return true;
    },
    addHost(host) {
      addJudged("host", host, rules.isSensitiveHost(host));
    },
    addTable(table) {
      addJudged("database_table", table, rules.isSensitiveTable(table.toLowerCase()));
    },
    addMcpServer(name) {
      addJudged("mcp_server", name, rules.isSensitiveMcpServer(name));
    },
    addPackage: (name) => add("package", name),
    addCommand(program, words) {
      addJudged("command", program, rules.isSensitiveCommand(words));
    },
    spendCommand: () => spend(++commands, COMMANDS_MAX),
    spendArgument: () => spend(++argumentsRead, ARGUMENTS_MAX),
    spendScript(chars) {
      scriptChars += chars;
      if (scriptChars > SCRIPTS_CHARS_MAX) markUnread("length");
      return scriptChars <= SCRIPTS_CHARS_MAX;
    },
    toSecurity() {
      if (level === undefined && resources.size === 0) return undefined;
      const listed: { type: string; identifier: string }[] = [...resources.values()];
      if (left > 0) listed.push({ type: "more", identifier: String(left) });
      const saysNothing = listed.length === 0;
      return {
        ...(level === undefined ? {} : { permissionLevel: level }),
        ...(saysNothing ? {} : { resourcesAccessed: listed }),
        ...(isSensitive ? { sensitiveDataAccessed: true } : isUnread || saysNothing ? {} : { sensitiveDataAccessed: false }),
      };
    },
  };
}
