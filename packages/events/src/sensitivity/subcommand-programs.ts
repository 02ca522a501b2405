import type { PermissionLevel } from "./finding.ts";
import {
  addHostOf,
  isSystemPath,
  type ProgramCall,
  type ProgramReader,
  type ReadArguments,
  readArguments,
  readFile,
  readFiles,
  readUnsure,
} from "./program-call.ts";
import type { ShellWord } from "./shell-word.ts";
import { SUBCOMMAND_PROGRAMS, type SubcommandProgram } from "./subcommand-table.ts";

const NOTHING: ReadonlySet<string> = new Set();
/** Options of each program that take the next word: those before its subcommand, and all of them. */
const VALUED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(SUBCOMMAND_PROGRAMS).map(([name, { valued }]) => [name, new Set(valued)]),
);
const ALL_VALUED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(SUBCOMMAND_PROGRAMS).map(([name, { valued, files = [], texts = [] }]) => [name, new Set([...valued, ...files, ...texts])]),
);

/** The words of a command that are no options, its program first: what rules for commands are compared with. */
export function subcommandWords(program: string, words: readonly ShellWord[]): readonly string[] {
  return [
    program,
    ...readArguments(words, VALUED.get(program) ?? NOTHING)
      .operands.slice(0, 6)
      .map(({ text }) => text),
  ];
}

interface SubcommandKey {
  readonly level: PermissionLevel;
  readonly parts: readonly string[];
  /** Keys with options are compared with the words as they stand. */
  readonly hasOption: boolean;
}

/** The keys of each program by their first word, longest first: a program has up to a hundred, and a command begins with few of them. */
const KEYS: ReadonlyMap<SubcommandProgram, ReadonlyMap<string, readonly SubcommandKey[]>> = new Map(
  Object.values(SUBCOMMAND_PROGRAMS).map((program) => [program, keysOf(program)]),
);

function keysOf(program: SubcommandProgram): ReadonlyMap<string, readonly SubcommandKey[]> {
  const keys = (level: PermissionLevel, texts: readonly string[] = []): SubcommandKey[] =>
    texts.map((text) => ({ level, parts: text.split(" "), hasOption: /(?:^| )-/.test(text) }));
  const all = [...keys("admin", program.admin), ...keys("read-write", program.write), ...keys("readonly", program.readonly)];
  const byFirst = new Map<string, SubcommandKey[]>();
  for (const key of all.sort((left, right) => right.parts.length - left.parts.length)) {
    const first = key.parts[0] ?? "";
    const same = byFirst.get(first);
    if (same === undefined) byFirst.set(first, [key]);
    else same.push(key);
  }
  return byFirst;
}

function levelOf(program: SubcommandProgram, operands: readonly string[], all: readonly string[]): PermissionLevel {
  const candidates = KEYS.get(program);
  for (const first of [operands[0] ?? "", all[0] ?? ""]) {
    for (const { level, parts, hasOption } of candidates?.get(first) ?? []) {
      const given = hasOption ? all : operands;
      if (parts.every((part, i) => part === given[i])) return level;
    }
  }
  return program.other;
}

/** Programs whose command is two words, not one. */
const TWO_WORDS = /^(?:gh|aws|gcloud|az|docker|podman|nerdctl)$/;

