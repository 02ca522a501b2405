import type { Word, WordPart } from "unbash";
import { BRACE_WORDS_MAX, VARIABLE_CHARS_MAX } from "./limits.ts";

/** What a word of a shell command stands for, as far as the text tells. */
export interface ShellWord {
  /** What cannot be known stands as it was written: `$DIR/.env`. */
  readonly text: string;
  /** Whether nothing of it is unknown. */
  readonly isComplete: boolean;
  /** Whether the shell looks for files that match it. */
  readonly isWildcard: boolean;
}

/** What the script has said so far. */
export interface ShellScope {
  /** Variables whose value is known. */
  readonly variables: Map<string, string>;
  /** Undefined when it is not known. */
  cwd: string | undefined;
}

/** Set by the shell itself to what is no name of anything. */
const NUMBERS = new Set(["?", "#", "$", "!", "RANDOM", "SECONDS", "LINENO", "PPID", "UID", "EUID", "COLUMNS", "LINES"]);
/** Stands in a word for what is unknown, while braces are opened. No shell word holds it. */
const BRACE = "\u0000";

/** @returns The words that one word becomes: several where it has braces, one else. */
export function readWords(word: Word, scope: ShellScope): readonly ShellWord[] {
  if (word.parts === undefined) return [{ text: word.value, isComplete: true, isWildcard: false }];
  const state: Reading = { braces: [], isComplete: true, isWildcard: false };
  const text = readParts(word.parts, scope, state);
  const { isComplete, isWildcard } = state;
  if (state.braces.length === 0) return [{ text: text.replaceAll(BRACE, ""), isComplete, isWildcard }];
  let texts = [text];
  let isWhole = isComplete;
  for (const alternatives of state.braces) {
    const next = texts.flatMap((before) => alternatives.map((alternative) => before.replace(BRACE, () => alternative)));
    if (next.length > BRACE_WORDS_MAX) isWhole = false;
    texts = next.slice(0, BRACE_WORDS_MAX);
  }
  return texts.map((each) => ({ text: each, isComplete: isWhole, isWildcard }));
}

interface Reading {
  readonly braces: string[][];
  isComplete: boolean;
  isWildcard: boolean;
}

function readParts(parts: readonly WordPart[], scope: ShellScope, state: Reading): string {
  let text = "";
  for (const part of parts) text += readPart(part, scope, state);
  return text;
}

function readPart(part: WordPart, scope: ShellScope, state: Reading): string {
  switch (part.type) {
    case "Literal":
    case "SingleQuoted":
    case "AnsiCQuoted":
      return part.value;
    case "DoubleQuoted":
    case "LocaleString":
      return readParts(part.parts, scope, state);
    case "Glob":
    case "ExtendedGlob":
      state.isWildcard = true;
      return part.type === "ExtendedGlob" ? "*" : part.text;
    case "BraceExpansion": {
      const alternatives = readBraces(part.text);
      if (alternatives === undefined) {
        state.isComplete = false;
        return part.text;
      }
      state.braces.push(alternatives);
      return BRACE;
    }
    case "SimpleExpansion":
      return readVariable(part.text.slice(1), part.text, scope, state);
    case "ParameterExpansion":
      if (part.prefix === "#") return "0";
      if (part.prefix === undefined && part.index === undefined && part.operation === undefined)
        return readVariable(part.parameter, part.text, scope, state);
      if (part.operation?.type === "Default" && part.prefix === undefined && part.index === undefined) {
        const value = scope.variables.get(part.parameter);
        if (value !== undefined && value !== "") return value;
        // The name may be set outside: its default is read, and more may be meant.
        state.isComplete = false;
        return readWords(part.operation.operand, scope)[0]?.text ?? "";
      }
      state.isComplete = false;
      return part.text;
    case "CommandExpansion":
      if (/^(?:\$\(\s*pwd\s*\)|`pwd`)$/.test(part.text) && scope.cwd !== undefined) return scope.cwd;
      state.isComplete = false;
      return "$_";
    case "ArithmeticExpansion":
      return "0";
    // The script in it is read by itself; its name is that of a pipe.
    case "ProcessSubstitution":
      return "/dev/fd/63";
    default:
      state.isComplete = false;
      return "";
  }
}

function readVariable(name: string, text: string, scope: ShellScope, state: Reading): string {
  const value = scope.variables.get(name);
  if (value !== undefined) return value;
  if (name === "HOME") return "~";
  if (name === "PWD" && scope.cwd !== undefined) return scope.cwd;
  if (NUMBERS.has(name)) return "0";
  state.isComplete = false;
  return text;
}

/** Remembers an assignment, or forgets what was known when the value is not. */
export function assignVariable(name: string, value: ShellWord | undefined, scope: ShellScope): void {
  if (value?.isComplete === true && value.text.length <= VARIABLE_CHARS_MAX) scope.variables.set(name, value.text);
  else scope.variables.delete(name);
}

/** Opens `{a,b}` and short ranges. @returns undefined for braces in braces, expansions and long ranges. */
function readBraces(text: string): string[] | undefined {
  const inner = text.slice(1, -1);
  if (/[{}$`"'\\]/.test(inner)) return undefined;
  const [, from, to] = /^(-?\d{1,6})\.\.(-?\d{1,6})$/.exec(inner) ?? [];
  if (from !== undefined && to !== undefined) {
    const count = Math.abs(Number(to) - Number(from)) + 1;
    // Numbers name no secret: the ends of a long range stand for it.
    return count > BRACE_WORDS_MAX ? [from, to] : Array.from({ length: count }, (_, i) => String(Math.min(Number(from), Number(to)) + i));
  }
  const alternatives = inner.split(",");
  return alternatives.length < 2 || alternatives.length > BRACE_WORDS_MAX ? undefined : alternatives;
}
