import { createServer, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import type { Channel } from "./channel.ts";
import { headerText, passedHeaders } from "./http-headers.ts";
import { HTTP_SESSIONS_MAX, MESSAGE_BYTES_MAX, SERVER_AWAY_CODE } from "./limits.ts";
import { type MessageId, readMessages } from "./message.ts";
import type { ProxyRecorder } from "./recorder.ts";
import { createBodyTap } from "./stream-tap.ts";
import { judge } from "./strict-gate.ts";

export interface HttpProxyOptions {
  /** The MCP endpoint behind the proxy. Every path of its origin is passed on. */
  readonly url: URL;
  /** Port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly recorder: ProxyRecorder;
  readonly isStrict: boolean;
}

export interface HttpProxy {
  /** What a client is given in place of the URL behind the proxy. */
  readonly url: string;
  /** Ends every connection. Resolves when all of it is recorded or on the disk. */
  close(): Promise<void>;
}

const SESSION_HEADER = "mcp-session-id";

/** Stands in front of a Streamable HTTP server, on the loopback interface. Rules: PROXY-15 to PROXY-18. */
export async function openHttpProxy({ url, port, recorder, isStrict }: HttpProxyOptions): Promise<HttpProxy> {
  const nowMs = (): number => recorder.nowMs();
  /** Channels of the sessions of the 2025 revisions, where an answer may come on another connection than its request. */
  const sessions = new Map<string, Channel>();
  const channels = new Set<Channel>();

  function channelOf(request: IncomingMessage): Channel {
    const session = headerText(request, SESSION_HEADER);
    const known = session === undefined ? undefined : sessions.get(session);
    if (known !== undefined) return known;
    const channel = recorder.openChannel();
    channels.add(channel);
    if (session !== undefined) keepSession(session, channel);
    return channel;
  }

  function keepSession(session: string, channel: Channel): void {
    if (sessions.size >= HTTP_SESSIONS_MAX) {
      const [oldest] = sessions;
      if (oldest !== undefined) endSession(oldest[0], "The session was not followed any more.");
    }
    sessions.set(session, channel);
  }

  function endSession(session: string, message: string): void {
    const channel = sessions.get(session);
    sessions.delete(session);
    if (channel === undefined) return;
    channels.delete(channel);
    channel.end({ status: "failure", code: "NO_ANSWER", message }, nowMs());
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isLoopback(request)) {
      request.resume();
      response.writeHead(403, { "content-type": "text/plain" }).end("The audit proxy answers requests to this machine only.\n");
      return;
    }
    const body = new BodyReader();
    const isHeld = isStrict && request.method === "POST";
    if (isHeld) for await (const chunk of request) body.add(chunk as Buffer);
    const channel = channelOf(request);
    if (isHeld) {
      const verdict = await judge(channel, body.text() ?? "\u0000", nowMs);
      if (!verdict.isPassed) {
        const [answer = "", ...more] = verdict.answers;
        response.writeHead(200, { "content-type": "application/json" }).end(more.length === 0 ? answer : `[${verdict.answers.join(",")}]`);
        if (!isKept(channel)) channels.delete(channel);
        return;
      }
    }
    forward(request, response, channel, body);
  }

  function isKept(channel: Channel): boolean {
    return [...sessions.values()].includes(channel);
  }

  function forward(request: IncomingMessage, response: ServerResponse, channel: Channel, body: BodyReader): void {
    const isPost = request.method === "POST";
    const wasRead = isStrict && isPost;
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = send(new URL(request.url ?? "/", url.origin), {
      method: request.method ?? "GET",
      headers: passedHeaders(request.rawHeaders, url.host) as unknown as OutgoingHttpHeaders,
    });
    let isAnswered = false;
    let isClientGone = false;

    const finish = (told: Parameters<Channel["end"]>[0], isRefused: boolean): void => {
      // Without a session an answer comes on this connection or never. Within one it may still come on another, unless the request was refused.
      if (!isKept(channel)) {
        channel.end(told, nowMs());
        channels.delete(channel);
      } else if (isRefused) channel.end(told, nowMs(), requestIds(body));
    };

    outgoing.on("response", (answer) => {
      isAnswered = true;
      const session = answer.headers[SESSION_HEADER];
      if (typeof session === "string" && !sessions.has(session) && !isKept(channel)) keepSession(session, channel);
      const tap = createBodyTap(
        channel,
        answer.headers["content-type"] ?? "",
        answer.headers["content-encoding"] ?? "",
        isPost && /\bjson\b/i.test(answer.headers["content-type"] ?? ""),
        nowMs,
      );
      response.sendDate = false;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, passedHeaders(answer.rawHeaders, undefined));
      response.flushHeaders();
      answer.on("data", (chunk: Buffer) => {
        if (!response.write(chunk)) answer.pause();
        tap.write(chunk);
      });
      response.on("drain", () => answer.resume());
      answer.on("close", () => {
        if (answer.complete) response.end();
        else response.destroy();
        void tap.end().then(() => finish(endOf(answer, isClientGone), (answer.statusCode ?? 0) >= 400));
        const ended = headerText(request, SESSION_HEADER);
        if (request.method === "DELETE" && ended !== undefined && (answer.statusCode ?? 500) < 300)
          endSession(ended, "The session was ended.");
      });
      answer.on("error", () => undefined);
    });
    outgoing.on("error", () => {
      if (isAnswered) return;
      if (isClientGone) return finish(CLIENT_GONE, true);
      finish({ status: "failure", code: "SERVER_AWAY", message: "The server behind the proxy could not be reached." }, true);
      const message = "The MCP server behind the audit proxy cannot be reached. Check the URL that vouchtrail mcp-proxy was given.";
      const [id = null] = requestIds(body);
      response
        .writeHead(502, { "content-type": "application/json" })
        .end(JSON.stringify({ jsonrpc: "2.0", id, error: { code: SERVER_AWAY_CODE, message } }));
    });
    response.on("close", () => {
      if (response.writableFinished) return;
      isClientGone = true;
      outgoing.destroy();
    });

    if (wasRead) {
      outgoing.end(body.bytes());
      return;
    }
    request.on("data", (chunk: Buffer) => {
      if (!outgoing.write(chunk)) request.pause();
      if (isPost) body.add(chunk);
    });
    outgoing.on("drain", () => request.resume());
    request.on("end", () => {
      // Read before it is answered: the last bytes leave only now.
      if (isPost) readBody(channel, request, body);
      outgoing.end();
    });
    request.on("error", () => outgoing.destroy());
  }

  function readBody(channel: Channel, request: IncomingMessage, body: BodyReader): void {
    const text = body.text();
    if (text !== undefined && readMessages(text) !== undefined) {
      channel.read("client", text, nowMs());
      return;
    }
    const method = headerText(request, "mcp-method");
    if (body.byteCount > 0) channel.unread("client", body.byteCount, text === undefined ? "It is too long." : "It is no JSON-RPC message.");
    if (method !== undefined) channel.readHeaders(method, headerText(request, "mcp-name"), nowMs());
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  // A stream may stay open for as long as its client likes.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  recorder.started({ url: `${url.origin}${url.pathname}`, isStrict });

  return {
    url: `http://127.0.0.1:${taken}${url.pathname}${url.search}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      for (const channel of channels)
        channel.end({ status: "failure", code: "NO_ANSWER", message: "The proxy was ended before an answer came." }, nowMs());
      recorder.ended({ status: "success" }, {});
      await recorder.close();
    },
  };
}

const CLIENT_GONE = { status: "failure", code: "INTERRUPTED", message: "The client closed the connection before the answer." } as const;

/** Ids of the requests in a body. */
function requestIds(body: BodyReader): MessageId[] {
  return (readMessages(body.text() ?? "") ?? []).flatMap((one) => (one.kind === "request" ? [one.id] : []));
}

/** What becomes of requests that the end of an answer leaves open. */
function endOf(answer: IncomingMessage, isClientGone: boolean): Parameters<Channel["end"]>[0] {
  const status = answer.statusCode ?? 0;
  if (status === 401 || status === 403)
    return { status: "denied", code: `HTTP_${status}`, message: "The server refused the request for want of permission." };
  if (status >= 400) return { status: "failure", code: `HTTP_${status}`, message: "The server refused the request." };
  if (isClientGone) return CLIENT_GONE;
  return { status: "failure", code: "NO_ANSWER", message: "The connection ended before an answer came." };
}

/** Whether a request was meant for this machine: a web page that a foreign name leads here is not. Source: MCP 2026-07-28, Streamable HTTP, security. */
function isLoopback(request: IncomingMessage): boolean {
  const { host, origin } = request.headers;
  const isLocal = (text: string): boolean => {
    try {
      return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(text).hostname);
    } catch {
      return false;
    }
  };
  return isLocal(`http://${host ?? ""}`) && (origin === undefined || isLocal(origin));
}

/** The bytes of a body, up to the limit of a message. */
class BodyReader {
  byteCount = 0;
  #parts: Buffer[] = [];

  add(chunk: Buffer): void {
    this.byteCount += chunk.length;
    if (this.byteCount <= MESSAGE_BYTES_MAX) this.#parts.push(chunk);
    else this.#parts = [];
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Undefined when it is too long. */
  text(): string | undefined {
    return this.byteCount > MESSAGE_BYTES_MAX ? undefined : this.bytes().toString("utf8");
  }
}