/** Reads a program of the table. @returns False when it is none. */
export function readSubcommandProgram(call: ProgramCall): boolean {
  if (!Object.hasOwn(SUBCOMMAND_PROGRAMS, call.program)) return false;
  const table = SUBCOMMAND_PROGRAMS[call.program]!;
  const { finding } = call;
  const read = readArguments(call.words, ALL_VALUED.get(call.program) ?? NOTHING);
  const operands = read.operands.map(({ text }) => text);
  finding.raise(
    isCloud(call.program)
      ? cloudLevel(operands)
      : levelOf(
          table,
          operands,
          call.words.map(({ text }) => text),
        ),
  );
  if (read.operands.slice(0, TWO_WORDS.test(call.program) ? 2 : 1).some(({ isComplete }) => !isComplete)) finding.markUnread("program");
  if (read.has(...(table.adminOptions ?? [])) && (call.program !== "npm" || !/^(?:ls|list|root|bin|prefix|view)$/.test(operands[0] ?? "")))
    finding.raise("admin");
  if (read.has(...(table.writeOptions ?? []))) finding.raise("read-write");
  if (Object.hasOwn(FINER, call.program)) FINER[call.program]!(call, read);
  readFiles(
    read.valuesOf(...(table.files ?? [])).filter(({ text }) => !/^\w+=/.test(text)),
    call,
  );
  const texts = new Set(table.texts ?? []);
  readUnsure(
    read.options.flatMap(({ name, value }) =>
      value === undefined || texts.has(name) || (name === "-C" && call.program === "git") || (table.files ?? []).includes(name)
        ? []
        : [value],
    ),
    call,
  );
  if (!Object.hasOwn(RUNS, call.program)) readUnsure(read.operands.slice(1), call);
  return true;
}

const isCloud = (program: string): boolean => /^(?:aws|gcloud|az|doctl|fly|flyctl|heroku)$/.test(program);

/** Clouds have thousands of commands, whose verb tells what they do. */
function cloudLevel(operands: readonly string[]): PermissionLevel {
  const verbs = operands.slice(0, 6);
  if (
    verbs.some((word) =>
      /^(?:delete|terminate|remove|destroy|purge|revoke|attach-\w+-policy|put-\w+-policy|create-access-key|create-user|create-role|update-assume|add-iam-policy-binding|set-iam-policy)/.test(
        word,
      ),
    )
  )
    return "admin";
  if (verbs.includes("iam") && !verbs.some((word) => /^(?:list|get|describe|simulate)/.test(word))) return "admin";
  return verbs.some((word) =>
    /^(?:describe|list|get|show|ls|head|search|lookup|batch-get|print|read|info|status|logs|version|help|export-credentials)(?:$|-)/.test(
      word,
    ),
  )
    ? "readonly"
    : "read-write";
}

function git(call: ProgramCall, read: ReadArguments): void {
  const { finding, scope } = call;
  const [subcommand = "", ...rest] = read.operands.map(({ text }) => text);
  const [folder] = read.valuesOf("-C");
  // A setting can name a program to run: core.pager, alias.x, core.sshCommand.
  const isBeforeSubcommand = call.words.findIndex(({ text }) => text === "-c");
  if (isBeforeSubcommand >= 0 && isBeforeSubcommand < call.words.findIndex(({ text }) => text === subcommand)) finding.raise("read-write");
  if (folder !== undefined && !/^(?:commit|log|diff)$/.test(folder.text)) {
    if (!folder.isComplete) finding.markUnread("argument");
    finding.addPath(folder.text, scope.cwd, "git_repository");
  }
  if (
    /^(?:branch|tag)$/.test(subcommand) &&
    (rest.length > 0 || read.has("-d", "-D", "-m", "-M", "-f", "--delete", "--move", "--force", "-c", "-C"))
  ) {
    if (
      !read.has("-l", "--list", "-a", "-r", "-v", "-vv", "--contains", "--merged", "--no-merged", "--show-current", "--points-at") ||
      read.has("-d", "-D", "-m", "-M")
    )
      finding.raise("read-write");
  }
  if (subcommand === "config" && !/^(?:get|list)$/.test(rest[0] ?? "") && !read.has("--get", "--get-all", "--get-regexp", "--list", "-l")) {
    if (rest.length !== 1 || read.has("--unset", "--unset-all", "--edit", "-e"))
      finding.raise(read.has("--system") ? "admin" : "read-write");
  }
  if (subcommand === "config" && rest.length === 1) finding.raise("readonly");
  if (subcommand === "symbolic-ref" && rest.length > 1) finding.raise("read-write");
  if (subcommand === "push") {
    const isForced =
      read.has("-f", "--force", "--force-with-lease", "--mirror", "--delete", "-d", "--prune") ||
      rest.slice(1).some((ref) => /^[+:]/.test(ref));
    if (isForced) finding.raise("admin");
  }
  if (/^(?:filter-branch|filter-repo|update-server-info|daemon)$/.test(subcommand)) finding.raise("admin");
  for (const place of rest) {
    const remote = /^(?:[\w.-]+@)?([\w.-]+\.[a-z]{2,}):([\w./~-]+)$/i.exec(place);
    if (remote !== null && /^(?:clone|push|pull|fetch|remote|ls-remote|submodule)$/.test(subcommand)) addHostOf(remote[1] ?? "", finding);
  }
}

