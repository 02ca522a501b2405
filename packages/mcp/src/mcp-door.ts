import { createMcpHandler, type McpServerFactory } from "@modelcontextprotocol/server";
import { buildMcpServer } from "./audit-mcp-server.ts";
import type { McpCaller } from "./caller.ts";
import { REQUEST_BYTES_MAX, SUBSCRIPTIONS_MAX } from "./limits.ts";
import { createEffectMemory } from "./tools/effect-memory.ts";

/** Streamable HTTP for many callers: what a server puts at its `/mcp`. It checks neither host, origin nor key: that is the server's. */
export interface McpDoor {
  /** Serves one request for a caller that the server has made sure of. An aborted request ends the work. */
  fetch(request: Request, caller: McpCaller): Promise<Response>;
  /** Ends what is open. */
  close(): Promise<void>;
}

/** Both eras of the protocol, without sessions. Rules: MCP-9 to MCP-13. */
export function createMcpDoor({ onError = () => undefined }: { readonly onError?: (error: unknown) => void } = {}): McpDoor {
  return createDoor(({ caller }) =>
    // Of HTTP every request stands alone: what one caller opened must not be known by another.
    buildMcpServer(caller, { memory: createEffectMemory(), onError }),
  );
}

/** The transport alone, for any server: what conformance is tested on. */
export function createDoor(serverOf: (context: { readonly caller: McpCaller }) => ReturnType<McpServerFactory>): McpDoor {
  const handler = createMcpHandler(
    ({ authInfo }) => {
      const caller = authInfo?.extra?.caller;
      if (caller === undefined) throw new Error("A request came to the door without its caller.");
      return serverOf({ caller: caller as McpCaller });
    },
    { maxRequestBodySize: REQUEST_BYTES_MAX, maxSubscriptions: SUBSCRIPTIONS_MAX },
  );
  return {
    // The token stays with the server: nothing behind the door needs it.
    fetch: (request, caller) =>
      handler.fetch(request, { authInfo: { token: "", clientId: caller.agentId, scopes: [...caller.scopes], extra: { caller } } }),
    close: () => handler.close(),
  };
}
