import { type ProgramCall, type ProgramReader, readArguments, readFile, readFiles, readUnsure, searchCode } from "./program-call.ts";
import { assignVariable, type ShellWord } from "./shell-word.ts";

/** Options with values of programs that run the command behind their own arguments, and how many operands of theirs stand before it. */
const WRAPPERS: Readonly<Record<string, { readonly valued: readonly string[]; readonly skip?: number }>> = {
  nohup: { valued: [] },
  nice: { valued: ["-n", "--adjustment"] },
  ionice: { valued: ["-c", "-n", "-p"] },
  time: { valued: ["-f", "-o"] },
  timeout: { valued: ["-s", "-k", "--signal", "--kill-after"], skip: 1 },
  gtimeout: { valued: ["-s", "-k"], skip: 1 },
  stdbuf: { valued: ["-i", "-o", "-e"] },
  setsid: { valued: [] },
  exec: { valued: ["-a"] },
  builtin: { valued: [] },
  chronic: { valued: [] },
  caffeinate: { valued: ["-t", "-w"] },
  unbuffer: { valued: [] },
  flock: { valued: ["-w", "-E"], skip: 1 },
  setarch: { valued: [], skip: 1 },
  dotenv: { valued: ["-e", "-f", "--env-file"] },
};

function wrapper(call: ProgramCall): void {
  const { valued, skip = 0 } = WRAPPERS[call.program] ?? { valued: [] };
  const read = readArguments(call.words, new Set(valued), true);
  readUnsure(
    read.options.flatMap(({ value }) => (value === undefined ? [] : [value])),
    call,
  );
  runRest(read.operands.slice(skip), call);
}

function runRest(words: readonly ShellWord[], call: ProgramCall): void {
  if (words.length === 0) call.finding.raise("readonly");
  else call.runWords(words);
}

/** `command -v` only looks for a program. */
function command(call: ProgramCall): void {
  const read = readArguments(call.words, new Set(), true);
  if (read.has("-v", "-V")) call.finding.raise("readonly");
  else runRest(read.operands, call);
}

function env(call: ProgramCall): void {
  const read = readArguments(call.words, new Set(["-u", "--unset", "-C", "--chdir", "-S", "--split-string"]), true);
  for (const { text } of read.valuesOf("-S", "--split-string")) call.runScript(text);
  const [folder] = read.valuesOf("-C", "--chdir");
  if (folder !== undefined) readFile(folder, call.finding, call.scope, "directory");
  let i = 0;
  for (; i < read.operands.length; i++) {
    const word = read.operands[i]!;
    const [, name] = /^([A-Za-z_]\w*)=/.exec(word.text) ?? [];
    if (name === undefined) break;
    const value = { ...word, text: word.text.slice(name.length + 1) };
    readUnsure([value], call);
    assignVariable(name, value, call.scope);
  }
  runRest(read.operands.slice(i), call);
}

/** The command behind it may do anything on the machine, whatever it is. */
function sudo(call: ProgramCall): void {
  call.finding.raise("admin");
  const read = readArguments(
    call.words,
    new Set("-u --user -g --group -h --host -p --prompt -C -D --chdir -R -r -t -T -U".split(" ")),
    true,
  );
  const rest = read.operands.slice(read.operands.findIndex(({ text }) => !/^[A-Za-z_]\w*=/.test(text)));
  if (rest.length > 0) call.runWords(rest);
  else if (read.has("-s", "-i", "--shell", "--login")) call.finding.markUnread("script");
}

function su(call: ProgramCall): void {
  call.finding.raise("admin");
  const scripts = readArguments(call.words, new Set(["-c", "--command", "-s", "--shell", "-g", "-G"])).valuesOf("-c", "--command");
  if (scripts.length === 0) call.finding.markUnread("script");
  for (const { text } of scripts) call.runScript(text);
}

/** The arguments that come from the input are not known: the command is read without them. */
function xargs(call: ProgramCall): void {
  const read = readArguments(
    call.words,
    new Set(
      "-n --max-args -P --max-procs -I --replace -i -d --delimiter -L -s -E -a --arg-file -J -R -S"
        .split(" ")
        .filter((name) => name !== "-i"),
    ),
    true,
  );
  readFiles(read.valuesOf("-a", "--arg-file"), call);
  call.finding.raise("readonly");
  if (read.operands.length > 0) call.runWords(read.operands);
  const [program] = read.operands;
  const isNamed = call.input.kind === "text" && call.input.isComplete;
  if (isNamed && call.input.kind === "text")
    readUnsure(
      call.input.text
        .split(/\s+/)
        .filter((text) => text !== "")
        .map((text) => ({ text, isComplete: true, isWildcard: false })),
      call,
    );
  else if (program !== undefined && !/^(?:echo|printf)$/.test(program.text)) call.finding.markUnread("argument");
}

