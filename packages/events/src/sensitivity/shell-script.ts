import {
  type Assignment,
  type Command,
  forEachChild,
  type HereDoc,
  type ParsedScript,
  type Pipeline,
  parse,
  type Redirection,
  type SyntaxNode,
  type Word,
} from "unbash";
import { DATABASE_READERS } from "./database-programs.ts";
import { FILE_READERS, HARMLESS_PROGRAMS, READING_PROGRAMS, readReadingProgram, readWritingProgram } from "./file-programs.ts";
import type { Finding } from "./finding.ts";
import { SCRIPT_CHARS_MAX, SCRIPT_DEPTH_MAX } from "./limits.ts";
import { NETWORK_READERS } from "./network-programs.ts";
import { type CallInput, type ProgramCall, type ProgramReader, readFile, readUnsure, searchWords, writeFile } from "./program-call.ts";
import { assignVariable, readWords, type ShellScope, type ShellWord } from "./shell-word.ts";
import { readSubcommandProgram, SUBCOMMAND_READERS, subcommandWords } from "./subcommand-programs.ts";
import { ADMIN_PROGRAMS } from "./subcommand-table.ts";
import { isInterpreter, readInterpreter, WRAPPER_READERS } from "./wrapper-programs.ts";

const READERS: Readonly<Record<string, ProgramReader>> = {
  ...FILE_READERS,
  ...NETWORK_READERS,
  ...DATABASE_READERS,
  ...WRAPPER_READERS,
  ...SUBCOMMAND_READERS,
};

const RUNS_BY_NAME =
  /^(?:LD_\w+|DYLD_\w+|PATH|(?:GIT_|MAN)?PAGER|(?:GIT_)?EDITOR|VISUAL|GIT_(?:SSH|SSH_COMMAND|EXTERNAL_DIFF|PROXY_COMMAND|ASKPASS)|BASH_ENV|ENV|PROMPT_COMMAND|NODE_OPTIONS|PYTHON(?:PATH|STARTUP)|PERL5\w+|RUBYOPT|LESSOPEN)$/;
