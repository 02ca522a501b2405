import type { FastifyInstance } from "fastify";
import { openReader } from "../reading/audit-reader.ts";
import { sendJson } from "./answer.ts";
import { watchDepartures } from "./departure.ts";
import { parseQuery } from "./query.ts";
import type { SearchRouteDeps } from "./search-routes.ts";

const URL = "/api/v1/sessions/:id/completeness";

/** Whether the record of one session is complete. The list of sessions is a question like the others of searching. */
export function addSessionRoutes(app: FastifyInstance, deps: SearchRouteDeps): void {
  const departureOf = watchDepartures(deps.stopping);

  app.get<{ Params: { id: string } }>(URL, { exposeHeadRoute: false }, async (request, reply) => {
    const principal = await deps.guard.authorize(request, "read");
    const query = parseQuery(request.query, { single: ["tenant", "wait"], hasFilters: false });
    const { id } = request.params;
    await deps.reads?.note(principal, { route: `GET ${URL}`, parameters: [["id", id], ...query.parameters()] });
    reply.header("cache-control", "no-store");
    const departure = departureOf(reply);
    return departure.run(async () => {
      const tenant = query.text("tenant");
      const reader = openReader(deps, principal, departure.signal);
      return sendJson(reply, await reader.completeness({ id, wait: query.wait(), ...(tenant === undefined ? {} : { tenant }) }));
    });
  });
}
