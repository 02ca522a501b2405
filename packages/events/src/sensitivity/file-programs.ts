import {
  isOutside,
  isSystemPath,
  type ProgramCall,
  type ProgramReader,
  readArguments,
  readFiles,
  readUnsure,
  searchCode,
  writeFiles,
} from "./program-call.ts";
import type { ShellWord } from "./shell-word.ts";

/** How a program that only reads files takes its arguments. */
interface ReadingProgram {
  /** Options with a value that is no file. */
  readonly valued?: readonly string[];
  /** Options whose value is a file that is read. */
  readonly files?: readonly string[];
  /** Options that make it write; those with a value write to it. */
  readonly writes?: readonly string[];
  /** Operands before the files: the pattern of `grep`, the filter of `jq`. */
  readonly skip?: number;
  /** Options that stand for the operand before the files. */
  readonly insteadOfSkip?: readonly string[];
  readonly type?: "directory";
}

const NONE: ReadingProgram = {};
const GREP: ReadingProgram = {
  valued: [
    "-e",
    "--regexp",
    "-A",
    "-B",
    "-C",
    "-m",
    "--max-count",
    "--include",
    "--exclude",
    "--exclude-dir",
    "-g",
    "--glob",
    "-t",
    "--type",
    "-T",
    "-d",
    "-D",
    "--color",
  ],
  files: ["-f", "--file"],
  skip: 1,
  insteadOfSkip: ["-e", "--regexp", "-f", "--file", "--files"],
};

/** Programs that read the files they are given and nothing else, with the options that make them write. */
export const READING_PROGRAMS: Readonly<Record<string, ReadingProgram>> = {
  cat: NONE,
  head: { valued: ["-n", "-c", "--lines", "--bytes"] },
  tail: { valued: ["-n", "-c", "--lines", "--bytes", "--pid", "-s"] },
  less: { writes: ["-o", "-O"] },
  more: NONE,
  bat: { valued: ["-l", "--language", "-r", "--line-range", "--theme", "--style"] },
  nl: NONE,
  tac: NONE,
  rev: NONE,
  wc: NONE,
  file: NONE,
  stat: { valued: ["-c", "-f", "--format"] },
  md5sum: NONE,
  sha1sum: NONE,
  sha256sum: NONE,
  sha512sum: NONE,
  shasum: { valued: ["-a"] },
  cksum: NONE,
  b2sum: NONE,
  md5: NONE,
  xxd: { valued: ["-l", "-s", "-c", "-g"], writes: ["-r"] },
  hexdump: { valued: ["-n", "-s", "-e"] },
  od: { valued: ["-N", "-j", "-t", "-A", "-w"] },
  strings: { valued: ["-n"] },
  diff: { valued: ["-U", "-C", "--exclude", "-x"] },
  cmp: NONE,
  comm: NONE,
  sort: { valued: ["-k", "-t", "-S"], writes: ["-o", "--output"] },
  cut: { valued: ["-d", "-f", "-c", "-b"] },
  paste: { valued: ["-d"] },
  join: { valued: ["-t", "-1", "-2", "-o"] },
  column: { valued: ["-s", "-t", "-c", "-o"] },
  fold: { valued: ["-w"] },
  fmt: { valued: ["-w"] },
  expand: NONE,
  unexpand: NONE,
  base64: { valued: ["-w"], writes: ["-o"] },
  base32: NONE,
  zcat: NONE,
  bzcat: NONE,
  xzcat: NONE,
  zless: NONE,
  grep: GREP,
  egrep: GREP,
  fgrep: GREP,
  zgrep: GREP,
  rg: { ...GREP, writes: ["--pre"] },
  ag: GREP,
  ack: GREP,
  jq: { skip: 1, valued: ["--indent"], files: ["-f", "--from-file", "--slurpfile", "--rawfile"] },
  yq: { skip: 1, writes: ["-i", "--inplace", "-s"] },
  ls: { type: "directory", valued: ["-I", "--ignore"] },
  ll: { type: "directory" },
  dir: { type: "directory" },
  exa: { type: "directory" },
  eza: { type: "directory" },
  tree: { type: "directory", valued: ["-L", "-I", "-P"], writes: ["-o"] },
  du: { type: "directory", valued: ["-d", "--max-depth"] },
  df: { type: "directory" },
  readlink: NONE,
  realpath: NONE,
  cloc: { type: "directory" },
  tokei: { type: "directory" },
  vdir: { type: "directory" },
  getfacl: NONE,
  lsattr: NONE,
  otool: NONE,
  nm: NONE,
  objdump: NONE,
  readelf: NONE,
  ldd: NONE,
  pdftotext: { writes: [] },
  identify: NONE,
  mediainfo: NONE,
  exiftool: { valued: [], writes: ["-overwrite_original"] },
  lsof: { valued: ["-i", "-p", "-u", "-c"] },
};

