import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequestStateCodec, McpServer } from "@modelcontextprotocol/server";
import { createLogger, loadConfig, startServer } from "@vouchtrail/server";
import { createDoor } from "mcp-audit-logger";
import { addContent } from "./conformance-content.ts";
import { addQuestions, type QuestionState } from "./conformance-questions.ts";

export interface ConformanceServer extends AsyncDisposable {
  /** Where the suite finds `/mcp`. */
  readonly url: string;
}

/** Tools, resources and prompts that the conformance suite asks for, behind the product's own door on the product's own server. */
export async function startConformanceServer(): Promise<ConformanceServer> {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-conformance-"));
  const loaded = await loadConfig({
    environment: { VOUCHTRAIL_CONFIG: "" },
    flags: { data: join(folder, "data"), state: join(folder, "state"), "http.port": 0, "log.level": "silent" },
  });
  const running = await startServer({ loaded, environment: {}, logger: createLogger("silent"), mcp: createDoor(buildServer) });
  return {
    url: `${running.url}/mcp`,
    async [Symbol.asyncDispose]() {
      await running.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

// One key for all: of HTTP every request has a server of its own, and the state of the first is read by the second.
const codec = createRequestStateCodec<QuestionState>({ key: new Uint8Array(32).fill(7) });

// As the product's own server says.
const CONSTANT_LISTS = { tools: { listChanged: false }, resources: { listChanged: false }, prompts: { listChanged: false } };

function buildServer(): McpServer {
  const hint = { ttlMs: 1000, cacheScope: "public" } as const;
  const server = new McpServer(
    { name: "conformance", version: "1.0.0" },
    {
      capabilities: { logging: {}, completions: {}, ...CONSTANT_LISTS },
      requestState: { verify: codec.verify },
      cacheHints: {
        "tools/list": hint,
        "prompts/list": hint,
        "resources/list": hint,
        "resources/templates/list": hint,
        "resources/read": hint,
        "server/discover": hint,
      },
    },
  );
  addContent(server);
  addQuestions(server, codec);
  return server;
}
