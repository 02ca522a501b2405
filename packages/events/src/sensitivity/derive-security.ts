import type { Activity, JsonObject, Security } from "../event.ts";
import { isObject } from "../mapping/json-object.ts";
import { createFinding, type Finding } from "./finding.ts";
import { MEMBER_DEPTH_MAX, MEMBERS_MAX, PATH_CHARS_MAX, SEARCHED_CHARS_MAX } from "./limits.ts";
import { readPath } from "./path-text.ts";
import { readPowerShell } from "./power-shell.ts";
import { isSystemPath } from "./program-call.ts";
import type { SensitivityRules } from "./sensitivity-rules.ts";
import { readShellScript } from "./shell-script.ts";
import { readSql } from "./sql-text.ts";

export interface DeriveOptions {
  /** The folder that relative paths start at, when it is known. */
  readonly cwd?: string | undefined;
}

/** Reads the input of one tool. */
type ToolReader = (input: JsonObject, finding: Finding, cwd: string | undefined) => void;

/** Tools whose input names no resource: what they start tells for itself, or nothing is accessed. */
const SILENT_TOOLS: ReadonlySet<string> = new Set(
  "Agent Task TodoWrite TodoRead AskUserQuestion EnterPlanMode ExitPlanMode Skill SlashCommand BashOutput TaskOutput KillShell KillBash TaskStop TaskCreate TaskUpdate TaskGet TaskList SendMessage ToolSearch StructuredOutput EndConversation Sleep".split(
    " ",
  ),
);

const asText = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** One path under one of the names by which tools have it. */
function pathOf(input: JsonObject): string | undefined {
  return asText(input.file_path) ?? asText(input.filePath) ?? asText(input.notebook_path) ?? asText(input.path) ?? asText(input.filename);
}

const reads: ToolReader = (input, finding, cwd) => {
  finding.raise("readonly");
  const path = pathOf(input);
  if (path === undefined) finding.markUnread("argument");
  else finding.addPath(path, cwd);
};

const writes: ToolReader = (input, finding, cwd) => {
  const path = pathOf(input);
  finding.raise(path !== undefined && isSystemPath(path, { variables: new Map(), cwd }) ? "admin" : "read-write");
  if (path === undefined) finding.markUnread("argument");
  else finding.addPath(path, cwd);
};

/** The working folder is searched unless another is named; a wildcard that can only mean a secret counts as naming it. */
const searches: ToolReader = (input, finding, cwd) => {
  finding.raise("readonly");
  const folder = pathOf(input) ?? cwd;
  if (folder !== undefined) finding.addPath(folder, cwd, "directory");
  for (const wildcard of [asText(input.glob)]) if (wildcard !== undefined) judgeWildcard(wildcard, finding, folder);
};

const globs: ToolReader = (input, finding, cwd) => {
  searches(input, finding, cwd);
  const wildcard = asText(input.pattern);
  if (wildcard !== undefined) judgeWildcard(wildcard, finding, pathOf(input) ?? cwd);
};

function judgeWildcard(wildcard: string, finding: Finding, folder: string | undefined): void {
  if (wildcard.startsWith("!")) return;
  const path = readPath(wildcard, folder);
  if (finding.addIfSensitive(wildcard, folder) || !finding.rules.isSensitiveWildcard(path)) return;
  finding.addSensitiveWildcard();
  finding.addPath(wildcard, folder);
}

const runsShell: ToolReader = (input, finding, cwd) => {
  const { command } = input;
  const folder = asText(input.cwd) ?? asText(input.workdir) ?? cwd;
  const list = Array.isArray(command) ? command.filter((word) => typeof word === "string").slice(0, 1_000) : undefined;
  const script = asText(command) ?? asText(input.cmd) ?? asText(input.script) ?? list?.map(quoted).join(" ");
  if (script === undefined) finding.markUnread("script");
  else readShellScript(script, finding, folder);
};

const runsPowerShell: ToolReader = (input, finding, cwd) => {
  const script = asText(input.command) ?? asText(input.script);
  if (script === undefined) finding.markUnread("script");
  else readPowerShell(script, finding, cwd);
};

const fetches: ToolReader = (input, finding) => {
  finding.raise("readonly");
  const url = asText(input.url);
  if (url === undefined) finding.markUnread("argument");
  else if (!finding.addUrl(url)) finding.addUrl(`https://${url}`);
};

const asks: ToolReader = (_input, finding) => finding.raise("readonly");

const TOOLS: Readonly<Record<string, ToolReader>> = {
  Bash: runsShell,
  Monitor: runsShell,
  bash: runsShell,
  shell: runsShell,
  local_shell: runsShell,
  exec_command: runsShell,
  run_shell_command: runsShell,
  run_in_terminal: runsShell,
  execute_command: runsShell,
  PowerShell: runsPowerShell,
  powershell: runsPowerShell,
  Read: reads,
  NotebookRead: reads,
  view: reads,
  read_file: reads,
  Write: writes,
  Edit: writes,
  MultiEdit: writes,
  NotebookEdit: writes,
  write_file: writes,
  edit_file: writes,
  LS: searches,
  Grep: searches,
  Glob: globs,
  list_directory: searches,
  WebFetch: fetches,
  web_fetch: fetches,
  WebSearch: asks,
  web_search: asks,
};

/**
 * Derives the security block of an event from the input of its tool, skill or call: what was accessed, with which rights, and whether a rule of
 * sensitivity matches it. The flag speaks of what the input names, not of what a program then does.
 *
 * Pure: no file system, no network. The work is bounded whatever the input is; nothing is ever thrown.
 *
 * @returns Only the members that can be told; undefined when the activity tells nothing about resources. The block always satisfies the schema
 *   of the event. Rules: SENS-1 to SENS-15.
 */