/** Programs that name no file and change nothing outside of the shell. */
export const HARMLESS_PROGRAMS: ReadonlySet<string> = new Set(
  (
    "echo printf true false : seq sleep yes expr bc pwd basename dirname whoami id groups uname hostname uptime ps pgrep top htop free nproc lscpu lsblk arch tty who w users last " +
    "history locale getent printenv man info help type which whereis cal tput clear set unset shift return break continue exit wait jobs bg fg read getopts ulimit umask hash unalias " +
    "shopt times local declare typeset readonly export let test [ [[ tr numfmt factor fc disown pwdx vmstat iostat sw_vers lsb_release date getconf mapfile readarray fgconsole caller enable dirs look"
  ).split(" "),
);

/** Programs that write all the files they are given. */
const WRITING_PROGRAMS = new Set(
  "touch mkdir rmdir tee truncate unlink ln mkfifo patch gzip gunzip bzip2 xz zip unzip tar shred split csplit mktemp install chflags setfacl prettier black gofmt rustfmt nano vim vi emacs ed code uniq".split(
    " ",
  ),
);

export function readReadingProgram(call: ProgramCall, program: ReadingProgram): void {
  const { valued = [], files = [], writes = [], skip = 0, insteadOfSkip = [] } = program;
  const read = readArguments(call.words, new Set([...valued, ...files, ...writes.filter((name) => name !== "-i" && name !== "-r")]));
  call.finding.raise("readonly");
  if (read.has(...writes)) {
    call.finding.raise("read-write");
    writeFiles(read.valuesOf(...writes), call);
  }
  readFiles(read.valuesOf(...files), call);
  readFiles(read.operands.slice(read.has(...insteadOfSkip) ? 0 : skip), call, program.type);
  // Values of options that the table does not know, and the globs of `--include`.
  readUnsure(
    read.options.flatMap(({ name, value }) =>
      value === undefined || files.includes(name) || writes.includes(name) || valued.includes(name) ? [] : [value],
    ),
    call,
  );
  for (const glob of read.valuesOf("--include", "-g", "--glob")) readUnsure([{ ...glob, isWildcard: true }], call);
}

export function readWritingProgram(call: ProgramCall): boolean {
  if (!WRITING_PROGRAMS.has(call.program)) return false;
  const { operands, options } = readArguments(
    call.words,
    new Set(
      call.program === "truncate"
        ? ["-s", "--size"]
        : call.program === "mktemp"
          ? ["-p"]
          : call.program === "install" || call.program === "mkdir"
            ? ["-m", "--mode", "-o", "-g"]
            : call.program === "tar"
              ? ["-C", "-f", "--file", "--directory"]
              : [],
    ),
  );
  call.finding.raise("read-write");
  writeFiles(operands, call);
  readUnsure(
    options.flatMap(({ value }) => (value === undefined ? [] : [value])),
    call,
  );
  return true;
}

function copies(call: ProgramCall): void {
  const read = readArguments(call.words, new Set(["-t", "--target-directory", "-S", "--suffix"]));
  const [target] = read.valuesOf("-t", "--target-directory");
  const sources = target === undefined ? read.operands.slice(0, -1) : read.operands;
  const last = target ?? read.operands.at(-1);
  call.finding.raise("read-write");
  if (call.program === "mv") writeFiles(sources, call);
  else readFiles(sources, call);
  if (last !== undefined) writeFiles([last], call);
}

function removes(call: ProgramCall): void {
  const { operands, has } = readArguments(call.words, new Set());
  const isRecursive = has("-r", "-R", "--recursive");
  call.finding.raise("read-write");
  writeFiles(operands, call);
  if (isRecursive && operands.some((word) => isOutside(word, call.scope) || (!word.isComplete && /^\$[^/]*(?:\/\*?)?$/.test(word.text))))
    call.finding.raise("admin");
  if (has("--no-preserve-root")) call.finding.raise("admin");
}

