import { AuditError } from "../errors.ts";
import type { AuditEventInput, JsonObject, Outcome } from "../event.ts";
import { fromClaudeCodeHook, type HookOptions } from "./claude-code-hook.ts";
import { asText } from "./claude-code-line.ts";
import { parseExactJson } from "./exact-json.ts";
import { isObject } from "./json-object.ts";

/** What the hooks of one agent call what those of Claude Code call otherwise. */
export interface HookDialect {
  /** The agent: actor and platform label of its events. */
  readonly agentId: string;
  /** Names of hooks, each with the one of Claude Code that tells the same. The others keep theirs. */
  readonly names: Readonly<Record<string, string>>;
  /** Members of every hook, likewise. */
  readonly members: Readonly<Record<string, string>>;
  /** Members of hooks that tell of a tool, likewise. They may hold their value as JSON text, which is read. */
  readonly toolMembers: Readonly<Record<string, string>>;
  /** Members of single hooks, by the hook's own name, likewise. */
  readonly hookMembers?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How a call ended whose hook says more than its name does; undefined where it does not. */
  readonly endingOf?: (payload: JsonObject) => Outcome | undefined;
}

const TOOL_HOOKS: readonly string[] = ["PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "PermissionDenied"];
/** Members that may hold any value; the others are texts. */
const ANY_VALUE: readonly string[] = ["tool_input", "tool_response"];

/**
 * Turns the hook of another agent into the event that the same hook of Claude Code would be. Nothing is lost: a member whose place is taken, or does not take its value, keeps its own name and is kept in
 * the details.
 *
 * @param payload Parsed JSON, as the hook tells it.
 * @param name The hook, where the payload does not name it.
 * @throws {AuditError} `SHAPE_INVALID`: it is no object, or its hook is not named. Rules: MAPPING-50, MAPPING-51.
 */
export function fromHookDialect(payload: unknown, dialect: HookDialect, options: HookOptions = {}, name?: string): AuditEventInput {
  if (!isObject(payload)) throw new AuditError("SHAPE_INVALID", { message: "A hook posts a JSON object." });
  const own = asText(payload.hook_event_name === undefined ? name : payload.hook_event_name);
  if (own === undefined)
    throw new AuditError("SHAPE_INVALID", { path: "hook_event_name", message: "hook_event_name: expected the name of the hook." });
  const known = Object.hasOwn(dialect.names, own) ? (dialect.names[own] ?? own) : own;
  const isTool = TOOL_HOOKS.includes(known);
  const shaped = shapedMembers(payload, {
    ...dialect.members,
    ...(isTool ? dialect.toolMembers : {}),
    ...(dialect.hookMembers !== undefined && Object.hasOwn(dialect.hookMembers, own) ? dialect.hookMembers[own] : {}),
  });
  const event = fromClaudeCodeHook({ ...shaped, hook_event_name: known }, { agentId: dialect.agentId, ...options });
  const ending = event.action === "ai.tool_call" && event.phase === "outcome" ? dialect.endingOf?.(payload) : undefined;
  return {
    ...event,
    ...(ending === undefined ? {} : { outcome: { ...event.outcome, ...ending } }),
    labels: { ...event.labels, platform: dialect.agentId },
    details: { ...event.details, ...(Object.hasOwn(payload, "hook") ? {} : { hook: own }) },
  };
}

function shapedMembers(payload: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const taken = new Set(Object.keys(payload));
  const entries = Object.entries(payload).map(([name, value]): [string, unknown] => {
    const place = Object.hasOwn(names, name) ? names[name] : undefined;
    if (place === undefined) return [name, isJsonMember(name) ? fromJsonText(value) : value];
    if (taken.has(place) || (!ANY_VALUE.includes(place) && asText(value) === undefined)) return [name, value];
    taken.add(place);
    return [place, isJsonMember(place) ? fromJsonText(value) : value];
  });
  return Object.fromEntries(entries);
}

const isJsonMember = (name: string): boolean => ANY_VALUE.includes(name);

/** The object or array that a text holds as JSON; any other value as it is. */
function fromJsonText(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return parseExactJson(value).value;
  } catch {
    return value; // A text that only begins like JSON.
  }
}
