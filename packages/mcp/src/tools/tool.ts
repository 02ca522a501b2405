import type { McpServer, ServerContext } from "@modelcontextprotocol/server";
import { AuditError, type AuditReader, type Context } from "@vouchtrail/events";
import { parseTraceParent } from "@vouchtrail/events/leaf";
import type { z } from "zod";
import type { McpCaller } from "../caller.ts";
import { toolErrorText } from "./tool-error.ts";

/** Where the tools of one server are registered, and for whom. */
export interface ToolPlace {
  readonly server: McpServer;
  readonly caller: McpCaller;
  /** Told of faults of ours; the client learns nothing of them but that there was one. */
  readonly onError: (error: unknown) => void;
}

export interface ToolDefinition<Input extends z.ZodObject, Output extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** For the model: what it does and when to use it. */
  readonly description: string;
  readonly scope: "read" | "ingest";
  /** Calling it again with the same arguments changes nothing further. */
  readonly isIdempotent: boolean;
  readonly input: Input;
  readonly output: Output;
}

/** What a call carries besides its arguments. */
export interface ToolCall {
  /** Trace of the caller, from `_meta.traceparent` (W3C Trace Context, SEP-414). */
  readonly trace: Pick<Context, "traceId" | "spanId">;
}

/**
 * Registers a tool. Whatever it throws becomes a result with `isError`, which the model reads: a protocol error would end its turn.
 * What a tool returns is checked against its output schema before it leaves. Rules: MCP-5 to MCP-7.
 */
export function addTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  { server, caller, onError }: ToolPlace,
  { name, title, description, scope, isIdempotent, input, output }: ToolDefinition<Input, Output>,
  run: (args: z.output<Input>, call: ToolCall) => Promise<object>,
): void {
  const isReading = scope === "read";
  const config = {
    title,
    description,
    inputSchema: input,
    outputSchema: output,
    // What is written is never changed or removed, and the trail is a closed world.
    annotations: { title, readOnlyHint: isReading, destructiveHint: false, idempotentHint: isIdempotent, openWorldHint: false },
  };
  async function answer(args: unknown, context: ServerContext): Promise<object> {
    try {
      if (!caller.scopes.has(scope)) throw new AuditError("SCOPE_MISSING", { message: `The key lacks the scope "${scope}".` });
      const structuredContent = await run(args as z.output<Input>, { trace: traceOf(context.mcpReq._meta?.traceparent) });
      return { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent };
    } catch (error) {
      const known = error instanceof AuditError ? error : new AuditError("INTERNAL", { cause: error });
      // Who has left ended the work, and reads nothing of it.
      if (known.code === "INTERNAL" && !context.mcpReq.signal.aborted) onError(error);
      return { content: [{ type: "text", text: toolErrorText(known) }], isError: true };
    }
  }
  // The types of the callback follow from the schemas, which are not known here.
  server.registerTool(name, config, answer as never);
}

/** @throws {AuditError} `CONFIG_INVALID` where nothing can be read. Rule: MCP-14. */
export function readerOf({ reader }: McpCaller): AuditReader {
  if (reader !== undefined) return reader;
  throw new AuditError("CONFIG_INVALID", {
    message:
      "Events can only be written here: reading needs the URL of the server. Tell the operator to set AUDIT_LOG_URL beside AUDIT_BACKEND.",
  });
}

function traceOf(traceparent: unknown): ToolCall["trace"] {
  const parent = parseTraceParent(traceparent);
  return parent === undefined ? {} : { traceId: parent.traceId, spanId: parent.spanId };
}
