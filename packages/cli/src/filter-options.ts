import { type EventFilter, type FilterName, parseFilter } from "@vouchtrail/events";
import type { Command } from "commander";
import { nowMs, timeText } from "./clock.ts";
import { CommandError } from "./command-error.ts";
import { addValue } from "./option-value.ts";
import { momentOf } from "./relative-time.ts";

/** Every filter as an option: what stands behind the flag, and what it compares. The words of a search are the filter `text`. */
const FILTERS: Readonly<Record<Exclude<FilterName, "text">, readonly [value: string, description: string]>> = {
  actor: ["id", "id of the actor"],
  actorType: ["type", "user, agent, system, webhook or service"],
  onBehalfOf: ["id", "id of somebody the actor acted for"],
  action: ["name", "action; ai.* stands for all that begin with ai."],
  target: ["id", "id of the target, or type/id"],
  targetType: ["type", "type of the target"],
  outcome: ["status", "success, failure, partial, pending or denied"],
  code: ["code", "code of the outcome"],
  activity: ["type", "what an agent did: tool, skill, external, decision …; * for anything"],
  tool: ["name", "name of the activity"],
  model: ["name", "model that was used"],
  session: ["id", "session"],
  conversation: ["id", "conversation"],
  call: ["id", "call"],
  request: ["id", "request"],
  trace: ["id", "trace"],
  ip: ["address", "address of the caller"],
  sensitive: ["bool", "true or false: whether sensitive data was accessed"],
  proof: ["type", "evidence: screenshot, api_response, hash, url, or none"],
  phase: ["phase", "intent or outcome"],
  source: ["name", "program that sent it"],
  via: ["door", "door it came in by: http, hook, import …"],
  tenant: ["name", "tenant"],
};

/** Times as options. Two names for one: `--since` reads better with a span, `--from` with a date. */
const TIMES = [
  ["from", "--from <time>", "happened at this time or later"],
  ["to", "--to <time>", "happened before this time"],
  ["from", "--since <time>", "the same as --from: 2h, 30m, 7d, yesterday, 2026-11-01 …"],
  ["to", "--until <time>", "the same as --to"],
  ["receivedFrom", "--received-from <time>", "arrived at this time or later"],
  ["receivedTo", "--received-to <time>", "arrived before this time"],
] as const;

/** How a filter is written; for the help of each command that takes them. */
export const FILTER_HELP = `
A filter may be given several times: any of the values will do. With ! in front a value is shut out.
Times are RFC 3339 or a date (UTC), or reach back from now: 90s, 30m, 2h, 7d, 2w, today, yesterday.`;

export interface FilterOptions extends Partial<Readonly<Record<Exclude<FilterName, "text">, readonly string[]>>> {
  readonly label?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly since?: string;
  readonly until?: string;
  readonly receivedFrom?: string;
  readonly receivedTo?: string;
}

/** Adds an option for every filter. */
export function addFilterOptions(command: Command): Command {
  for (const [name, [value, description]] of Object.entries(FILTERS)) {
    command.option(`--${kebab(name)} <${value}>`, description, addValue);
  }
  command.option("--label <name=value>", "label", addValue);
  for (const [, flags, description] of TIMES) command.option(flags, description);
  return command;
}

/**
 * The filter that options and words ask for.
 *
 * @param words Each must occur somewhere in the entry; one with spaces in it as it stands, one with `!` in front nowhere.
 * @throws {AuditError} `FILTER_INVALID`. @throws {CommandError} For what is wrong before it is a filter.
 */
export function filterOf(options: FilterOptions, words: readonly string[] = []): EventFilter {
  const query = new Map<string, string[]>();
  const add = (name: string, value: string): void => void query.set(name, [...(query.get(name) ?? []), value]);
  for (const name of Object.keys(FILTERS) as (keyof typeof FILTERS)[]) for (const value of options[name] ?? []) add(name, value);
  for (const label of options.label ?? []) {
    const equals = label.indexOf("=");
    if (equals < 1) throw new CommandError(`--label ${label}: write it as name=value.`);
    add(`label.${label.slice(0, equals)}`, label.slice(equals + 1));
  }
  for (const [name, flags] of TIMES) {
    const written = options[camel(flags)];
    if (written === undefined) continue;
    if (query.has(name)) throw new CommandError(`${flags.split(" ", 1)[0]} says the same as --${name}: give one of them.`);
    add(name, momentOf(written, nowMs(), timeText));
  }
  for (const text of textsOf(words)) add("text", text);
  return parseFilter(Object.fromEntries([...query].map(([name, values]) => [name, values.length === 1 ? values[0] : values])));
}

/** Words that must all occur are one text; each that must not is one of its own. */
function textsOf(words: readonly string[]): readonly string[] {
  const quoted = words.map((word) => {
    const [not, rest] = word.startsWith("!") ? ["!", word.slice(1)] : ["", word];
    return /\s/.test(rest) && !rest.includes('"') ? `${not}"${rest}"` : word;
  });
  const wanted = quoted.filter((word) => !word.startsWith("!"));
  return [...(wanted.length === 0 ? [] : [wanted.join(" ")]), ...quoted.filter((word) => word.startsWith("!"))];
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `--received-from <time>` becomes `receivedFrom`, the name under which commander keeps it. */
function camel(flags: (typeof TIMES)[number][1]): "from" | "to" | "since" | "until" | "receivedFrom" | "receivedTo" {
  const name = flags.slice(2, flags.indexOf(" ")).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return name as ReturnType<typeof camel>;
}
