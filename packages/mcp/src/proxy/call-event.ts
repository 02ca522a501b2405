import { createHash } from "node:crypto";
import type { Activity, AuditEventInput, Context, JsonObject, Outcome } from "@vouchtrail/events";
import { CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import type { SelfReported } from "./caller.ts";
import { MESSAGE_CHARS_MAX } from "./limits.ts";
import { isObject, type MessageId, type ResponseMessage } from "./message.ts";

/** Whose calls are recorded: the same for one run of the proxy. */
export interface ProxyIdentity {
  /** The name that the user gave to the server behind the proxy, or what was made of its command. */
  readonly serverName: string;
  /** The session that the calls belong to. */
  readonly sessionId: string;
  /** Names this run of the proxy. */
  readonly instance: string;
  /** The agent that the user named; absent: the client's own name is taken. */
  readonly agentId?: string;
}

/** A request that was seen, and everything that its events tell. */
export interface SeenRequest {
  readonly id: MessageId | undefined;
  readonly method: string;
  readonly params: JsonObject;
  /** Bytes and digest of the message in place of its parameters, where they are too long to record. */
  readonly omitted?: JsonObject;
  readonly callId: string;
  readonly client: SelfReported | undefined;
  readonly server: SelfReported | undefined;
  readonly trace: { readonly traceId?: string; readonly spanId?: string };
  /** What the request is known from, where not from its own message. */
  readonly basis?: "headers";
  /** Milliseconds of a clock that never goes back. */
  readonly startedMs: number;
}

/** How a request ended. */
export interface RequestEnding {
  readonly outcome: Outcome;
  readonly durationMs: number;
}

type Told = AuditEventInput;

/** Requests that are recorded besides calls of tools, each as one event once it is answered. */
const OTHER_REQUESTS: Readonly<Record<string, { readonly action: string; readonly type: string; readonly from: "client" | "server" }>> = {
  "resources/read": { action: "mcp.resource.read", type: "resource", from: "client" },
  "prompts/get": { action: "mcp.prompt.fetched", type: "prompt", from: "client" },
  "sampling/createMessage": { action: "mcp.sampling.requested", type: "model", from: "server" },
  "elicitation/create": { action: "mcp.elicitation.requested", type: "user", from: "server" },
};

/** Whether a request of this method is recorded when this side sends it. */
export function isRecorded(method: string, from: "client" | "server"): boolean {
  if (method === "tools/call") return from === "client";
  return Object.hasOwn(OTHER_REQUESTS, method) && OTHER_REQUESTS[method]?.from === from;
}

/** `mcp__<server>__<tool>`: the name under which agents call the tool, so that what the proxy tells joins what they tell. */
export function agentToolName(serverName: string, toolName: string): string {
  const part = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, "_");
  const whole = `mcp__${part(serverName)}__${part(toolName)}`;
  return whole.length <= 128 ? whole : `${whole.slice(0, 95)}_${createHash("sha256").update(whole).digest("hex").slice(0, 32)}`;
}

/** Says that a tool is about to be called. Rule: PROXY-5. */
export function intentOf(identity: ProxyIdentity, request: SeenRequest): Told {
  return { ...toolCall(identity, request), phase: "intent", outcome: { status: "pending" } };
}

/** Says how a request ended: the second event of a call, the only one of anything else. Rules: PROXY-5, PROXY-9. */
export function endingEvent(identity: ProxyIdentity, request: SeenRequest, { outcome, durationMs }: RequestEnding): Told {
  const usage = { durationMs: Math.max(0, Math.round(durationMs * 1_000) / 1_000) };
  if (request.method === "tools/call") return { ...toolCall(identity, request), phase: "outcome", outcome, usage };
  const { action, type, from } = OTHER_REQUESTS[request.method] ?? { action: "mcp.request.answered", type: "method", from: "client" };
  const named = [request.params.uri, request.params.name].find((value) => typeof value === "string" && value !== "");
  return {
    action,
    actor: from === "client" ? agentOf(identity, request) : { type: "service", id: toLeafId(identity.serverName, ID_CHARS_MAX) },
    target: { type, id: toLeafId(typeof named === "string" ? named : identity.serverName, ID_CHARS_MAX) },
    outcome,
    usage,
    context: contextOf(identity, request),
    labels: labelsOf(identity),
    details: { ...detailsOf(identity, request), request: request.omitted ?? withoutMeta(request.params) },
  };
}

