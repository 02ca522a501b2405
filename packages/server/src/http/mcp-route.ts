import { Readable } from "node:stream";
import { AuditError, type AuditEventInput, type AuditReader } from "@vouchtrail/events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Intake } from "../intake/intake.ts";
import type { Principal } from "../intake/principal.ts";
import type { Receipt } from "../ledger/ledger.ts";
import { openReader } from "../reading/audit-reader.ts";
import { watchDepartures } from "./departure.ts";
import type { Guard } from "./guard.ts";
import { notedReader } from "./noted-reader.ts";
import { bodyOf } from "./request-body.ts";
import type { SearchRouteDeps } from "./search-routes.ts";

/** Bytes of one request: an event with room around it. What serves MCP reads no more either. */
const MCP_BYTES_MAX = 4 * 1_048_576;
/** Who writes without a key, or with one that is bound to no source. */
const KEYLESS_AGENT = "mcp-client";

/** Who calls tools, as what serves MCP sees it. */
export interface McpRouteCaller {
  /** The source that the key is bound to, else the id of the key: the actor of everything that is written. */
  readonly agentId: string;
  readonly scopes: ReadonlySet<string>;
  readonly reader: AuditReader;
  readonly log: { record(event: AuditEventInput): Promise<McpRecorded> };
}

export interface McpRecorded {
  readonly state: "stored";
  readonly id: string;
  readonly receipt: {
    readonly origin: string;
    readonly id: string;
    readonly index: number;
    readonly leafHash: string;
    readonly duplicate?: true;
  };
}

/** What serves MCP: this package knows nothing of the protocol but that it is spoken over HTTP. */
export interface McpService {
  fetch(request: Request, caller: McpRouteCaller): Promise<Response>;
  close(): Promise<void>;
}

export interface McpRouteDeps extends SearchRouteDeps {
  readonly guard: Guard;
  readonly intake: Intake;
  /** Absent: `/mcp` answers that there is nothing. */
  readonly mcp?: McpService | undefined;
}

/** `POST /mcp`, Streamable HTTP. Whoever leaves ends the work. Rules: MCP-9 to MCP-13. */
export function addMcpRoute(app: FastifyInstance, deps: McpRouteDeps): void {
  const { guard, intake, mcp } = deps;
  const departureOf = watchDepartures(deps.stopping);
  const principals = new WeakMap<FastifyRequest, Principal>();
  // Before the body is read: a stranger must not make the server hold it.
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    if (mcp === undefined)
      throw new AuditError("NOT_FOUND", { message: "No tools are served here. Start the server with vouchtrail serve." });
    principals.set(request, await authorize(guard, request));
  };

  // Not an intake: the events of tools are counted where they are taken.
  app.post("/mcp", { onRequest, bodyLimit: MCP_BYTES_MAX, config: { isReading: true } }, async (request, reply) => {
    const principal = principals.get(request);
    if (mcp === undefined || principal === undefined) throw new Error("A route of MCP has no authorisation.");
    const departure = departureOf(reply);
    return departure.run(async () => {
      const body = bodyOf(request);
      const asked = new Request(new URL(request.url, `http://${request.headers.host}`), {
        method: "POST",
        headers: headersOf(request),
        body: new Uint8Array(body),
        signal: departure.signal,
      });
      const reader = openReader(deps, principal, departure.signal);
      const caller: McpRouteCaller = {
        agentId: principal.source ?? principal.key ?? KEYLESS_AGENT,
        scopes: principal.scopes,
        reader: notedReader(reader, async (read) => deps.reads?.note(principal, read)),
        log: { record: (event) => record(intake, principal, event) },
      };
      return sendResponse(reply, await mcp.fetch(asked, caller));
    });
  });
}

/** Tools that read need another scope than those that write; a key with either of them may come in. */
async function authorize(guard: Guard, request: FastifyRequest): Promise<Principal> {
  try {
    return await guard.authorize(request, "read");
  } catch (error) {
    if (error instanceof AuditError && error.code === "SCOPE_MISSING") return guard.authorize(request, "ingest");
    throw error;
  }
}

async function record(intake: Intake, principal: Principal, event: AuditEventInput): Promise<McpRecorded> {
  const { receipts, errors } = await intake.acceptValues([event], { principal, via: "mcp" });
  const [fault] = errors;
  if (fault !== undefined) throw new AuditError(fault.code, { path: fault.path, message: fault.message });
  const [receipt] = receipts;
  if (receipt === undefined) throw new AuditError("INTERNAL");
  const { position: _position, ...kept }: Receipt & { readonly position: number; readonly duplicate?: true } = receipt;
  return { state: "stored", id: kept.id, receipt: kept };
}

function headersOf(request: FastifyRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    // The key stays here.
    if (value !== undefined && name !== "authorization") headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return headers;
}

function sendResponse(reply: FastifyReply, response: Response): FastifyReply {
  reply.code(response.status).header("cache-control", "no-store");
  response.headers.forEach((value, name) => void reply.header(name, value));
  return response.body === null ? reply.send() : reply.send(Readable.fromWeb(response.body as import("node:stream/web").ReadableStream));
}
