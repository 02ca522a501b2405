import type { JsonObject } from "@vouchtrail/events";
import { parseTraceParent } from "@vouchtrail/events/leaf";
import { isObject } from "./message.ts";

/** What a peer says of itself. Nobody checked it. */
export interface SelfReported {
  readonly name?: string;
  readonly version?: string;
}

/** `_meta` of a request: what accompanies it. */
export function metaOf(params: JsonObject): JsonObject {
  return isObject(params._meta) ? params._meta : {};
}

/** Name and version of `clientInfo` or `serverInfo`; undefined when it tells neither. */
export function selfReportedOf(value: unknown): SelfReported | undefined {
  if (!isObject(value)) return undefined;
  const { name, version } = value;
  const told = {
    ...(typeof name === "string" && name !== "" ? { name: name.slice(0, 200) } : {}),
    ...(typeof version === "string" && version !== "" ? { version: version.slice(0, 200) } : {}),
  };
  return Object.keys(told).length === 0 ? undefined : told;
}

/** The client that a request names, in the revision of 2026-07-28. */
export function clientOf(params: JsonObject): SelfReported | undefined {
  return selfReportedOf(metaOf(params)["io.modelcontextprotocol/clientInfo"]);
}

/** Trace and span of a `traceparent` in `_meta`. Source: SEP-414, W3C Trace Context level 1. */
export function traceOf(params: JsonObject): { readonly traceId?: string; readonly spanId?: string } {
  const parent = parseTraceParent(metaOf(params).traceparent);
  return parent === undefined ? {} : { traceId: parent.traceId, spanId: parent.spanId };
}

/** Members of `_meta` under which clients put their own id of a call, read in this order. */
const CALL_ID_MEMBERS = ["claudecode/toolUseId", "toolUseId", "tool_use_id", "toolCallId", "callId"];

/** The client's own id of a call: what joins it with hooks, transcripts and telemetry. */
export function callIdOf(params: JsonObject): string | undefined {
  const meta = metaOf(params);
  for (const name of CALL_ID_MEMBERS) {
    const value = meta[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}