export function deriveSecurity(activity: Activity, rules: SensitivityRules, options: DeriveOptions = {}): Security | undefined {
  if (activity.tool !== undefined && SILENT_TOOLS.has(activity.tool.name)) return undefined;
  const finding = createFinding(rules);
  const cwd = options.cwd === undefined || options.cwd === "" ? undefined : options.cwd.slice(0, PATH_CHARS_MAX);
  if (activity.tool !== undefined) readTool(activity.tool.name, activity.tool.parameters, finding, cwd);
  else if (activity.external !== undefined) readExternal(activity.external, finding, cwd);
  else if (activity.skill !== undefined) readGeneric(activity.skill.parameters, finding, cwd, { isKnown: true });
  return finding.toSecurity();
}

function readTool(name: string, parameters: unknown, finding: Finding, cwd: string | undefined): void {
  const reader = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
  if (reader !== undefined) {
    if (isObject(parameters)) reader(parameters, finding, cwd);
    else if (reader === asks) finding.raise("readonly");
    else finding.markUnread("argument");
    return;
  }
  const server = /^mcp__(.+?)__./.exec(name)?.[1];
  if (server !== undefined) {
    finding.addMcpServer(server);
    // Its name is the only thing known about such a tool, and a name is no promise that it only reads.
    finding.raise("read-write");
  }
  readGeneric(parameters, finding, cwd, { isKnown: false });
}

function readExternal(external: NonNullable<Activity["external"]>, finding: Finding, cwd: string | undefined): void {
  if (external.type === "web_search") {
    finding.raise("readonly");
    return;
  }
  const [, verb, place = external.target] = /^([A-Z]{3,10})\s+(\S.*)$/.exec(external.target) ?? [];
  const parameters = isObject(external.parameters) ? external.parameters : {};
  const method = verb ?? asText(parameters.method)?.toUpperCase() ?? (external.type === "web_fetch" ? "GET" : undefined);
  finding.raise(method === "GET" || method === "HEAD" || method === "OPTIONS" ? "readonly" : "read-write");
  if (!finding.addUrl(place) && /^[\w-]+(?:\.[\w-]+)+(?:[:/]\S*)?$/.test(place)) finding.addUrl(`https://${place}`);
  readGeneric(external.parameters, finding, cwd, { isKnown: true });
}

const PATH_MEMBERS =
  /^(?:(?:file|dir|directory|folder|notebook|source|destination|target|output|input|absolute|relative)_?)?(?:path|paths|file|files|filename|file_name|directory|folder)$/i;
const URL_MEMBERS = /^(?:(?:base|target|page|image|web)_?)?(?:url|uri|urls|endpoint|href)$/i;
const COMMAND_MEMBERS = /^(?:command|cmd|shell_command|shell|bash|commands)$/i;
const SQL_MEMBERS = /^(?:sql|sql_query|query|statement|query_preview)$/i;
const TABLE_MEMBERS = /^(?:tables?|table_?names?|tables_accessed)$/i;
const HOST_MEMBERS = /^(?:host|hostname|server_host)$/i;
const SQL_START =
  /^\s*(?:\(\s*)?(?:select|with|insert|update|delete|merge|create|drop|alter|grant|revoke|truncate|explain|show|describe|copy|call|begin|values)\b/i;

/** A tool that nobody here knows: members with the usual names are read, each by what it must be. */
function readGeneric(parameters: unknown, finding: Finding, cwd: string | undefined, { isKnown }: { readonly isKnown: boolean }): void {
  let members = 0;
  let isFound = false;
  const readText = (key: string, value: string): void => {
    const isNamed = (pattern: RegExp): boolean => pattern.test(key);
    if (value === "") return;
    if (isNamed(PATH_MEMBERS) && !/[\n\r]/.test(value)) {
      if (!finding.addUrl(value)) finding.addPath(value, cwd);
    } else if (isNamed(URL_MEMBERS)) {
      if (!finding.addUrl(value)) return;
    } else if (isNamed(COMMAND_MEMBERS)) readShellScript(value, finding, cwd);
    else if (isNamed(SQL_MEMBERS) && SQL_START.test(value)) readSql(value, finding);
    else if (isNamed(TABLE_MEMBERS) && value.length <= 256) finding.addTable(value);
    else if (isNamed(HOST_MEMBERS) && /^[\w.:[\]-]+$/.test(value)) finding.addHost(value.toLowerCase());
    else {
      // Not named as a resource, but it may still name a secret: `{"key": "~/.ssh/id_rsa"}`.
      if (value.length <= PATH_CHARS_MAX && /^(?:[~.]?\/|\.env|[A-Za-z]:\\)\S*$/.test(value)) finding.addIfSensitive(value, cwd);
      return;
    }
    isFound = true;
  };
  const walk = (key: string, value: unknown, depth: number): void => {
    if (++members > MEMBERS_MAX) {
      if (members === MEMBERS_MAX + 1 && (isFound || !isKnown)) finding.markUnread("length");
      return;
    }
    if (typeof value === "string") readText(key, value.slice(0, SEARCHED_CHARS_MAX));
    else if (typeof value === "object" && value !== null && depth < MEMBER_DEPTH_MAX) {
      if (Array.isArray(value)) for (const member of value.slice(0, MEMBERS_MAX + 1)) walk(key, member, depth + 1);
      else for (const name of Object.keys(value).slice(0, MEMBERS_MAX + 1)) walk(name, (value as JsonObject)[name], depth + 1);
    }
  };
  walk("", parameters, 0);
  // Nothing is known of what such a tool does with what it was given.
  if (isFound && !isKnown) finding.raise("read-write");
}

/** One argument of a command that came as a list. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
