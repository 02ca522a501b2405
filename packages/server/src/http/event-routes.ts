import {
  APPLICATION_SHAPES,
  type ApplicationShape,
  AuditError,
  ERRORS,
  fromAgentLogEntry,
  nearestName,
  type ReceivedVia,
} from "@vouchtrail/events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Intake, IntakeObserver, IntakeResult, PositionedReceipt } from "../intake/intake.ts";
import { defaultTenant, type Principal } from "../intake/principal.ts";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { type LedgerReader, openLedgerReader } from "../reading/ledger-reader.ts";
import { CHECKPOINT_WAIT_MS, createProofs } from "../reading/proofs.ts";
import type { Recorder } from "../recorder.ts";
import { errorAnswer, sendJson } from "./answer.ts";
import { entryTag, isKnown } from "./entry-tag.ts";
import type { Guard } from "./guard.ts";
import { parseQuery } from "./query.ts";
import type { Reads } from "./reads.ts";
import { bodyOf, parseForeignJson } from "./request-body.ts";
import { readShapedBody } from "./shaped-body.ts";

export interface EventRouteDeps {
  readonly guard: Guard;
  readonly intake: Intake;
  readonly ledger: FileLedger;
  readonly recorder: Recorder;
  readonly metrics: Pick<IntakeObserver, "refused">;
  readonly reads?: Reads;
}

/** An entry changes by erasure alone, but then at once: it may be kept by whoever asked, and is asked for again each time. */
const REVALIDATE = "private, no-cache";

/** Taking events in, and reading one of them with its proof. */
export function addEventRoutes(app: FastifyInstance, { guard, intake, ledger, recorder, metrics, reads }: EventRouteDeps): void {
  const proofs = createProofs(ledger);
  const writers = new WeakMap<FastifyRequest, Principal>();
  // Before the body is read: a stranger must not make the server hold 32 MB.
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    writers.set(request, await guard.authorize(request, "ingest"));
  };
  function writerOf(request: FastifyRequest): Principal {
    const principal = writers.get(request);
    if (principal === undefined) throw new Error("A route that writes has no authorisation.");
    return principal;
  }

  app.post("/api/v1/events", { onRequest }, async (request, reply) => {
    const principal = writerOf(request);
    const wait = waitOf(request);
    const isNdjson = contentTypeOf(request) === "application/x-ndjson";
    const via = viaOf(request);
    const shape = shapeOf(request);
    const result =
      shape === undefined
        ? await intake.acceptBody(bodyOf(request), { principal, via, isNdjson })
        : await acceptShaped(bodyOf(request), shape, { principal, via, isNdjson });
    return sendResult(request, reply, result, wait);
  });

  async function acceptShaped(
    body: Buffer,
    shape: ApplicationShape,
    { principal, via, isNdjson }: { principal: Principal; via: ReceivedVia; isNdjson: boolean },
  ): Promise<IntakeResult> {
    const { events, positions, errors, repairCount } = readShapedBody(body, shape, isNdjson);
    const result = await intake.acceptValues(events, { principal, via });
    // Only now: what the ledger could not take will be sent again, and would be counted twice.
    if (repairCount > 0) recorder.count("INPUT_REPAIRED", repairCount);
    for (const { code } of errors) {
      recorder.count(code);
      metrics.refused(code, 1);
    }
    const placed = <Positioned extends { readonly position: number }>(member: Positioned): Positioned => ({
      ...member,
      position: positions[member.position] ?? member.position,
    });
    return {
      receipts: result.receipts.map(placed),
      errors: [...errors, ...result.errors.map(placed)].sort((left, right) => left.position - right.position),
    };
  }

  app.post("/log", { onRequest }, async (request, reply) => {
    const principal = writerOf(request);
    const { value, repairCount } = parseForeignJson(bodyOf(request));
    const { event, notes } = fromAgentLogEntry(value, { tenant: defaultTenant(principal), lenient: true });
    if (repairCount + notes.length > 0) recorder.count("INPUT_REPAIRED", repairCount + notes.length);
    const result = await intake.acceptValues([event], { principal, via: "hook" });
    return sendResult(request, reply, result, waitOf(request));
  });

  async function sendResult(request: FastifyRequest, reply: FastifyReply, result: IntakeResult, wait: boolean): Promise<FastifyReply> {
    const { receipts, errors } = result;
    const isMixed = errors.length > 0;
    const answerOf = ({ position, ...receipt }: PositionedReceipt): object => (isMixed ? { position, ...receipt } : receipt);
    const answers = wait
      ? await Promise.all(
          receipts.map(async (receipt) => ({ ...answerOf(receipt), inclusionProof: await proofs.inclusionProof(receipt.index) })),
        )
      : receipts.map(answerOf);
    reply.type("application/json; charset=utf-8");
    if (!isMixed) return reply.code(201).send(JSON.stringify({ receipts: answers, errors }));
    if (answers.length > 0) return reply.code(207).send(JSON.stringify({ receipts: answers, errors }));
    const [first] = errors;
    const code = first?.code ?? "EVENT_INVALID";
    const error = new AuditError(code, {
      message: first?.message ?? ERRORS[code].title,
      ...(first === undefined ? {} : { path: first.path }),
    });
    return reply.code(400).send(JSON.stringify({ ...errorAnswer(error, request.id), receipts: [], errors }));
  }

  /** Whose entry is asked for, noted. */
  async function openFor(
    request: FastifyRequest<{ Params: { id: string } }>,
  ): Promise<{ reader: LedgerReader; tenant: string | undefined }> {
    const principal = await guard.authorize(request, "read");
    const query = parseQuery(request.query, { single: ["tenant"], hasFilters: false });
    const { id } = request.params;
    await reads?.note(principal, { route: `GET ${request.routeOptions.url}`, parameters: [["id", id], ...query.parameters()] });
    return { reader: openLedgerReader(ledger, principal), tenant: query.text("tenant") };
  }

  app.get<{ Params: { id: string } }>("/api/v1/events/:id", async (request, reply) => {
    const { reader, tenant } = await openFor(request);
    const view = await reader.get(request.params.id, tenant);
    const tag = entryTag(view);
    reply.header("etag", tag).header("cache-control", REVALIDATE);
    return isKnown(request.headers["if-none-match"], tag) ? reply.code(304).send() : sendJson(reply, view);
  });

  app.get<{ Params: { id: string } }>("/api/v1/events/:id/inclusion-proof", async (request, reply) => {
    const { reader, tenant } = await openFor(request);
    const proof = await reader.inclusionProof(request.params.id, tenant);
    return reply.type("text/plain; charset=utf-8").header("cache-control", REVALIDATE).send(proof);
  });

  app.get<{ Params: { id: string } }>("/api/v1/events/:id/bundle", async (request, reply) => {
    const { reader, tenant } = await openFor(request);
    const bundle = await reader.bundle(request.params.id, tenant);
    return sendJson(reply.header("cache-control", REVALIDATE), bundle);
  });
}

