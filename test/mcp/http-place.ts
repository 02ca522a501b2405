import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod/v4";

export interface ListeningServer extends AsyncDisposable {
  readonly url: URL;
}

/** Listens on a free port of the loopback interface. */
export async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<ListeningServer> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A real MCP server over Streamable HTTP, of both eras. */
export async function listenMcp(responseMode: "auto" | "sse" | "json"): Promise<ListeningServer> {
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: "adder", version: "1.0.0" });
      server.registerTool("add", { inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => ({
        content: [{ type: "text", text: String(a + b) }],
      }));
      server.registerTool("fail", {}, () => ({ isError: true, content: [{ type: "text", text: "It failed." }] }));
      return server;
    },
    { responseMode },
  );
  return listen((request, response) => {
    void (async () => {
      const answer = await handler.fetch(
        new Request(`http://127.0.0.1${request.url ?? "/"}`, {
          method: request.method ?? "GET",
          headers: Object.entries(request.headersDistinct).flatMap(([name, values]) =>
            (values ?? []).map((value): [string, string] => [name, value]),
          ),
          ...(request.method === "POST" ? { body: Readable.toWeb(request) as ReadableStream, duplex: "half" } : {}),
        } as RequestInit),
      );
      response.writeHead(answer.status, [...answer.headers].flat());
      if (answer.body === null) response.end();
      else for await (const chunk of answer.body) response.write(chunk);
      response.end();
    })().catch(() => response.destroy());
  });
}
