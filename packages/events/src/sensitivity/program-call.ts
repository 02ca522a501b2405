import type { Finding } from "./finding.ts";
import { SEARCHED_CHARS_MAX, SEARCHED_WORDS_MAX } from "./limits.ts";
import { isAnchored, isWithin, readPath } from "./path-text.ts";
import type { ShellScope, ShellWord } from "./shell-word.ts";
import { readHost } from "./url-text.ts";

/** One simple command, ready to be understood by the reader of its program. */
export interface ProgramCall {
  /** The last name of the program's path. */
  readonly program: string;
  readonly words: readonly ShellWord[];
  readonly finding: Finding;
  readonly scope: ShellScope;
  /** What the standard input is: text that stands in the script, what a download writes, or something else. */
  readonly input: CallInput;
  /** Reads a command that this one starts. @param input What it reads, when it is not what this one reads. */
  runWords(words: readonly ShellWord[]): void;
  /** Reads a script that this command runs. @param isElsewhere Whether it runs on another machine, where the working folder is another. */
  runScript(script: string, isElsewhere?: boolean): void;
}

export type CallInput =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly text: string; readonly isComplete: boolean }
  | { readonly kind: "download" }
  | { readonly kind: "pipe" };

/** Understands the arguments of one program: adds what it accesses and raises the level. */
export type ProgramReader = (call: ProgramCall) => void;

export interface ReadOption {
  /** As written, with its dashes. */
  readonly name: string;
  readonly value: ShellWord | undefined;
}

export interface ReadArguments {
  readonly options: readonly ReadOption[];
  readonly operands: readonly ShellWord[];
  has(...names: readonly string[]): boolean;
  valuesOf(...names: readonly string[]): readonly ShellWord[];
}

/**
 * Parts options from operands as getopt does: `-abc` is three options, `--name=value` and `-Ovalue` have values, `--` ends them.
 *
 * @param valued Options that take the next word, such as `-o` and `--output`.
 * @param stopsAtOperand True for programs that run another one: its options are not theirs.
 */
export function readArguments(words: readonly ShellWord[], valued: ReadonlySet<string>, stopsAtOperand = false): ReadArguments {
  const options: ReadOption[] = [];
  const operands: ShellWord[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const { text } = word;
    if (text === "--") {
      operands.push(...words.slice(i + 1));
      break;
    }
    if (!text.startsWith("-") || text === "-") {
      if (stopsAtOperand) {
        operands.push(...words.slice(i));
        break;
      }
      operands.push(word);
      continue;
    }
    const equals = text.indexOf("=");
    if (valued.has(text)) {
      options.push({ name: text, value: words[i + 1] });
      i++;
    } else if (equals > 0) {
      options.push({ name: text.slice(0, equals), value: { ...word, text: text.slice(equals + 1) } });
    } else if (text.startsWith("--")) {
      options.push({ name: text, value: undefined });
    } else {
      for (let at = 1; at < text.length; at++) {
        const name = `-${text[at]}`;
        if (!valued.has(name)) {
          options.push({ name, value: undefined });
          continue;
        }
        const rest = text.slice(at + 1);
        options.push({ name, value: rest === "" ? words[++i] : { ...word, text: rest } });
        break;
      }
      // `-delete` and `-rf` look alike: both readings are there to be asked for.
      if (text.length > 2) options.push({ name: text, value: undefined });
    }
  }
  return {
    options,
    operands,
    has: (...names) => options.some(({ name }) => names.includes(name)),
    valuesOf: (...names) => options.flatMap(({ name, value }) => (names.includes(name) && value !== undefined ? [value] : [])),
  };
}

/** Folders of the system: who writes there administers the machine. */
const SYSTEM_FOLDERS = [
  "/etc",
  "/usr",
  "/bin",
  "/sbin",
  "/boot",
  "/lib",
  "/lib64",
  "/sys",
  "/proc",
  "/dev",
  "/System",
  "/Library",
  "/var/lib",
  "/var/spool",
  "/root",
];
/** Pipes and empty devices, and what people install for themselves. */
const NO_SYSTEM =
  /^\/dev\/(?:null|zero|full|u?random|std(?:in|out|err)|tty|fd\/.*|shm(?:\/.*)?)$|^\/usr\/local\/|^\/System\/Volumes\/Data\/Users\//;

/** Files that a program takes as its operands: named in the resources, compared with the rules. */
export function readFiles(words: readonly ShellWord[], { finding, scope }: ProgramCall, type: "file" | "directory" = "file"): void {
  for (const word of words) readFile(word, finding, scope, type);
}