/** How an answer says that a request ended. Rule: PROXY-6. */
export function outcomeOf(response: ResponseMessage, omitted: JsonObject | undefined): Outcome {
  const { error, result } = response;
  if (error !== undefined) {
    const { code, message, data } = error;
    return {
      status: "failure",
      code: typeof code === "number" && Number.isSafeInteger(code) ? `RPC_${code}` : "RPC_ERROR",
      ...messageOf(message),
      ...(omitted !== undefined ? { result: omitted } : data === undefined ? {} : { result: data }),
    };
  }
  const told = { result: omitted ?? result ?? null };
  if (isObject(result) && result.isError === true)
    return { status: "failure", code: "TOOL_ERROR", ...messageOf(firstText(result)), ...told };
  if (isObject(result) && result.resultType === "input_required") return { status: "partial", code: "INPUT_REQUIRED", ...told };
  return { status: "success", ...told };
}

/** What is recorded in place of content that is too long: how long it was, and which it was. */
export function digestOf(text: string): JsonObject {
  const bytes = Buffer.from(text);
  return { omitted: true, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Labels of everything that a run tells. */
export function labelsOf({ serverName }: ProxyIdentity): Record<string, string> {
  return { platform: "mcp", mcpServer: serverName.slice(0, 256) };
}

function toolCall(identity: ProxyIdentity, request: SeenRequest): Omit<Told, "outcome"> & { activity: Activity } {
  const written = typeof request.params.name === "string" && request.params.name !== "" ? request.params.name : "unknown";
  const name = agentToolName(identity.serverName, written);
  const { arguments: given } = request.params;
  const parameters = request.omitted ?? given;
  return {
    action: "ai.tool_call",
    actor: agentOf(identity, request),
    target: { type: "tool", id: name },
    activity: { type: "tool", name, tool: { name, ...(parameters === undefined ? {} : { parameters }) } },
    context: contextOf(identity, request),
    labels: labelsOf(identity),
    details: { ...detailsOf(identity, request), tool: written.slice(0, MESSAGE_CHARS_MAX) },
  };
}

function agentOf({ agentId }: ProxyIdentity, { client }: SeenRequest): AuditEventInput["actor"] {
  return { type: "agent", id: toLeafId(agentId ?? client?.name ?? "mcp-client", ID_CHARS_MAX) };
}

function contextOf({ sessionId }: ProxyIdentity, { callId, trace }: SeenRequest): Context {
  return { sessionId: toLeafId(sessionId, CONTEXT_ID_CHARS_MAX), callId: toLeafId(callId, CONTEXT_ID_CHARS_MAX), ...trace };
}

function detailsOf({ serverName }: ProxyIdentity, { id, client, server, params, basis }: SeenRequest): JsonObject {
  const meta = isObject(params._meta) ? params._meta : {};
  const invocation = meta["io.modelcontextprotocol/aiInvocation"];
  return {
    server: serverName,
    ...(id === undefined ? {} : { rpcId: typeof id === "string" ? id.slice(0, MESSAGE_CHARS_MAX) : id }),
    ...(client === undefined ? {} : { client }),
    ...(server === undefined ? {} : { serverInfo: server }),
    ...(isObject(invocation) ? { invocation } : {}),
    ...(basis === undefined ? {} : { basis }),
  };
}

function withoutMeta({ _meta, ...params }: JsonObject): JsonObject {
  return params;
}

function messageOf(text: unknown): { message?: string } {
  return typeof text === "string" && text !== "" ? { message: text.slice(0, MESSAGE_CHARS_MAX) } : {};
}

function firstText({ content }: JsonObject): unknown {
  const first: unknown = Array.isArray(content) ? content.find((part) => isObject(part) && typeof part.text === "string") : undefined;
  return isObject(first) ? first.text : undefined;
}