/** A shell runs a text, a file or what it is told by its input. */
function shell(call: ProgramCall): void {
  const read = readArguments(call.words, new Set(["-o", "-O", "--rcfile", "--init-file"]), true);
  const { finding, input } = call;
  if (read.has("-c")) {
    const [script, , ...positional] = read.operands;
    readUnsure(positional, call);
    if (script === undefined) finding.markUnread("script");
    else {
      call.runScript(script.text);
      if (!script.isComplete) finding.markUnread("script");
    }
    return;
  }
  const [file, ...rest] = read.operands;
  if (read.has("--version", "--help")) finding.raise("readonly");
  else if (file !== undefined && !read.has("-s") && file.text !== "-" && file.text !== "/dev/stdin") {
    finding.markUnread("script");
    readFile(file, finding, call.scope);
    readUnsure(rest, call);
    if (input.kind === "download" || /^\/dev\/fd\//.test(file.text)) finding.raise(call.input.kind === "download" ? "admin" : "read-write");
  } else if (input.kind === "text") {
    call.runScript(input.text);
    if (!input.isComplete) finding.markUnread("script");
  } else {
    finding.markUnread("script");
    if (input.kind === "download") finding.raise("admin");
  }
}

function evaluates(call: ProgramCall): void {
  call.runScript(call.words.map(({ text }) => text).join(" "));
  if (call.words.some(({ isComplete }) => !isComplete)) call.finding.markUnread("script");
}

function trap(call: ProgramCall): void {
  const [script] = call.words;
  call.finding.raise("readonly");
  if (script !== undefined && !script.text.startsWith("-") && script.text !== "") evaluates({ ...call, words: [script] });
}

const CODE_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  python: ["-c"],
  node: ["-e", "--eval", "-p", "--print"],
  deno: ["eval"],
  bun: ["-e", "--eval"],
  perl: ["-e", "-E"],
  ruby: ["-e"],
  php: ["-r"],
  osascript: ["-e"],
  lua: ["-e"],
  Rscript: ["-e"],
};

/** Languages that this reader does not know. */
function interprets(call: ProgramCall): void {
  const name = Object.keys(CODE_OPTIONS).find((known) => call.program.startsWith(known)) ?? "node";
  const codeOptions = CODE_OPTIONS[name] ?? [];
  const valued = new Set(
    [...codeOptions, "-m", "-r", "--require", "--import", "--loader", "-I", "-W", "-X"].filter(
      (option) => !(name === "perl" && option === "-W") && !(name === "ruby" && option === "-W"),
    ),
  );
  const read = readArguments(call.words, valued, true);
  const { finding, input } = call;
  const code = read.valuesOf(...codeOptions);
  finding.raise("read-write");
  for (const { text } of code) searchCode(text, finding, call.scope);
  readUnsure(
    read.options.flatMap(({ name: option, value }) => (value === undefined || codeOptions.includes(option) ? [] : [value])),
    call,
  );
  if (code.length > 0) readUnsure(read.operands, call);
  else if (read.operands.length > 0 && read.operands[0]?.text !== "-") {
    // `python -m json.tool FILE` has no file of its own.
    if (!read.has("-m")) readFiles(read.operands.slice(0, 1), call);
    readUnsure(read.operands.slice(read.has("-m") ? 0 : 1), call);
  } else if (!read.has("-m")) {
    if (input.kind === "text") searchCode(input.text, finding, call.scope);
    else finding.markUnread("script");
    if (input.kind === "download") finding.raise("admin");
  }
}

export const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "zsh", "dash", "ksh", "ash", "fish"]);

export function isInterpreter(program: string): boolean {
  return SHELLS.has(program) || /^(?:python|node|deno|bun|perl|ruby|php|osascript|lua|Rscript)[\d.]*$/.test(program);
}

export const readInterpreter: ProgramReader = (call) => (SHELLS.has(call.program) ? shell(call) : interprets(call));

export const WRAPPER_READERS: Readonly<Record<string, ProgramReader>> = {
  ...Object.fromEntries(Object.keys(WRAPPERS).map((name) => [name, wrapper])),
  command,
  env,
  sudo,
  doas: sudo,
  pkexec: sudo,
  su,
  runuser: su,
  xargs,
  parallel: xargs,
  eval: evaluates,
  trap,
};