export function readFile(word: ShellWord, finding: Finding, scope: ShellScope, type: "file" | "directory" = "file"): void {
  const { text } = word;
  if (
    text === "" ||
    text === "-" ||
    text === "{}" ||
    /^\/dev\/(?:null|std(?:in|out|err)|tty|fd\/\d+)$/.test(text) ||
    !finding.spendArgument()
  )
    return;
  if (!word.isComplete) finding.markUnread("argument");
  // Of a variable alone nothing is known that could be named.
  if (finding.addUrl(text) || (!word.isComplete && /^\$(?:\w+|\{[^/]*)?$/.test(text))) return;
  finding.addPath(text, scope.cwd, type);
  if (word.isWildcard && finding.rules.isSensitiveWildcard(readPath(text, scope.cwd))) finding.addSensitiveWildcard();
}

/** Files that a program writes: `admin` below a folder of the system. */
export function writeFiles(words: readonly ShellWord[], call: ProgramCall): void {
  for (const word of words) writeFile(word, call.finding, call.scope);
}

export function writeFile(word: ShellWord, finding: Finding, scope: ShellScope): void {
  if (/^\/dev\/(?:null|std(?:in|out|err)|tty|fd\/\d+)$/.test(word.text)) return;
  finding.raise(isSystemPath(word.text, scope) ? "admin" : "read-write");
  readFile(word, finding, scope);
}

export function isSystemPath(path: string, { cwd }: ShellScope): boolean {
  const { text } = readPath(path, cwd);
  if (/^[A-Za-z]:\/(?:Windows|Program Files)/i.test(text) || text === "/") return true;
  return !NO_SYSTEM.test(text) && SYSTEM_FOLDERS.some((folder) => isWithin(text, folder));
}

/** Whether a path lies outside of the working folder and of folders for what is temporary. Unknown counts as inside only for relative paths. */
export function isOutside(word: ShellWord, { cwd }: ShellScope): boolean {
  const { text } = readPath(word.text, cwd);
  if (/^(?:\/private)?(?:\/var)?\/tmp\/./.test(text)) return false;
  if (text.startsWith("$")) return false;
  if (cwd === undefined || !isAnchored(readPath(cwd).text)) return isAnchored(word.text) || text === ".." || text.startsWith("../");
  return !isWithin(text, readPath(cwd).text);
}

/** Arguments of which it is not known whether they are files: named when they look like paths, and compared with the rules in every reading. */
export function readUnsure(words: readonly ShellWord[], call: ProgramCall): void {
  for (const word of words) {
    if (!call.finding.spendArgument()) return;
    if (!word.isComplete && !/\s/.test(word.text)) call.finding.markUnread("argument");
    readUnsureText(word.text, call);
    if (word.isWildcard && call.finding.rules.isSensitiveWildcard(readPath(word.text, call.scope.cwd))) call.finding.addSensitiveWildcard();
  }
}

function readUnsureText(text: string, { finding, scope }: ProgramCall): void {
  if (text.length > 4_096 || text === "" || text === "-") return;
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) {
    finding.addUrl(text);
    return;
  }
  if (/\s/.test(text)) {
    if (/[./~]/.test(text)) searchQuoted(text, finding, scope);
    return;
  }
  // `--env-file=.env`, `@secrets.json`, `host:/path`, `HEAD:.env`, `a:b:ro`, `x=y,z`.
  const parts = text.split(/[=:,@]/).filter((part) => part !== "");
  let isNamed = false;
  for (const part of parts.length > 1 && parts.length <= 8 ? [...parts, text] : parts) {
    if (!isNamed && isPathLike(part) && finding.addIfSensitive(part, scope.cwd)) isNamed = true;
  }
  if (!isNamed && !text.startsWith("-") && /^(?:[~.]{0,2}\/|~$)[^\s=:,@*(){}|;<>"']*$/.test(text)) finding.addPath(text, scope.cwd);
}

/** Words that could name a file: a bare word such as `credentials` could as well be a branch. */
function isPathLike(text: string): boolean {
  return /[./~\\]/.test(text) || /^id_[a-z0-9]+$/.test(text);
}

/** Code in another language is not read; names of sensitive files that stand in quotation marks are found. */
export function searchCode(code: string, finding: Finding, scope: ShellScope): void {
  finding.markUnread("script");
  searchQuoted(code, finding, scope);
}

function searchQuoted(text: string, finding: Finding, scope: ShellScope): void {
  let count = 0;
  for (const [, , quoted = ""] of text.slice(0, SEARCHED_CHARS_MAX).matchAll(/(["'`])([^"'`\s]{2,1024})\1/g)) {
    if (++count > SEARCHED_WORDS_MAX) return;
    if (isPathLike(quoted)) finding.addIfSensitive(quoted, scope.cwd);
  }
}

/** All words of a text that no parser could read, in any reading. */
export function searchWords(text: string, finding: Finding, scope: ShellScope): void {
  let count = 0;
  if (text.length > SEARCHED_CHARS_MAX) finding.markUnread("length");
  for (const [word] of text.slice(0, SEARCHED_CHARS_MAX).matchAll(/[^\s"'`()[\]{}<>|;&,=]{2,1024}/g)) {
    if (++count > SEARCHED_WORDS_MAX) {
      finding.markUnread("length");
      return;
    }
    const path = word
      .replace(/^@/, "")
      .replace(/^\$HOME\b/, "~")
      .replace(/^\$env:USERPROFILE\b/i, "~");
    if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(path)) finding.addUrl(path);
    else if (isPathLike(path)) finding.addIfSensitive(path, scope.cwd);
  }
}

/** `user@host`, `host:port` or `host`. */
export function addHostOf(text: string, finding: Finding): void {
  const place = text.slice(text.lastIndexOf("@") + 1);
  const host = readHost(place);
  if (host !== "") finding.addHost(host);
}
