import type { AuditEventInput, JsonObject } from "@vouchtrail/events";
import { CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import { agentToolName, labelsOf, type ProxyIdentity } from "./call-event.ts";
import type { DefinitionMemory } from "./definition-memory.ts";
import { DEFINITION_CHARS_MAX, TOOLS_MAX } from "./limits.ts";
import { isObject } from "./message.ts";
import { readToolDefinition, type ToolDefinition } from "./tool-definition.ts";

/** One listing of tools while its pages come. */
export interface ToolListing {
  /** Takes the tools of a page. */
  add(tools: unknown): void;
  readonly definitions: ReadonlyMap<string, ToolDefinition>;
  /** A tool that is not in it is gone: every page was seen and every tool could be read. */
  isWhole: boolean;
}

/** @param isFirstPage Whether the listing began with this page. */
export function createToolListing(isFirstPage: boolean): ToolListing {
  const definitions = new Map<string, ToolDefinition>();
  const listing: ToolListing = {
    definitions,
    isWhole: isFirstPage,
    add(tools) {
      if (!Array.isArray(tools)) {
        listing.isWhole = false;
        return;
      }
      for (const tool of tools as readonly unknown[]) {
        if (!isObject(tool) || typeof tool.name !== "string" || definitions.size >= TOOLS_MAX) {
          listing.isWhole = false;
          continue;
        }
        try {
          definitions.set(toLeafId(tool.name, ID_CHARS_MAX), readToolDefinition(tool));
        } catch {
          listing.isWhole = false; // Nested too deeply to be compared.
        }
      }
    },
  };
  return listing;
}

/** Compares the tools that a server lists with those that were seen before. */
export interface DefinitionWatch {
  /** Records what is new, changed or gone, and remembers it. Listings are compared one after the other. */
  compare(listing: ToolListing): void;
  /** Resolves when everything that was given is compared. */
  settled(): Promise<void>;
}

/**
 * @param record Takes the events `mcp.tool_definition.seen` and `mcp.tool_definition.changed`. Rules: PROXY-10, PROXY-11.
 * @param warn Told once that the definitions cannot be remembered.
 */
export function createDefinitionWatch(
  identity: ProxyIdentity,
  memory: DefinitionMemory,
  record: (event: AuditEventInput) => void,
  warn: (message: string) => void,
): DefinitionWatch {
  let known: ReadonlyMap<string, string> | undefined;
  let isLoaded = false;
  let isWarned = false;
  let work: Promise<void> = Promise.resolve();

  function tell(action: "seen" | "changed", tool: string, details: JsonObject): void {
    record({
      action: `mcp.tool_definition.${action}`,
      actor: { type: "service", id: toLeafId(identity.serverName, ID_CHARS_MAX) },
      target: { type: "tool_definition", id: agentToolName(identity.serverName, tool) },
      outcome: { status: "success" },
      context: { sessionId: toLeafId(identity.sessionId, CONTEXT_ID_CHARS_MAX) },
      labels: labelsOf(identity),
      details: { server: identity.serverName, tool, ...details },
    });
  }

  async function run({ definitions, isWhole }: ToolListing): Promise<void> {
    if (!isLoaded) known = await memory.load(identity.serverName);
    isLoaded = true;
    const before = known;
    const after = new Map(isWhole ? [] : before);
    for (const [tool, { digest, canonical }] of definitions) {
      after.set(tool, digest);
      const seen = before?.get(tool);
      if (seen === digest) continue;
      const content = canonical.length <= DEFINITION_CHARS_MAX ? { definition: JSON.parse(canonical) as unknown } : {};
      if (before === undefined) tell("seen", tool, { after: digest, ...content });
      else if (seen === undefined) tell("changed", tool, { change: "new", after: digest, ...content });
      else tell("changed", tool, { change: "changed", before: seen, after: digest, ...content });
    }
    for (const [tool, digest] of isWhole ? (before ?? []) : [])
      if (!definitions.has(tool)) tell("changed", tool, { change: "removed", before: digest });
    known = after;
    if (before !== undefined && isEqual(before, after)) return;
    if ((await memory.save(identity.serverName, after)) || isWarned) return;
    isWarned = true;
    warn("The definitions of the tools cannot be remembered in the state folder: every run will see them for the first time.");
  }

  return {
    compare(listing) {
      work = work.then(() => run(listing)).catch(() => warn("The definitions of the tools could not be compared."));
    },
    settled: () => work,
  };
}

function isEqual(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean {
  return left.size === right.size && [...left].every(([tool, digest]) => right.get(tool) === digest);
}