const NO_INPUT: CallInput = { kind: "none" };
const DOWNLOADERS = /(?:^|[\s|;&(])(?:curl|wget|fetch|aria2c|http|https|xh)(?=\s)/;

interface Place {
  readonly finding: Finding;
  readonly scope: ShellScope;
  /** Scripts around this one. */
  readonly depth: number;
  /** Where its positions count from. */
  readonly source: string;
}

/**
 * Reads a script of a POSIX-like shell: every command in it, also in substitutions, here-documents and the scripts that it hands to other shells.
 *
 * What cannot be read is marked, and its words are searched for sensitive names. Nothing is run, nothing thrown. Rules: SENS-5 to SENS-12.
 */
export function readShellScript(script: string, finding: Finding, cwd: string | undefined): void {
  readScript(script, { finding, scope: { variables: new Map(), cwd }, depth: 0 });
}

function readScript(script: string, { finding, scope, depth }: Omit<Place, "source">): void {
  if (depth > SCRIPT_DEPTH_MAX) {
    finding.markUnread("depth");
    searchWords(script, finding, scope);
    return;
  }
  const source = script.slice(0, SCRIPT_CHARS_MAX);
  if (source.length < script.length) {
    finding.markUnread("length");
    searchWords(script, finding, scope);
  }
  if (!finding.spendScript(source.length)) return;
  let parsed: ParsedScript;
  try {
    parsed = parse(source);
  } catch {
    // The parser is tolerant and should not; an audit trail must not depend on it.
    finding.markUnread("syntax");
    searchWords(source, finding, scope);
    return;
  }
  visit(parsed, { finding, scope, depth, source });
}

function visit(node: SyntaxNode, place: Place): void {
  const { finding, scope, depth } = place;
  switch (node.type) {
    case "Script": {
      const { errors } = node as ParsedScript;
      const source = node.source ?? place.source;
      if (errors !== undefined && errors.length > 0) {
        finding.markUnread("syntax");
        searchWords(source.slice(node.pos, node.end), finding, scope);
      }
      for (const statement of node.commands) visit(statement, { ...place, source });
      return;
    }
    case "CommandExpansion":
    case "ProcessSubstitution":
    case "ArithmeticCommandExpansion":
      readNested(node, place);
      return;
    case "Subshell": {
      visitChildren(node, { ...place, scope: { variables: new Map(scope.variables), cwd: scope.cwd } });
      return;
    }
    case "Pipeline":
      visitPipeline(node, place);
      return;
    case "Command":
      visitCommand(node, place, NO_INPUT);
      return;
    case "Redirect":
    case "HereString":
    case "HereDoc":
      visitRedirection(node, place);
      return;
    case "Assignment":
      assign(node, place);
      visitChildren(node, place);
      return;
    case "For":
    case "Select": {
      visitWordlist(node.name, node.wordlist, place);
      if (node.wordlist !== undefined) for (const word of node.wordlist) visitChildren(word, place);
      visit(node.body, place);
      return;
    }
    case "TestUnary":
    case "TestBinary": {
      finding.raise("readonly");
      const operands = node.type === "TestUnary" ? [node.operand] : /^-(?:nt|ot|ef)$/.test(node.operator) ? [node.left, node.right] : [];
      const isFileTest = node.type !== "TestUnary" || /^-[abcdefghkprstuwxGLNOS]$/.test(node.operator);
      for (const word of isFileTest ? operands : [])
        for (const each of readWords(word, scope)) finding.addIfSensitive(each.text, scope.cwd);
      visitChildren(node, place);
      return;
    }
    case "ArithmeticCommand":
      finding.raise("readonly");
      visitChildren(node, place);
      return;
    default:
      if (depth > SCRIPT_DEPTH_MAX) return;
      visitChildren(node, place);
  }
}

function visitChildren(node: SyntaxNode, place: Place): void {
  forEachChild(node, (child) => visit(child, place));
}

/** Opening a substitution parses it: the bound on depth is checked before. */
function readNested(node: Extract<SyntaxNode, { script: unknown }>, place: Place): void {
  const depth = place.depth + 1;
  if (depth > SCRIPT_DEPTH_MAX) {
    place.finding.markUnread("depth");
    searchWords(node.text, place.finding, place.scope);
    return;
  }
  // `$(<file)` reads a file without a program; a substitution changes nothing outside of it.
  const scope: ShellScope = { variables: new Map(place.scope.variables), cwd: place.scope.cwd };
  if (node.script !== undefined) {
    if (node.type === "CommandExpansion") place.finding.raise("readonly");
    visit(node.script, { ...place, scope, depth });
  } else place.finding.markUnread("syntax");
}

function visitPipeline(node: Pipeline, place: Place): void {
  let input: CallInput = NO_INPUT;
  for (const command of node.commands) {
    // Each part of a pipeline has a shell of its own.
    const inner: Place = { ...place, scope: { variables: new Map(place.scope.variables), cwd: place.scope.cwd } };
    if (command.type === "Command") visitCommand(command, inner, input);
    else visit(command, inner);
    input = outputOf(command, place, input);
  }
}

function outputOf(command: Pipeline["commands"][number], place: Place, input: CallInput): CallInput {
  const text = place.source.slice(command.pos, Math.min(command.end, command.pos + 4_096));
  if (input.kind === "download" || DOWNLOADERS.test(text)) return { kind: "download" };
  if (command.type !== "Command") return { kind: "pipe" };
  const [program, ...words] = wordsOf(command, place.scope);
  if (program?.text === "cat" && words.length === 0) return hereInput(command, place.scope) ?? input;
  if (program?.text !== "echo" && program?.text !== "printf") return { kind: "pipe" };
  const texts = words.filter((word) => !/^-[neE]+$/.test(word.text));
  return {
    kind: "text",
    text: texts.map((word) => word.text.replaceAll("\\n", "\n")).join(" "),
    isComplete: texts.every(({ isComplete }) => isComplete),
  };
}

function wordsOf(command: Command, scope: ShellScope): ShellWord[] {
  const words: ShellWord[] = [];
  if (command.name !== undefined) words.push(...readWords(command.name, scope));
  for (const argument of command.args) {
    if (argument.type === "Word") words.push(...readWords(argument, scope));
    else words.push(assignmentWord(argument, scope));
  }
  return words;
}

/** `export A=b` and `env A=b`: an assignment that is an argument. */
function assignmentWord(assignment: Assignment, scope: ShellScope): ShellWord {
  const value = assignment.value.type === "Word" ? readWords(assignment.value, scope)[0] : undefined;
  return {
    text: `${assignment.name}=${value?.text ?? ""}`,
    isComplete: value?.isComplete ?? assignment.value.type !== "Word",
    isWildcard: false,
  };
}

function hereInput(command: Command, scope: ShellScope): CallInput | undefined {
  for (const redirection of command.redirects) {
    if (redirection.type === "HereString" && redirection.target !== undefined) {
      const [word] = readWords(redirection.target, scope);
      return { kind: "text", text: word?.text ?? "", isComplete: word?.isComplete ?? false };
    }
    if (redirection.type === "HereDoc") return { kind: "text", text: redirection.body.text, isComplete: isLiteral(redirection) };
    if (redirection.type === "Redirect" && (redirection.operator === "<" || redirection.operator === "<>")) return { kind: "pipe" };
  }
  return undefined;
}

function isLiteral({ delimiter, body }: HereDoc): boolean {
  return delimiter?.quoted === true || body.parts === undefined || body.parts.every(({ type }) => type === "Literal");
}

function visitRedirection(redirection: Redirection, place: Place): void {
  const { finding, scope } = place;
  visitChildren(redirection, place);
  if (redirection.type !== "Redirect" || redirection.target === undefined) return;
  const { operator } = redirection;
  for (const word of readWords(redirection.target, scope)) {
    if (/^\d*-?$/.test(word.text) && operator.endsWith("&")) continue;
    const device = /^\/dev\/(?:tcp|udp)\/([^/]+)\/\w+$/.exec(word.text)?.[1];
    if (device !== undefined) {
      finding.raise("read-write");
      finding.addHost(device.toLowerCase());
    } else if (operator === "<") {
      finding.raise("readonly");
      readFile(word, finding, scope);
    } else writeFile(word, finding, scope);
  }
}

/** A value that names a sensitive file counts: what uses the variable may stand where nobody can read. */
function assign(assignment: Assignment, { finding, scope }: Place): void {
  if (assignment.value.type !== "Word") {
    scope.variables.delete(assignment.name);
    for (const element of assignment.value.elements) for (const word of readWords(element, scope)) judgeValue(word, finding, scope);
    return;
  }
  const [word] = readWords(assignment.value, scope);
  if (word !== undefined) judgeValue(word, finding, scope);
  // Such a variable names what another program loads or runs: a reading command no longer only reads.
  if (RUNS_BY_NAME.test(assignment.name) && !/^(?:cat|less|more|true|:|\d*)$/.test(word?.text ?? "")) finding.raise("read-write");
  // What is appended, or has an index, is not followed.
  assignVariable(assignment.name, assignment.append === true || assignment.index !== undefined ? undefined : word, scope);
}

function judgeValue(word: ShellWord, finding: Finding, scope: ShellScope): void {
  if (/[/~]|^\./.test(word.text) && !/\s/.test(word.text) && !/^[a-z]+:\/\//i.test(word.text)) finding.addIfSensitive(word.text, scope.cwd);
}

/** The variable of a loop stands for each of its words; of several the first whose use is sensitive would do, so all of them are judged here. */
function visitWordlist(name: Word, wordlist: readonly Word[] | undefined, { finding, scope }: Place): void {
  if (wordlist === undefined) {
    scope.variables.delete(name.value);
    return;
  }
  const words = wordlist.flatMap((word) => readWords(word, scope));
  for (const word of words) {
    judgeValue(word, finding, scope);
    if (word.isWildcard && /[/.]/.test(word.text)) readFile(word, finding, scope);
  }
  const [only] = words;
  const isKnown = words.length > 0 && words.every(({ isComplete }) => isComplete);
  if (words.length === 1 && isKnown) assignVariable(name.value, only, scope);
  else scope.variables.delete(name.value);
}

function visitCommand(command: Command, place: Place, piped: CallInput): void {
  const { finding, scope } = place;
  if (!finding.spendCommand()) return;
  // Substitutions in the words, and redirections, are accesses of their own.
  for (const redirection of command.redirects) visit(redirection, place);
  const hasName = command.name !== undefined;
  // Before a command, assignments hold for that command only; they are still followed, because they name what it uses.
  for (const part of command.prefix) if (part.type === "Assignment") visit(part, place);
  if (!hasName) {
    finding.raise("readonly");
    return;
  }
  if (command.name !== undefined) visitChildren(command.name, place);
  for (const argument of command.args) {
    if (argument.type === "Assignment") visit(argument, place);
    else visitChildren(argument, place);
  }
  readCommand(wordsOf(command, scope), place, hereInput(command, scope) ?? piped);
}

function readCommand(words: readonly ShellWord[], place: Place, input: CallInput): void {
  const { finding, scope, depth } = place;
  const [name, ...rest] = words;
  if (name === undefined) return;
  const program = programName(name.text);
  if (!name.isComplete || name.isWildcard || program === "") {
    finding.markUnread("program");
    readUnsure(rest, callOf("", rest));
    return;
  }
  const isPath = name.text.includes("/") && !/^\/(?:usr\/(?:local\/)?|opt\/homebrew\/)?s?bin\/[^/]+$/.test(name.text);
  finding.addCommand(isPath ? name.text : program, subcommandWords(program, rest));
  const call = callOf(program, rest);
  function callOf(of: string, arguments_: readonly ShellWord[]): ProgramCall {
    return {
      program: of,
      words: arguments_,
      finding,
      scope,
      input,
      runWords(inner) {
        if (depth >= SCRIPT_DEPTH_MAX) finding.markUnread("depth");
        else if (inner.length > 0 && finding.spendCommand()) readCommand(inner, { ...place, depth: depth + 1 }, input);
      },
      runScript(script, isElsewhere = false) {
        const inside: ShellScope = isElsewhere
          ? { variables: new Map(), cwd: undefined }
          : { variables: new Map(scope.variables), cwd: scope.cwd };
        readScript(script, { finding, scope: inside, depth: depth + 1 });
      },
    };
  }
  readProgram(call);
  if (program === "cd" || program === "pushd" || program === "popd") followFolder(rest, scope);
}

function programName(text: string): string {
  return text.slice(text.lastIndexOf("/") + 1).replace(/\.exe$/i, "");
}

function readProgram(call: ProgramCall): void {
  const { program, words, finding } = call;
  const isAsking = words.length === 1 && /^--(?:version|help)$/.test(words[0]?.text ?? "");
  if (isAsking) finding.raise("readonly");
  else if (isInterpreter(program)) readInterpreter(call);
  else if (Object.hasOwn(READERS, program)) READERS[program]!(call);
  else if (Object.hasOwn(READING_PROGRAMS, program)) readReadingProgram(call, READING_PROGRAMS[program]!);
  else if (HARMLESS_PROGRAMS.has(program)) readHarmless(call);
  else if (readSubcommandProgram(call) || readWritingProgram(call)) return;
  else {
    // What a program does that is not known here can be anything short of other rights.
    finding.raise(ADMIN_PROGRAMS.has(program) || program.startsWith("mkfs") ? "admin" : "read-write");
    readUnsure(words, call);
  }
}

function readHarmless(call: ProgramCall): void {
  const { program, words, finding, scope } = call;
  const isSetting =
    program === "hostname"
      ? words.some(({ text }) => !text.startsWith("-"))
      : program === "date" && words.some(({ text }) => /^(?:-s|--set)/.test(text));
  finding.raise(isSetting ? "admin" : "readonly");
  if (program === "test" || program === "[") for (const { text } of words) if (/[./~]/.test(text)) finding.addIfSensitive(text, scope.cwd);
  if (program === "read" || program === "mapfile" || program === "readarray") for (const { text } of words) scope.variables.delete(text);
  if (program === "unset") for (const { text } of words) scope.variables.delete(text);
  // Names of files that are only printed are seen, and an echo of `$(cat .env)` was read where it stands.
  if (program !== "echo" && program !== "printf") return;
  for (const word of words) if (word.isWildcard) readUnsure([word], call);
}

/** @param words What follows `cd`. */
function followFolder(words: readonly ShellWord[], scope: ShellScope): void {
  const target = words.find(({ text }) => !text.startsWith("-") || text === "-");
  if (target === undefined && words.length === 0) scope.cwd = "~";
  else if (target === undefined || !target.isComplete || target.isWildcard || target.text === "-") scope.cwd = undefined;
  else if (/^[/~]/.test(target.text)) scope.cwd = target.text;
  else if (scope.cwd !== undefined) scope.cwd = `${scope.cwd}/${target.text}`;
  if (scope.cwd !== undefined && scope.cwd.length > 4_096) scope.cwd = undefined;
}
