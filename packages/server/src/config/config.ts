import { readFile } from "node:fs/promises";
import { AuditError } from "@vouchtrail/events";
import { parseDocument } from "yaml";
import { z } from "zod";
import { type Config, ConfigSchema } from "./schema.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig {
  readonly config: Config;
  /** Blocks that are accepted but do nothing yet, and variables that are not set; said loudly at start and by `doctor`. */
  readonly warnings: readonly string[];
  /** The file that was read. */
  readonly file: string | undefined;
}

/** `http.bodyBytesMax` becomes `VOUCHTRAIL_HTTP_BODY_BYTES_MAX`. */
export function environmentName(path: string): string {
  return `VOUCHTRAIL_${path
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll(".", "_")
    .toUpperCase()}`;
}

/** One option of the schema, flat. */
export interface ConfigOption {
  readonly path: string;
  readonly environment: string;
  readonly type: string;
  readonly default: unknown;
  readonly description: string;
}

interface JsonSchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly anyOf?: readonly JsonSchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Every option with its environment name, as the schema says. */
export function configOptions(): readonly ConfigOption[] {
  const options: ConfigOption[] = [];
  const walk = (node: JsonSchemaNode, path: string): void => {
    if (node.properties !== undefined) {
      for (const [name, member] of Object.entries(node.properties)) walk(member, path === "" ? name : `${path}.${name}`);
      return;
    }
    options.push({
      path,
      environment: environmentName(path),
      type: typeOf(node),
      default: node.default,
      description: node.description ?? "",
    });
  };
  walk(z.toJSONSchema(ConfigSchema, { io: "input" }) as JsonSchemaNode, "");
  return options;
}

function typeOf(node: JsonSchemaNode): string {
  if (node.enum !== undefined) return node.enum.join(" | ");
  if (node.const !== undefined) return String(node.const);
  if (node.anyOf !== undefined) return node.anyOf.map(typeOf).join(" | ");
  if (node.type === "integer" && node.minimum !== undefined) return `integer, ${node.minimum} to ${node.maximum}`;
  return node.type === "array" ? "list" : (node.type ?? "text");
}

/**
 * Loads the configuration: flags over environment over file over defaults.
 *
 * @param sources.file Named explicitly: it must exist. Else `$VOUCHTRAIL_CONFIG`, else `./vouchtrail.yaml` if there is one.
 * @param sources.flags By path, such as `{ "http.port": 8000 }`.
 * @throws {AuditError} `CONFIG_INVALID`, with the path of the option or the name of the variable.
 */
export async function loadConfig(sources: {
  file?: string;
  environment: Environment;
  flags?: Readonly<Record<string, unknown>>;
}): Promise<LoadedConfig> {
  const warnings: string[] = [];
  const { environment, flags = {} } = sources;
  const explicit = sources.file ?? environment.VOUCHTRAIL_CONFIG;
  const file = explicit === undefined || explicit === "" ? "./vouchtrail.yaml" : explicit;
  const text = await readConfigFile(file, explicit !== undefined && explicit !== "");
  const values = text === undefined ? {} : parseConfigText(text, file, environment, warnings);

  for (const option of configOptions()) {
    const fromEnvironment = environment[option.environment];
    if (fromEnvironment !== undefined && fromEnvironment !== "") setPath(values, option.path, parseVariable(fromEnvironment, option));
    if (flags[option.path] !== undefined) setPath(values, option.path, flags[option.path]);
  }
  const result = ConfigSchema.safeParse(values);
  if (!result.success) {
    const issue = result.error.issues[0];
    const path = issue?.path.map(String).join(".") ?? "";
    const unknown =
      issue?.code === "unrecognized_keys" ? `There is no option ${[...issue.path.map(String), issue.keys[0]].join(".")}.` : undefined;
    throw new AuditError("CONFIG_INVALID", { path, message: `The configuration is not valid: ${unknown ?? `${path}: ${issue?.message}`}` });
  }
  warnings.push(...unavailable(result.data));
  return { config: deepFreeze(result.data), warnings, file: text === undefined ? undefined : file };
}