function gh(call: ProgramCall, read: ReadArguments): void {
  if (read.operands[0]?.text !== "api") return;
  const arguments_ = readArguments(
    call.words,
    new Set([
      "-X",
      "--method",
      "-f",
      "--raw-field",
      "-F",
      "--field",
      "-H",
      "--header",
      "--input",
      "-q",
      "--jq",
      "-t",
      "--template",
      "--cache",
      "--hostname",
    ]),
  );
  const methods = arguments_.valuesOf("-X", "--method");
  const sends = arguments_.has("-f", "--raw-field", "-F", "--field", "--input");
  const isReading = methods.length > 0 ? methods.every(({ text }) => /^(?:GET|HEAD)$/i.test(text)) : !sends;
  if (isReading) return;
  call.finding.raise(methods.some(({ text }) => /^DELETE$/i.test(text)) ? "admin" : "read-write");
}

/** What a container may see of the machine decides: its file system, its sockets, its processes. */
function docker(call: ProgramCall, read: ReadArguments): void {
  const { finding } = call;
  const [first = "", second = ""] = read.operands.map(({ text }) => text);
  const subcommand = /^(?:container|image|compose)$/.test(first) ? second : first;
  if (!/^(?:run|exec|create|cp|build|up)$/.test(subcommand)) {
    readUnsure(read.operands.slice(1), call);
    return;
  }
  const at = call.words.findIndex(({ text }) => text === subcommand);
  const inner = readArguments(
    call.words.slice(at + 1),
    new Set(
      "-v --volume --mount -e --env --env-file -p --publish --name -w --workdir -u --user --network --net -h --hostname --entrypoint --platform -m --memory --cpus --pid --ipc -l --label --add-host --restart --log-driver --gpus --tmpfs -f --file -t --tag --build-arg --target --secret --ssh --index".split(
        " ",
      ),
    ),
    subcommand === "run" || subcommand === "exec" || subcommand === "create",
  );
  for (const { text } of inner.valuesOf("-v", "--volume", "--mount")) {
    const source = /(?:source|src)=([^,]+)/.exec(text)?.[1] ?? text.split(":")[0] ?? "";
    if (/^(?:\/|~|\.)/.test(source)) finding.addPath(source, call.scope.cwd);
    if (source === "/" || /docker\.sock$/.test(source) || (/^\//.test(source) && isSystemPath(source, call.scope) && !/:ro\b/.test(text)))
      finding.raise("admin");
  }
  if (inner.valuesOf("--pid", "--ipc", "--net", "--network").some(({ text }) => text === "host")) finding.raise("admin");
  readFiles(inner.valuesOf("--env-file", "-f", "--file"), call);
  readUnsure(inner.valuesOf("-e", "--env", "--build-arg", "--secret"), call);
  const [, ...command] = inner.operands;
  if (subcommand === "cp" || subcommand === "build" || subcommand === "up") readUnsure(inner.operands, call);
  else if (command.length > 0) call.runWords(command);
}

function kubectl(call: ProgramCall, read: ReadArguments): void {
  const [subcommand, ...rest] = read.operands.map(({ text }) => text);
  if (subcommand === "exec") {
    const at = call.words.findIndex(({ text }) => text === "--");
    if (at >= 0) call.runWords(call.words.slice(at + 1));
    else call.finding.markUnread("script");
  } else if (subcommand === "diff" || subcommand === "wait") return;
  // `kubectl get pods,secrets` names them too.
  if (/^(?:get|describe)$/.test(subcommand ?? "")) {
    for (const kind of (rest[0] ?? "").split(",").slice(0, 32))
      call.finding.addCommand(call.program, [call.program, subcommand ?? "", kind]);
  }
}

/** Names of packages: the operands that are no paths and no URLs. */
function packages(call: ProgramCall, read: ReadArguments): void {
  const [first = "", second = ""] = read.operands.map(({ text }) => text);
  const skip = /^(?:pip|tool|global)$/.test(first) ? 2 : 1;
  const verb = skip === 2 ? second : first;
  if (!/^(?:install|i|add|ci|get|uninstall|remove|rm|update|upgrade|download|reinstall|purge|tap)$/.test(verb)) return;
  for (const { text } of read.operands.slice(skip)) {
    if (
      /^(?:@[\w.-]+\/)?[\w.-]+(?:\[[\w,]+\])?(?:[@=<>~!].*)?$/.test(text) ||
      (call.program === "go" && /^[\w.-]+(?:\/[\w.-]+)+(?:@.*)?$/.test(text))
    )
      call.finding.addPackage(text);
  }
}

function runsPackage(call: ProgramCall): void {
  const read = readArguments(call.words, new Set(["-p", "--package", "-c", "--call", "--from", "--with", "--python"]), true);
  call.finding.raise("read-write");
  for (const { text } of read.valuesOf("-c", "--call")) call.runScript(text);
  const [name, ...rest] = read.operands;
  for (const { text } of [...read.valuesOf("-p", "--package", "--from"), ...(name === undefined ? [] : [name])])
    call.finding.addPackage(text);
  readUnsure(rest, call);
}

/** `uv run X`, `poetry run X`, `npm exec -- X`: the command behind is read. */
function runner(call: ProgramCall, read: ReadArguments): void {
  packages(call, read);
  if (!/^(?:run|exec)$/.test(read.operands[0]?.text ?? "") || /^(?:npm|yarn|bun|cargo|go)$/.test(call.program)) return;
  const at = call.words.findIndex(({ text }) => text === "run" || text === "exec");
  const inner = readArguments(call.words.slice(at + 1), new Set(["--with", "--python", "-p", "--env-file"]), true).operands;
  call.finding.raise("read-write");
  if (inner.length > 0) call.runWords(inner);
}

const FINER: Readonly<Record<string, (call: ProgramCall, read: ReadArguments) => void>> = {
  git,
  gh,
  docker,
  podman: docker,
  nerdctl: docker,
  kubectl,
  oc: kubectl,
  k: kubectl,
  npm: packages,
  pnpm: runner,
  yarn: packages,
  bun: packages,
  pip: packages,
  pip3: packages,
  uv: runner,
  poetry: runner,
  cargo: packages,
  go: packages,
  gem: packages,
  apt: packages,
  "apt-get": packages,
  yum: packages,
  dnf: packages,
  apk: packages,
  brew: packages,
  snap: packages,
  zypper: packages,
};
/** Programs whose operands are read by their finer reader alone. */
const RUNS: Readonly<Record<string, true>> = { docker: true, podman: true, nerdctl: true };

/** `pass`, `op`: the words are names in a store, no paths. Others that take files, and change nothing. */
function keyTool(call: ProgramCall): void {
  const { operands, has, valuesOf } = readArguments(
    call.words,
    new Set(["-f", "-t", "-C", "-N", "-in", "-out", "-inkey", "-CAfile", "-key", "-o", "--output"]),
  );
  call.finding.raise("read-write");
  for (const word of valuesOf("-f", "-in", "-inkey", "-key", "-out", "-o", "--output", "-CAfile")) readFile(word, call.finding, call.scope);
  if (has("-d", "--decrypt", "--export-secret-keys")) readFiles(operands, call);
  else readUnsure(operands, call);
}

export const SUBCOMMAND_READERS: Readonly<Record<string, ProgramReader>> = {
  npx: runsPackage,
  bunx: runsPackage,
  uvx: runsPackage,
  pipx: runsPackage,
  pnpx: runsPackage,
  openssl: keyTool,
  "ssh-keygen": keyTool,
  "ssh-add": keyTool,
  gpg: keyTool,
  age: keyTool,
  sops: keyTool,
};
