import { AuditError } from "../errors.ts";
import { DEFAULT_COMMANDS, DEFAULT_HOSTS, DEFAULT_MCP_SERVERS, DEFAULT_PATHS, DEFAULT_TABLES } from "./default-rules.ts";
import { PATTERN_CHARS_MAX, PATTERNS_MAX } from "./limits.ts";
import { type PathSubject, readPathPattern, toPathSubject } from "./path-pattern.ts";
import type { PathText } from "./path-text.ts";
import { matchesWildcard } from "./wildcard.ts";

/**
 * The lists of the `sensitivity:` block. Each adds to the defaults; a pattern that begins with `!` exempts, and the last pattern that matches
 * decides. Rules: SENS-20 to SENS-24.
 */
export interface SensitivityOptions {
  /** False leaves only the patterns that are given here. Default: true. */
  readonly defaults?: boolean | undefined;
  /** Globs, see `readPathPattern`. */
  readonly paths?: readonly string[] | undefined;
  /** Host names; `*.example.org` means every name below, `*` any characters. */
  readonly hosts?: readonly string[] | undefined;
  /** Tables with or without schema; `*` stands for any characters. */
  readonly tables?: readonly string[] | undefined;
  /** Programs, or a program and words that follow it: `kubectl get secret*`. */
  readonly commands?: readonly string[] | undefined;
  /** Names of MCP servers. */
  readonly mcpServers?: readonly string[] | undefined;
}

/** The rules, ready to be asked. Made once, asked for every event. */
export interface SensitivityRules {
  isSensitivePath(path: PathText): boolean;
  /** Whether a wildcard of a shell can stand for a path that a rule surely means: `id_*` for `id_rsa`. */
  isSensitiveWildcard(path: PathText): boolean;
  /** @param host In lower case, without port. */
  isSensitiveHost(host: string): boolean;
  /** @param table In lower case, with or without schema. */
  isSensitiveTable(table: string): boolean;
  /** @param words The program and the words after it that are no options. */
  isSensitiveCommand(words: readonly string[]): boolean;
  isSensitiveMcpServer(name: string): boolean;
}

/** Characters other than wildcards that the last name of a wildcard must have: `*` alone names nothing. */
const WILDCARD_LETTERS_MIN = 2;

/** @throws {AuditError} `CONFIG_INVALID` with the path of a pattern that is empty or too long, or of a list that is too long. */
export function createSensitivityRules(options: SensitivityOptions = {}): SensitivityRules {
  const withDefaults = options.defaults !== false;
  const listOf = (name: Exclude<keyof SensitivityOptions, "defaults">, defaults: readonly string[]): string[] => {
    const given = options[name] ?? [];
    checkPatterns(name, given);
    return withDefaults ? [...defaults, ...given] : [...given];
  };
  const paths = decide(listOf("paths", DEFAULT_PATHS), readPathPattern);
  const hosts = decide(listOf("hosts", DEFAULT_HOSTS), lowerCase);
  const tables = decide(listOf("tables", DEFAULT_TABLES), lowerCase);
  const commands = decide(listOf("commands", DEFAULT_COMMANDS), (pattern) => pattern.split(/\s+/).filter((word) => word !== ""));
  const mcpServers = decide(listOf("mcpServers", DEFAULT_MCP_SERVERS), lowerCase);
  const isSensitiveSubject = (subject: PathSubject): boolean => paths.some((pattern) => pattern.matches(subject));
  return {
    isSensitivePath: (path) => isSensitiveSubject(toPathSubject(path)),
    isSensitiveWildcard(path) {
      const subject = toPathSubject(path);
      const lastName = subject.names.at(-1) ?? "";
      if (lastName.replace(/[*?[\]{}]/g, "").length < WILDCARD_LETTERS_MIN) return isSensitiveSubject(subject);
      return (
        isSensitiveSubject(subject) ||
        paths.someRegardless(
          ({ sample }) =>
            !sample.endsWith(".") &&
            !sample.includes("/") &&
            sample.length > 1 &&
            // A star of the shell stands for no leading dot.
            (!sample.startsWith(".") || lastName.startsWith(".")) &&
            matchesWildcard(lastName.replace(/\[[^\]]*\]/g, "?"), sample),
        )
      );
    },
    isSensitiveHost: (host) => hosts.some((pattern) => matchesWildcard(pattern, host)),
    isSensitiveTable(table) {
      const name = table.slice(table.lastIndexOf(".") + 1);
      return tables.some((pattern) => matchesWildcard(pattern, table) || (!pattern.includes(".") && matchesWildcard(pattern, name)));
    },
    isSensitiveCommand: (words) =>
      commands.some((pattern) => pattern.length <= words.length && pattern.every((word, i) => matchesWildcard(word, words[i] ?? ""))),
    isSensitiveMcpServer: (name) => mcpServers.some((pattern) => matchesWildcard(pattern, name.toLowerCase())),
  };
}

function checkPatterns(name: string, patterns: readonly string[]): void {
  const fault = (path: string, message: string): AuditError =>
    new AuditError("CONFIG_INVALID", { path: `sensitivity.${path}`, message: `sensitivity.${path}: ${message}` });
  if (patterns.length > PATTERNS_MAX) throw fault(name, `at most ${PATTERNS_MAX} patterns. Join some with a wildcard.`);
  patterns.forEach((pattern, i) => {
    if (pattern.replace(/^!/, "").trim() === "") throw fault(`${name}.${i}`, "a pattern has at least one character. Remove it.");
    if (pattern.length > PATTERN_CHARS_MAX)
      throw fault(`${name}.${i}`, `a pattern has at most ${PATTERN_CHARS_MAX} characters. Use a wildcard.`);
  });
}

const lowerCase = (pattern: string): string => pattern.toLowerCase();

interface Decision<Pattern> {
  /** Whether the last pattern that satisfies `isMatch` is no exemption. */
  some(isMatch: (pattern: Pattern) => boolean): boolean;
  /** Whether any pattern satisfies it, exempt or not. */
  someRegardless(isMatch: (pattern: Pattern) => boolean): boolean;
}

function decide<Pattern>(patterns: readonly string[], read: (pattern: string) => Pattern): Decision<Pattern> {
  const rules = patterns.map((pattern) => ({ isExempt: pattern.startsWith("!"), pattern: read(pattern.replace(/^!/, "")) }));
  const sensitive = rules.filter(({ isExempt }) => !isExempt);
  return {
    someRegardless: (isMatch) => sensitive.some(({ pattern }) => isMatch(pattern)),
    some(isMatch) {
      // Nearly nothing is sensitive: the exemptions are asked only for what is.
      if (!sensitive.some(({ pattern }) => isMatch(pattern))) return false;
      const last = rules.findLast(({ pattern }) => isMatch(pattern));
      return last !== undefined && !last.isExempt;
    },
  };
}