async function readConfigFile(file: string, isRequired: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (!isRequired && cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new AuditError("CONFIG_INVALID", { message: `The configuration file ${file} cannot be read.`, cause });
  }
}

function parseConfigText(text: string, file: string, environment: Environment, warnings: string[]): Record<string, unknown> {
  const document = parseDocument(text, { merge: false, maxAliasCount: 100 } as never);
  const [problem] = document.errors;
  if (problem !== undefined) throw new AuditError("CONFIG_INVALID", { message: `${file} is not valid YAML: ${problem.message}` });
  const values: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new AuditError("CONFIG_INVALID", { message: `${file} must hold options, such as "http:".` });
  }
  return substitute(values, "", environment, warnings) as Record<string, unknown>;
}

/** Replaces `${NAME}`. In blocks that do nothing yet a variable may be missing; elsewhere that is an error. */
function substitute(value: unknown, path: string, environment: Environment, warnings: string[]): unknown {
  if (typeof value === "string") {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) => {
      const found = environment[name];
      if (found !== undefined) return found;
      if (!UNAVAILABLE.some((block) => path === block || path.startsWith(`${block}.`))) {
        throw new AuditError("CONFIG_INVALID", { path, message: `${path} uses the environment variable ${name}, which is not set.` });
      }
      warnings.push(`${path} uses the environment variable ${name}, which is not set.`);
      return whole;
    });
  }
  if (Array.isArray(value)) return value.map((member, i) => substitute(member, `${path}.${i}`, environment, warnings));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, substitute(member, path === "" ? key : `${path}.${key}`, environment, warnings)]),
  );
}

function parseVariable(text: string, option: ConfigOption): unknown {
  const invalid = (): AuditError =>
    new AuditError("CONFIG_INVALID", {
      path: option.path,
      message: `The environment variable ${option.environment} must be: ${option.type}.`,
    });
  if (option.type.startsWith("integer")) {
    if (!/^\d+$/.test(text)) throw invalid();
    return Number(text);
  }
  if (option.type.startsWith("boolean") && (text === "true" || text === "false")) return text === "true";
  if (option.type === "boolean") throw invalid();
  if (option.type === "list") return text.split(",").map((part) => part.trim());
  if (option.type === "object") {
    try {
      return JSON.parse(text);
    } catch {
      throw invalid();
    }
  }
  return text;
}

function setPath(values: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split(".");
  let at = values;
  for (const name of names.slice(0, -1)) {
    const next = at[name];
    if (typeof next === "object" && next !== null) at = next as Record<string, unknown>;
    else {
      const made: Record<string, unknown> = {};
      at[name] = made;
      at = made;
    }
  }
  at[names.at(-1) ?? ""] = value;
}

const DESTINATION_KEYS = ["destination", "path", "rotation", "url", "stream", "format", "labels"] as const;
const UNAVAILABLE: readonly string[] = [
  ...DESTINATION_KEYS.map((key) => `audit.${key}`),
  "audit.retention",
  "audit.pii_retention",
  "alerts",
];

function unavailable(config: Config): string[] {
  const warnings: string[] = [];
  const set = DESTINATION_KEYS.filter((key) => config.audit[key] !== undefined);
  if (set.length > 0)
    warnings.push(
      `audit.${set.join(", audit.")}: destinations are not available yet. Nothing is copied anywhere; events are in the ledger only.`,
    );
  if (config.audit.retention !== undefined) warnings.push("audit.retention is not available yet. Everything is kept.");
  if (config.audit.pii_retention !== undefined)
    warnings.push("audit.pii_retention is not available yet. Personal data is NOT erased by age.");
  if (config.alerts.length > 0) warnings.push(`alerts are not available yet. None of the ${config.alerts.length} will ever fire.`);
  return warnings;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const member of Object.values(Object.freeze(value))) deepFreeze(member);
  return value;
}
