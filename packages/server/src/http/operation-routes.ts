import type { FastifyInstance } from "fastify";
import type { FileLedger } from "../ledger/file-ledger.ts";
import type { Metrics } from "../metrics.ts";
import type { Guard } from "./guard.ts";
import { openApiDocument } from "./openapi.ts";

export interface OperationRouteDeps {
  readonly guard: Guard;
  readonly ledger: FileLedger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly warnings: readonly string[];
  readonly isStopping: () => boolean;
}

/** Liveness, readiness with reasons, metrics and the contract. */
export function addOperationRoutes(app: FastifyInstance, deps: OperationRouteDeps): void {
  const { guard, ledger, metrics, version } = deps;

  app.get("/healthz", async (_request, reply) => reply.send({ status: "ok", version }));

  app.get("/readyz", async (_request, reply) => {
    const reasons: { code: string; message: string }[] = [];
    const refusal = ledger.refusal();
    if (refusal !== undefined) reasons.push({ code: refusal.code, message: refusal.message });
    if (deps.isStopping()) reasons.push({ code: "SHUTTING_DOWN", message: "The server is stopping." });
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons, warnings: deps.warnings });
  });

  app.get("/metrics", async (request, reply) => {
    await guard.authorize(request, "read");
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });

  const document = JSON.stringify(openApiDocument(version));
  app.get("/openapi.json", async (_request, reply) => reply.type("application/json; charset=utf-8").send(document));
}