function waitOf(request: FastifyRequest): boolean {
  const { wait } = request.query as { wait?: unknown };
  if (wait === undefined) return false;
  if (wait !== "checkpoint") {
    throw new AuditError("FILTER_INVALID", {
      path: "wait",
      message: `The only thing to wait for is "checkpoint" (at most ${CHECKPOINT_WAIT_MS} ms).`,
    });
  }
  return true;
}

/** Doors that a client of ours may name with `?via=`: what it says of itself, as it could by sending the events elsewhere. */
const CLIENT_VIAS: readonly ReceivedVia[] = ["sdk", "import", "proxy", "mcp", "queue"];

function viaOf(request: FastifyRequest): ReceivedVia {
  const { via } = request.query as { via?: unknown };
  if (via === undefined) return "http";
  const known = CLIENT_VIAS.find((name) => name === via);
  if (known === undefined)
    throw new AuditError("FILTER_INVALID", { path: "via", message: `A client may say via=${CLIENT_VIAS.join(", ")}.` });
  return known;
}

/** What the body holds, unless it holds events. */
function shapeOf(request: FastifyRequest): ApplicationShape | undefined {
  const { shape } = request.query as { shape?: unknown };
  if (shape === undefined || shape === "event") return undefined;
  const known = APPLICATION_SHAPES.find((name) => name === shape);
  if (known !== undefined) return known;
  const names = ["event", ...APPLICATION_SHAPES];
  const nearest = typeof shape === "string" ? nearestName(shape, names) : undefined;
  const guess = nearest === undefined ? "" : `Did you mean "${nearest}"? `;
  throw new AuditError("FILTER_INVALID", { path: "shape", message: `There is no such shape. ${guess}There are: ${names.join(", ")}.` });
}

function contentTypeOf(request: FastifyRequest): string {
  return (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
