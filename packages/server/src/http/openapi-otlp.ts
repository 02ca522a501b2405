import type { JsonObject } from "@vouchtrail/events";

/** The part of the OpenAPI document that tells of OTLP over HTTP. The messages are those of opentelemetry-proto. */

const BOTH: JsonObject = {
  "application/json": { schema: { type: "object" } },
  "application/x-protobuf": { schema: { type: "string", format: "binary" } },
};
const refused = (description: string): JsonObject => ({
  description: `${description} google.rpc.Status, in the encoding of the request.`,
  content: BOTH,
});

function exporting(summary: string): JsonObject {
  return {
    post: {
      summary,
      parameters: [{ name: "content-encoding", in: "header", required: false, schema: { enum: ["gzip", "identity"] } }],
      requestBody: { required: false, content: BOTH },
      responses: {
        "200": { description: "What is kept is stored durably; partialSuccess tells what was refused or not kept.", content: BOTH },
        "400": refused("It cannot be read."),
        "413": refused("It is too large."),
        "415": refused("The content type or encoding is not taken."),
        "503": refused("It could not be stored: send it again."),
        default: refused("Refused."),
      },
    },
  };
}

/** Paths of OTLP. */
export function otlpPaths(): Readonly<Record<string, JsonObject>> {
  return {
    "/v1/logs": exporting("Store what the log records of agents tell (OTLP over HTTP)."),
    "/v1/traces": exporting("Store what GenAI and OpenInference spans tell (OTLP over HTTP)."),
    "/v1/metrics": exporting("Refuse metrics without an error, so that exporters with one endpoint for all signals work."),
  };
}
