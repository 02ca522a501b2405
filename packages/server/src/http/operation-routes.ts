import { AuditError } from "@vouchtrail/events";
import type { FastifyInstance } from "fastify";
import type { SearchIndex } from "../followers/search/search-index.ts";
import type { FileLedger } from "../ledger/file-ledger.ts";
import type { Metrics } from "../metrics.ts";
import type { Guard } from "./guard.ts";
import { openApiDocument } from "./openapi.ts";

/** Entries that the index may be behind before it is worth a warning: some seconds of a busy server. */
const LAG_WARNING_ENTRIES = 50_000;

export interface OperationRouteDeps {
  readonly guard: Guard;
  readonly ledger: FileLedger;
  readonly search: Pick<SearchIndex, "follower">;
  readonly metrics: Metrics;
  readonly version: string;
  readonly warnings: readonly string[];
  readonly isStopping: () => boolean;
}

/** Liveness, readiness with reasons, metrics and the contract. */
export function addOperationRoutes(app: FastifyInstance, deps: OperationRouteDeps): void {
  const { guard, ledger, search, metrics, version } = deps;

  app.get("/healthz", async (_request, reply) => reply.send({ status: "ok", version }));

  app.get("/readyz", async (_request, reply) => {
    const reasons: { code: string; message: string }[] = [];
    const refusal = ledger.refusal();
    if (refusal !== undefined) reasons.push({ code: refusal.code, message: refusal.message });
    if (deps.isStopping()) reasons.push({ code: "SHUTTING_DOWN", message: "The server is stopping." });
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ ready: reasons.length === 0, reasons, warnings: [...deps.warnings, ...searchWarnings()] });
  });

  // The index may be behind or away while everything is accepted and provable: that is a warning, not a reason to send nothing here.
  function searchWarnings(): string[] {
    const { state, lagEntries, lastError } = search.follower();
    if (state === "diverged") return ["The search index was made from another ledger. Run vouchtrail index rebuild."];
    if (lastError !== undefined) return [`The search index is ${lagEntries} entries behind: ${lastError.code}, ${lastError.message}`];
    if (state === "starting") return ["The search index is starting."];
    return lagEntries > LAG_WARNING_ENTRIES ? [`The search index is ${lagEntries} entries behind and catching up.`] : [];
  }

  app.get("/metrics", async (request, reply) => {
    const principal = await guard.authorize(request, "read");
    if (principal.tenant !== undefined)
      throw new AuditError("TENANT_FORBIDDEN", { message: "Metrics count all tenants; this needs a key without a tenant." });
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });

  const document = JSON.stringify(openApiDocument(version));
  app.get("/openapi.json", async (_request, reply) => reply.type("application/json; charset=utf-8").send(document));
}