function changesMode(call: ProgramCall): void {
  const { operands, has } = readArguments(call.words, new Set(["--reference"]));
  const files = operands.slice(has("--reference") ? 0 : 1);
  const isRecursive = has("-R", "--recursive");
  const mode = operands[0]?.text ?? "";
  writeFiles(files, call);
  call.finding.raise("read-write");
  // Another owner, and set-user-id, are rights that only an administrator gives.
  if (call.program !== "chmod" || /^[2467]\d{3}$|[ug+]s/.test(mode)) call.finding.raise("admin");
  if (isRecursive && files.some((word) => isOutside(word, call.scope))) call.finding.raise("admin");
}

/** `find` starts with folders; what is found can be run, deleted or written to. */
function finds(call: ProgramCall): void {
  const { words, finding } = call;
  finding.raise("readonly");
  let i = 0;
  while (/^-(?:[HLPED]|O\d)$/.test(words[i]?.text ?? "")) i++;
  const folders: ShellWord[] = [];
  while (i < words.length && !/^[-(!]/.test(words[i]?.text ?? "")) folders.push(words[i++]!);
  readFiles(folders, call, "directory");
  for (; i < words.length; i++) {
    const name = words[i]?.text ?? "";
    if (name === "-delete") {
      finding.raise(folders.some((word) => isOutside(word, call.scope)) ? "admin" : "read-write");
    } else if (/^-f(?:printf?|ls|print0)$/.test(name)) {
      writeFiles(words.slice(i + 1, i + 2), call);
    } else if (/^-(?:exec|ok)(?:dir)?$/.test(name)) {
      const end = words.findIndex(({ text }, at) => at > i && (text === ";" || (text === "+" && words[at - 1]?.text === "{}")));
      const inner = words.slice(i + 1, end < 0 ? undefined : end);
      call.runWords(inner);
      if (inner[0]?.text === "rm" && folders.some((word) => isOutside(word, call.scope))) finding.raise("admin");
      i = end < 0 ? words.length : end;
    } else if (/^-(?:i?name|i?path|i?wholename|i?lname)$/.test(name)) {
      const pattern = words[++i];
      // Who looks for `id_rsa` by name is told of it as if the file had been named.
      if (pattern !== undefined && words[i - 2]?.text !== "!" && words[i - 2]?.text !== "-not")
        readUnsure([{ ...pattern, isWildcard: /[*?[]/.test(pattern.text) }], call);
    } else if (/^-(?:newer\w*|samefile)$/.test(name)) readFiles(words.slice(++i, i + 1), call);
  }
}

function fd(call: ProgramCall): void {
  const at = call.words.findIndex(({ text }) => /^(?:-x|-X|--exec|--exec-batch)$/.test(text));
  call.finding.raise("readonly");
  const { operands } = readArguments(
    at < 0 ? call.words : call.words.slice(0, at),
    new Set(["-e", "-t", "-d", "-E", "--type", "--extension", "--exclude", "--max-depth"]),
  );
  readUnsure(operands.slice(0, 1), call);
  readFiles(operands.slice(1), call, "directory");
  if (at >= 0) call.runWords(call.words.slice(at + 1));
}

/** Programs of their own language: what they run and write stands in their code. */
function edits(call: ProgramCall): void {
  const { operands, has, valuesOf, options } = readArguments(call.words, new Set(["-e", "--expression", "-f", "--file", "-l"]));
  const scripts = valuesOf("-e", "--expression");
  const files = valuesOf("-f", "--file");
  const isFirstScript = scripts.length === 0 && files.length === 0;
  // `-i.bak` reads as `-i`, `-.`, `-b` …
  const isInPlace = has("-i", "--in-place") || options.some(({ name }) => /^-[nErsuz]*i/.test(name));
  call.finding.raise(isInPlace ? "read-write" : "readonly");
  const targets = operands.slice(isFirstScript ? 1 : 0).filter(({ text }) => text !== "");
  if (isInPlace) writeFiles(targets, call);
  else readFiles(targets, call);
  if (files.length > 0) call.finding.markUnread("script");
  readFiles(files, call);
  for (const { text, isComplete } of isFirstScript ? operands.slice(0, 1) : scripts) {
    // `w file` and `e command`, as commands and as flags of `s`.
    if (/(?:^|[;\n{}\d/$!])\s*[weWr]\s+\S|[|/,#][gpiIm\d]*[ew](?:\s|$)|(?:^|[;\n])\s*e\s*(?:$|[;\n])/.test(text))
      searchCode(text.replace(/(?:^|\s)[rwW]\s+(\S+)/g, '"$1"'), call.finding, call.scope);
    else if (!isComplete) call.finding.markUnread("argument");
  }
}

function awk(call: ProgramCall): void {
  const { operands, valuesOf, has } = readArguments(call.words, new Set(["-F", "-v", "-f", "--file", "--assign", "--field-separator"]));
  const files = valuesOf("-f", "--file");
  call.finding.raise("readonly");
  if (has("-i")) call.finding.raise("read-write");
  const code = files.length > 0 ? undefined : operands[0];
  if (files.length > 0) call.finding.markUnread("script");
  readFiles(files, call);
  // A bare > compares, one before a text or a name writes; both are rare enough to be doubted.
  if (code !== undefined && /\bsystem\s*\(|getline|\||print[^;}\n]{0,200}>/.test(code.text.replace(/\|\|/g, "")))
    searchCode(code.text, call.finding, call.scope);
  readFiles(
    operands.slice(files.length > 0 ? 0 : 1).filter(({ text }) => !/^\w+=/.test(text)),
    call,
  );
}

function dd(call: ProgramCall): void {
  call.finding.raise("read-write");
  for (const word of call.words) {
    const value = { ...word, text: word.text.slice(3) };
    if (word.text.startsWith("if=")) readFiles([value], call);
    if (word.text.startsWith("of=")) writeFiles([value], call);
  }
}

/** `uniq IN OUT` and `tee`: not by options but by place. */
function uniq(call: ProgramCall): void {
  const { operands } = readArguments(call.words, new Set(["-f", "-s", "-w"]));
  call.finding.raise("readonly");
  readFiles(operands.slice(0, 1), call);
  writeFiles(operands.slice(1), call);
}

function archives(call: ProgramCall): void {
  const first = call.words[0]?.text ?? "";
  const bundle = first.startsWith("-") ? first.slice(1) : first;
  const isList = /^[^-]*t/.test(bundle) && !/[cxru]/.test(bundle.replace(/f.*$/, ""));
  const words = first.startsWith("-") || first === "" ? call.words : [{ ...call.words[0]!, text: `-${first}` }, ...call.words.slice(1)];
  const read = readArguments(words, new Set(["-f", "--file", "-C", "--directory", "--exclude", "-T", "--files-from"]));
  call.finding.raise(isList || read.has("--list") ? "readonly" : "read-write");
  if (read.has("--to-command", "--checkpoint-action", "-I", "--use-compress-program")) call.finding.markUnread("script");
  const folders = read.valuesOf("-C", "--directory");
  if (!isList && folders.some((word) => isSystemPath(word.text, call.scope))) call.finding.raise("admin");
  readFiles([...read.valuesOf("-f", "--file", "-T", "--files-from"), ...read.operands], call);
  readFiles(folders, call, "directory");
}

function source(call: ProgramCall): void {
  call.finding.markUnread("script");
  readFiles(call.words.slice(0, 1), call);
}

function changesDirectory(call: ProgramCall): void {
  call.finding.raise("readonly");
  const { operands } = readArguments(call.words, new Set());
  readFiles(operands.slice(0, 1), call, "directory");
}

export const FILE_READERS: Readonly<Record<string, ProgramReader>> = {
  cp: copies,
  mv: copies,
  rm: removes,
  chmod: changesMode,
  chown: changesMode,
  chgrp: changesMode,
  find: finds,
  fd,
  fdfind: fd,
  sed: edits,
  gsed: edits,
  awk,
  gawk: awk,
  mawk: awk,
  nawk: awk,
  dd,
  uniq,
  tar: archives,
  bsdtar: archives,
  source,
  ".": source,
  cd: changesDirectory,
  pushd: changesDirectory,
  popd: changesDirectory,
};
