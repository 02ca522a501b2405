import type { AuditError, AuditEventInput, JsonObject } from "@vouchtrail/events";
import { digestOf, endingEvent, intentOf, isRecorded, outcomeOf, type ProxyIdentity, type SeenRequest } from "./call-event.ts";
import { callIdOf, clientOf, metaOf, type SelfReported, selfReportedOf, traceOf } from "./caller.ts";
import { createToolListing, type DefinitionWatch, type ToolListing } from "./definition-watch.ts";
import { CONTENT_CHARS_MAX, OPEN_REQUESTS_MAX, UNREAD_NOTED_MAX } from "./limits.ts";
import {
  idKey,
  isObject,
  type Message,
  type MessageId,
  type NoticeMessage,
  type RequestMessage,
  type ResponseMessage,
  readMessages,
} from "./message.ts";

/** Which of the two sides of a proxy sent something. */
export type Side = "client" | "server";

/** What a channel needs of the run that it belongs to. */
export interface ChannelParts {
  readonly identity: ProxyIdentity;
  readonly watch: DefinitionWatch;
  /** Records an event without waiting. */
  record(event: AuditEventInput): void;
  /** Resolves when the trail has the event. @throws {AuditError} when it has not, or is not known to have it. */
  recordStrictly(event: AuditEventInput): Promise<void>;
  /** Notes a message that could not be read. */
  unread(side: Side, byteCount: number, reason: string, isNoted: boolean): void;
  /** A number for each request that is recorded, over all channels of the run. */
  nextNumber(): number;
}

/** One conversation between a client and a server: what passes by is read and recorded, and never changed. */
export interface Channel {
  /** Reads a message of one side. `nowMs` is when it came, on a clock that never goes back. */
  read(side: Side, text: string, nowMs: number): void;
  /** As `read` for the client, but resolves when every call in the message is in the trail. @throws {AuditError} The calls are recorded as denied, and must not reach the server. */
  readStrictly(text: string, nowMs: () => number): Promise<void>;
  /** A request of the client of which only the headers could be read. */
  readHeaders(method: string, name: string | undefined, nowMs: number): void;
  /** Something that cannot be read passed by. */
  unread(side: Side, byteCount: number, reason: string): void;
  /** No answer comes any more to what is open, or to the requests of the client with these ids: it ends so. */
  end(
    outcome: { readonly status: "failure" | "denied"; readonly code: string; readonly message: string },
    nowMs: number,
    ids?: readonly MessageId[],
  ): void;
  /** Requests without an answer. */
  readonly openCount: number;
}

