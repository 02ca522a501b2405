/**
 * Keeps bulky or private content out of the trail while saying what it was: a path but not the file, a row count but not the rows, the first
 * characters of a command's output. Runs after redaction: a secret cut in half no longer matches its rule.
 */
import { AuditError } from "../errors.ts";
import type { AuditEvent } from "../event.ts";
import { type CutText, cutText, type Sha256 } from "./cut-text.ts";

/** The `audit.content_logging` block. */
export interface ContentLogging {
  /** Whether contents of files are logged: what is read, and also Write.content and the strings of an edit. Default false. */
  readonly file_contents: boolean;
  /** Whether rows of database queries are logged. Default false: only their count. */
  readonly query_results: boolean;
  /** Whether output of commands is logged; `truncate` (default) keeps the beginning. */
  readonly bash_output: boolean | "truncate";
  /** Characters of output kept by `truncate`. Default 500. */
  readonly bash_output_chars_max: number;
}

export type CutRule = "file_contents" | "query_results" | "bash_output";

/** What stands in place of query results. `rows` is there when they could be counted. */
export interface CutRows extends Omit<CutText, "preview"> {
  readonly rows?: number;
}

export interface Minimizer {
  /** The event without what the configuration keeps out: the same object when nothing was cut, else a copy; and cuts per rule. */
  minimizeEvent(event: AuditEvent): { readonly event: AuditEvent; readonly cuts: ReadonlyMap<CutRule, number> };
}

const CONTENT_LOGGING_DEFAULTS: ContentLogging = {
  file_contents: false,
  query_results: false,
  bash_output: "truncate",
  bash_output_chars_max: 500,
};

const FILE_TOOLS = new Set(
  "write edit multiedit notebookedit read notebookread grep view create str_replace_editor str_replace_based_edit_tool create_file edit_file write_file read_file read_text_file read_multiple_files apply_patch replace search_files".split(
    " ",
  ),
);
const SHELL_TOOLS = new Set(
  "bash powershell bashoutput shell local_shell exec_command run_command execute_command run_shell_command run_terminal_cmd taskoutput terminal".split(
    " ",
  ),
);
const DATABASES =
  /^(?:postgres(?:ql)?|mysql|mariadb|sqlite|mssql|sqlserver|oracle|mongo(?:db)?|redis|clickhouse|duckdb|bigquery|snowflake|redshift|dynamodb|cassandra|elasticsearch|database|db|sql)$/;
const QUERY = /query|sql|execute/;

const FILE_MEMBERS = new Set(
  "content contents old_string new_string oldString newString old_str new_str file_text insert_text new_source old_source newSource oldSource originalFile structuredPatch patch diff gitDiff base64 snippet lines cells".split(
    " ",
  ),
);
const FILE_RESULT_MEMBERS = new Set([...FILE_MEMBERS, "text", "output", "stdout"]);
const OUTPUT_MEMBERS = new Set(
  "stdout stderr output content text aggregated_output aggregatedOutput formatted_output shellOutput".split(" "),
);
const ROWS_MEMBERS = ["rows", "results", "records", "items", "data", "documents", "hits", "result"] as const;
const RESULT_MEMBERS = new Set("result output response toolResult tool_result toolResponse tool_response toolUseResult".split(" "));

const NO_CUTS: ReadonlyMap<CutRule, number> = new Map();

type JsonObject = Record<string, unknown>;
const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Builds a minimizer.
 *
 * @throws {AuditError} `CONFIG_INVALID` for a `bash_output_chars_max` that is no count.
 */
export function createMinimizer(config: Partial<ContentLogging>, sha256: Sha256): Minimizer {
  const options: ContentLogging = { ...CONTENT_LOGGING_DEFAULTS, ...config };
  if (!Number.isSafeInteger(options.bash_output_chars_max) || options.bash_output_chars_max < 0) {
    throw new AuditError("CONFIG_INVALID", {
      path: "audit.content_logging.bash_output_chars_max",
      message: "Expected a whole number of characters, 0 or more.",
    });
  }
  const outputChars = options.bash_output === "truncate" ? options.bash_output_chars_max : 0;

  return {
    minimizeEvent(event) {
      const rule = ruleOf(event);
      if (rule === undefined || (rule === "bash_output" ? options.bash_output === true : options[rule])) return { event, cuts: NO_CUTS };
      let count = 0;

      const cutFile = (value: unknown): unknown => {
        if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0) || isCut(value))
          return value;
        count++;
        return cutText(typeof value === "string" ? value : JSON.stringify(value), 0, "file_contents", sha256);
      };
      const cutOutput = (value: unknown): unknown => {
        if (typeof value !== "string")
          return isObject(value) || Array.isArray(value) ? cutMembers(value, OUTPUT_MEMBERS, cutOutput) : value;
        if (value.length <= outputChars) return value;
        count++;
        return cutText(value, outputChars, "bash_output", sha256);
      };
      const cutRows = (value: unknown): unknown => {
        if (value === null || value === undefined || value === "" || isCut(value)) return value;
        count++;
        const rows = countRows(value);
        const { preview: _preview, ...rest } = cutText(
          typeof value === "string" ? value : JSON.stringify(value),
          0,
          "query_results",
          sha256,
        );
        const cut: CutRows = rows === undefined ? rest : { ...rest, rows };
        return cut;
      };
      const cutResult = (value: unknown): unknown => {
        if (rule === "query_results") return cutRows(value);
        if (rule === "bash_output") return cutOutput(value);
        return typeof value === "string" ? cutFile(value) : cutMembers(value, FILE_RESULT_MEMBERS, cutFile);
      };

      let minimized = event;
      const { activity, details } = event;
      if (rule === "file_contents" && activity?.tool?.parameters !== undefined) {
        const parameters = cutMembers(activity.tool.parameters, FILE_MEMBERS, cutFile);
        if (parameters !== activity.tool.parameters)
          minimized = { ...minimized, activity: { ...activity, tool: { ...activity.tool, parameters } } };
      }
      let { outcome } = event;
      const result = cutResult(outcome.result);
      if (result !== outcome.result) outcome = { ...outcome, result };
      // A failed command reports its whole output as the error. The message stays text, so the cut is told in words.
      if (rule === "bash_output" && outcome.message !== undefined && outcome.message.length > outputChars) {
        count++;
        const cut = cutText(outcome.message, outputChars, "bash_output", sha256);
        outcome = {
          ...outcome,
          message: `${cut.preview} [cut: bash_output, ${cut.chars} chars, ${cut.bytes} bytes, sha256:${cut.sha256}]`,
        };
      }
      if (outcome !== event.outcome) minimized = { ...minimized, outcome };
      if (details !== undefined) {
        const kept = cutDetails(details, rule, cutResult, cutFile, cutOutput);
        if (kept !== details) minimized = { ...minimized, details: kept };
      }
      return count === 0 ? { event, cuts: NO_CUTS } : { event: minimized, cuts: new Map([[rule, count]]) };
    },
  };
}

