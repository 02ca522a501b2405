// What HTTP alone costs: Fastify takes the same bodies as bytes and answers as many receipts, with nothing parsed, sealed or stored.
import fastify from "fastify";
import { answerParent } from "./meter.ts";

const RECEIPT = {
  origin: "vouchtrail.local/0000000000000000/main",
  id: "00000000-0000-7000-8000-000000000000",
  index: 1_000_000,
  leafHash: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
};

const app = fastify({ bodyLimit: 64 * 1_048_576, logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
app.post("/api/v1/events", async (request, reply) => {
  const count = Number(request.headers["x-count"]);
  return reply
    .code(201)
    .type("application/json; charset=utf-8")
    .send(JSON.stringify({ receipts: Array.from({ length: count }, () => RECEIPT), errors: [] }));
});
const url = await app.listen({ host: "127.0.0.1", port: 0 });
answerParent(url, { close: () => app.close() });
