import type { FastifyInstance, FastifyReply } from "fastify";
import { openReader, type ServerReader } from "../reading/audit-reader.ts";
import { sendJson } from "./answer.ts";
import { watchDepartures } from "./departure.ts";
import { parseQuery, type Query } from "./query.ts";
import type { SearchRouteDeps } from "./search-routes.ts";

/** What the routes take. The contract is written from the same table. */
export const STORY_PARAMETERS = {
  "/api/v1/sessions/:id": ["tenant", "limit", "cursor", "wait"],
  "/api/v1/events/:id/explain": ["tenant"],
} as const;

/** One session as a story, and one event explained. Answers depend on the moment: nobody may keep them. */
export function addStoryRoutes(app: FastifyInstance, deps: SearchRouteDeps): void {
  const departureOf = watchDepartures(deps.stopping);

  function answering(
    url: keyof typeof STORY_PARAMETERS,
    answer: (reader: ServerReader, id: string, query: Query, reply: FastifyReply) => Promise<FastifyReply>,
  ): void {
    // No HEAD: it would do the work of the answer and show nothing of it.
    app.get<{ Params: { id: string } }>(url, { exposeHeadRoute: false }, async (request, reply) => {
      const principal = await deps.guard.authorize(request, "read");
      const query = parseQuery(request.query, { single: STORY_PARAMETERS[url], hasFilters: false });
      const { id } = request.params;
      await deps.reads?.note(principal, { route: `GET ${url}`, parameters: [["id", id], ...query.parameters()] });
      reply.header("cache-control", "no-store");
      const departure = departureOf(reply);
      return departure.run(() => answer(openReader(deps, principal, departure.signal), id, query, reply));
    });
  }

  answering("/api/v1/sessions/:id", async (reader, id, query, reply) => {
    const tenant = query.text("tenant");
    const limit = query.wholeNumber("limit");
    const cursor = query.text("cursor");
    const question = {
      id,
      ...(tenant === undefined ? {} : { tenant }),
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
      wait: query.wait(),
    };
    return sendJson(reply, await reader.session(question));
  });

  answering("/api/v1/events/:id/explain", async (reader, id, query, reply) =>
    sendJson(reply, await reader.explain(id, query.text("tenant"))),
  );
}