/** Which rule an event falls under, by what acted in it. */
function ruleOf(event: AuditEvent): CutRule | undefined {
  const { activity } = event;
  if (activity === undefined) return undefined;
  if (activity.type === "skill") {
    const name = (activity.skill?.name ?? activity.name).toLowerCase();
    const operation = (activity.skill?.operation ?? "").toLowerCase();
    return DATABASES.test(name) || QUERY.test(operation) || QUERY.test(name) ? "query_results" : undefined;
  }
  if (activity.type !== "tool") return undefined;
  const name = (activity.tool?.name ?? activity.name).toLowerCase();
  if (SHELL_TOOLS.has(name)) return "bash_output";
  if (FILE_TOOLS.has(name)) return "file_contents";
  if (!name.startsWith("mcp__")) return DATABASES.test(name) ? "query_results" : undefined;
  const parts = name.split("__");
  const method = parts.at(-1) ?? "";
  if (FILE_TOOLS.has(method)) return "file_contents";
  if (SHELL_TOOLS.has(method)) return "bash_output";
  return QUERY.test(parts.slice(1).join("__")) ? "query_results" : undefined;
}

/** A cut made earlier: cutting it again would hash the cut instead of the text. */
function isCut(value: unknown): boolean {
  return isObject(value) && typeof value.cut === "string" && typeof value.sha256 === "string";
}

/** Applies `cut` to the members with these names, at any depth; the same value when nothing changed. */
function cutMembers(value: unknown, names: ReadonlySet<string>, cut: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    const list = value.map((member) => cutMembers(member, names, cut));
    return list.some((member, index) => member !== value[index]) ? list : value;
  }
  if (!isObject(value) || isCut(value)) return value;
  let isChanged = false;
  const entries = Object.entries(value).map(([name, member]): [string, unknown] => {
    const kept = names.has(name) ? cut(member) : cutMembers(member, names, cut);
    if (kept !== member) isChanged = true;
    return [name, kept];
  });
  return isChanged ? Object.fromEntries(entries) : value;
}

/** Details hold what the reporter liked: a result under one of its usual names, or its members directly. */
function cutDetails(
  details: JsonObject,
  rule: CutRule,
  cutResult: (value: unknown) => unknown,
  cutFile: (value: unknown) => unknown,
  cutOutput: (value: unknown) => unknown,
): JsonObject {
  let isChanged = false;
  const entries = Object.entries(details).map(([name, member]): [string, unknown] => {
    let kept = member;
    if (RESULT_MEMBERS.has(name)) kept = cutResult(member);
    else if (rule === "file_contents" && FILE_MEMBERS.has(name)) kept = cutFile(member);
    else if (rule === "bash_output" && OUTPUT_MEMBERS.has(name)) kept = cutOutput(member);
    else if (rule === "query_results" && (name === "rows" || name === "records" || name === "results"))
      kept = Array.isArray(member) ? cutResult(member) : member;
    if (kept !== member) isChanged = true;
    return [name, kept];
  });
  return isChanged ? Object.fromEntries(entries) : details;
}

function countRows(value: unknown): number | undefined {
  if (typeof value === "string") return countRowsOfText(value);
  if (Array.isArray(value)) {
    const [only] = value;
    // MCP answers with a list of content blocks; the rows are in the text of the one block.
    if (value.length === 1 && isObject(only) && only.type === "text" && typeof only.text === "string") return countRowsOfText(only.text);
    return value.length;
  }
  if (!isObject(value)) return undefined;
  const stated = value.rowCount ?? value.row_count ?? value.rowsAffected;
  if (typeof stated === "number") return stated;
  for (const name of ROWS_MEMBERS) {
    const member = value[name];
    if (Array.isArray(member)) return member.length;
  }
  return Array.isArray(value.content) ? countRows(value.content) : undefined;
}

function countRowsOfText(text: string): number | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "string" ? undefined : countRows(parsed);
  } catch {
    // Not JSON, or JSON that was cut: then nobody knows how many.
    return undefined;
  }
}