/** Opens a channel. Rules: PROXY-5 to PROXY-12. */
export function createChannel(parts: ChannelParts): Channel {
  const { identity, watch, record } = parts;
  /** By the side that asked. */
  const open: Record<Side, Map<string, SeenRequest>> = { client: new Map(), server: new Map() };
  const noted: Record<Side, number> = { client: 0, server: 0 };
  let client: SelfReported | undefined;
  let server: SelfReported | undefined;
  let listing: ToolListing | undefined;
  /** Of the request of which only the headers were read: its id is not known, so the first answer is taken for its own. */
  let headersKey: string | undefined;

  function unread(side: Side, byteCount: number, reason: string): void {
    noted[side] += 1;
    parts.unread(side, byteCount, reason, noted[side] <= UNREAD_NOTED_MAX);
  }

  function see(message: RequestMessage, text: string, nowMs: number): SeenRequest {
    const { id, method, params } = message;
    return {
      id,
      method,
      params,
      ...(text.length > CONTENT_CHARS_MAX ? { omitted: digestOf(text) } : {}),
      // Numbered, because a client may use an id of JSON-RPC twice and two calls must stay two.
      callId: callIdOf(params) ?? `proxy-${identity.instance}-${parts.nextNumber()}-${id}`,
      client: clientOf(params) ?? client,
      server,
      trace: traceOf(params),
      startedMs: nowMs,
    };
  }

  function finish(request: SeenRequest, outcome: AuditEventInput["outcome"], nowMs: number): void {
    // Listings and handshakes are followed for what they tell, and are no events.
    if (!isRecorded(request.method, "client") && !isRecorded(request.method, "server")) return;
    record(endingEvent(identity, request, { outcome, durationMs: nowMs - request.startedMs }));
  }

  function remember(side: Side, request: SeenRequest, key: string, nowMs: number): void {
    const requests = open[side];
    const same = requests.get(key);
    if (same !== undefined)
      forget(side, key, same, { code: "NO_ANSWER", message: "Another request took the same id before it was answered." }, nowMs);
    if (requests.size >= OPEN_REQUESTS_MAX) {
      const [oldest] = requests;
      if (oldest !== undefined)
        forget(
          side,
          ...oldest,
          { code: "NOT_FOLLOWED", message: `More than ${OPEN_REQUESTS_MAX} requests were open: how this one ended was not followed.` },
          nowMs,
        );
    }
    requests.set(key, request);
  }

  function forget(side: Side, key: string, request: SeenRequest, told: { code: string; message: string }, nowMs: number): void {
    open[side].delete(key);
    finish(request, { status: "failure", ...told }, nowMs);
  }

  function onRequest(side: Side, message: RequestMessage, text: string, nowMs: number, isIntentTold: boolean): void {
    const { method, params } = message;
    if (side === "client" && method === "initialize") client = selfReportedOf(params.clientInfo) ?? client;
    const isListing = side === "client" && method === "tools/list";
    const isNaming = side === "client" && (method === "initialize" || method === "server/discover");
    if (!isRecorded(method, side) && !isListing && !isNaming) return;
    const request = see(message, text, nowMs);
    if (method === "tools/call" && !isIntentTold) record(intentOf(identity, request));
    remember(side, request, idKey(message.id), nowMs);
  }

  function onResponse(side: Side, message: ResponseMessage, text: string, nowMs: number): void {
    const asked: Side = side === "client" ? "server" : "client";
    const key = open[asked].has(idKey(message.id)) ? idKey(message.id) : headersKey;
    const request = key === undefined ? undefined : open[asked].get(key);
    if (key === undefined || request === undefined) return;
    open[asked].delete(key);
    if (isObject(message.result)) {
      const { result } = message;
      server = selfReportedOf(metaOf(result)["io.modelcontextprotocol/serverInfo"]) ?? selfReportedOf(result.serverInfo) ?? server;
      if (request.method === "tools/list") onTools(request, result);
    }
    finish(request, outcomeOf(message, text.length > CONTENT_CHARS_MAX ? digestOf(text) : undefined), nowMs);
  }

  function onTools(request: SeenRequest, result: JsonObject): void {
    const isFirstPage = request.params.cursor === undefined;
    if (isFirstPage || listing === undefined) listing = createToolListing(isFirstPage);
    listing.add(result.tools);
    if (typeof result.nextCursor === "string") return;
    watch.compare(listing);
    listing = undefined;
  }

  function onNotice(side: Side, { method, params }: NoticeMessage, nowMs: number): void {
    const { requestId, reason } = params;
    if (method !== "notifications/cancelled" || (typeof requestId !== "string" && typeof requestId !== "number")) return;
    const key = idKey(requestId);
    const request = open[side].get(key);
    if (request === undefined) return;
    const message = typeof reason === "string" && reason !== "" ? reason.slice(0, 1_000) : "The request was cancelled.";
    forget(side, key, request, { code: "INTERRUPTED", message }, nowMs);
  }

  function take(side: Side, messages: readonly Message[], text: string, nowMs: number): void {
    for (const message of messages) {
      if (message.kind === "request") onRequest(side, message, text, nowMs, false);
      else if (message.kind === "response") onResponse(side, message, text, nowMs);
      else onNotice(side, message, nowMs);
    }
  }

  return {
    unread,
    get openCount() {
      return open.client.size + open.server.size;
    },
    read(side, text, nowMs) {
      if (text.trim() === "") return;
      const messages = readMessages(text);
      if (messages === undefined) {
        unread(side, Buffer.byteLength(text), "It is no JSON-RPC message.");
        return;
      }
      try {
        take(side, messages, text, nowMs);
      } catch {
        // Whatever is wrong with it: recording must not end what passes.
        unread(side, Buffer.byteLength(text), "It could not be recorded.");
      }
    },
    async readStrictly(text, nowMs) {
      const messages = readMessages(text) ?? [];
      const calls = messages.filter((message) => message.kind === "request" && message.method === "tools/call") as RequestMessage[];
      const requests = calls.map((call) => see(call, text, nowMs()));
      try {
        await Promise.all(requests.map((request) => parts.recordStrictly(intentOf(identity, request))));
      } catch (error) {
        const { code, message } = error as AuditError;
        for (const request of requests)
          finish(
            request,
            { status: "denied", code, message: `Refused by the proxy, because the trail did not confirm the intent: ${message}` },
            nowMs(),
          );
        throw error;
      }
      take(
        "client",
        messages.filter((message) => !calls.includes(message as RequestMessage)),
        text,
        nowMs(),
      );
      for (const request of requests) remember("client", { ...request, startedMs: nowMs() }, idKey(request.id ?? ""), nowMs());
    },
    readHeaders(method, name, nowMs) {
      if (!isRecorded(method, "client")) return;
      const params = name === undefined ? {} : method === "resources/read" ? { uri: name } : { name };
      const number = parts.nextNumber();
      const callId = `proxy-${identity.instance}-${number}`;
      const request: SeenRequest = { id: undefined, method, params, callId, client, server, trace: {}, basis: "headers", startedMs: nowMs };
      if (method === "tools/call") record(intentOf(identity, request));
      headersKey = `headers ${number}`;
      remember("client", request, headersKey, nowMs);
    },
    end(outcome, nowMs, ids) {
      if (ids !== undefined) {
        for (const key of ids.map(idKey)) {
          const request = open.client.get(key);
          open.client.delete(key);
          if (request !== undefined) finish(request, outcome, nowMs);
        }
        return;
      }
      for (const side of ["client", "server"] as const) {
        const requests = [...open[side].values()];
        open[side].clear();
        for (const request of requests) finish(request, outcome, nowMs);
      }
    },
  };
}
