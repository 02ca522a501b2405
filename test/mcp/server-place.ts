import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CallToolResult, Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import {
  createLogger,
  dataPaths,
  loadConfig,
  openKeyStore,
  prepareDataDirectory,
  type RunningServer,
  startServer,
} from "@vouchtrail/server";
import { createMcpDoor } from "mcp-audit-logger";

const PROGRAM = fileURLToPath(new URL("../../packages/mcp/dist/main.js", import.meta.url));

export const ERAS = ["auto", "legacy"] as const;
export type Era = (typeof ERAS)[number];

/** A real server with `/mcp`, and clients of it. Everything that was opened ends with it. */
export interface McpPlace extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly running: RunningServer;
  readonly faults: unknown[];
  /** The secret of a key, by its name. */
  key(name: string): string;
  overHttp(era: Era, key?: string): Promise<Client>;
  /** Over a process of the built program. */
  overStdio(era: Era, environment: Readonly<Record<string, string>>): Promise<Client>;
  stop(): Promise<void>;
}

interface KeyOptions {
  readonly scopes: ("ingest" | "read" | "admin")[];
  readonly tenant?: string;
  readonly source?: string;
  readonly actorTypes?: ("agent" | "user")[];
}

/** @param keyOptions Keys by name; they are made before the server starts, because a server looks for new ones only now and then. */
export async function openMcpPlace(keyOptions: Readonly<Record<string, KeyOptions>> = {}): Promise<McpPlace> {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-mcp-"));
  const data = join(folder, "data");
  const clients: Client[] = [];
  const faults: unknown[] = [];
  const loaded = await loadConfig({
    environment: { VOUCHTRAIL_CONFIG: "" },
    flags: { data, state: join(folder, "state"), "http.port": 0, "ledger.checkpointIntervalMs": 50, "log.level": "silent" },
  });
  const secrets = new Map<string, string>();
  await prepareDataDirectory(data);
  const keys = openKeyStore(dataPaths(data).secrets);
  for (const [name, options] of Object.entries(keyOptions))
    secrets.set(name, (await keys.create({ name, ...options }, "2026-01-01T00:00:00.000Z")).secret);
  const mcp = createMcpDoor({ onError: (error) => faults.push(error) });
  const running = await startServer({ loaded, environment: {}, logger: createLogger("silent"), mcp });
  let isStopped = false;

  async function connect(era: Era, transport: Parameters<Client["connect"]>[0]): Promise<Client> {
    const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: era } });
    clients.push(client);
    await client.connect(transport);
    return client;
  }

  async function stop(): Promise<void> {
    if (isStopped) return;
    isStopped = true;
    await running.close();
  }

  return {
    url: running.url,
    port: Number(new URL(running.url).port),
    folder,
    running,
    faults,
    key: (name) => secrets.get(name) ?? "",
    overHttp: (era, key) =>
      connect(
        era,
        new StreamableHTTPClientTransport(new URL(`${running.url}/mcp`), {
          requestInit: { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } },
        }),
      ),
    overStdio(era, environment) {
      const { PATH = "" } = process.env;
      const env = { PATH, HOME: folder, XDG_STATE_HOME: join(folder, "state"), AUDIT_LOG_URL: running.url, ...environment };
      return connect(era, new StdioClientTransport({ command: process.execPath, args: [PROGRAM], env, stderr: "pipe" }));
    },
    stop,
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
      await stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

/** Calls a tool that must succeed; its structured output, which is the same as its text. */
export async function call<Answer = Record<string, unknown>>(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Answer> {
  const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
  if (result.isError === true || result.structuredContent === undefined)
    throw new Error(`${name} answers: ${JSON.stringify(result.content)}`);
  const [content] = result.content;
  if (content?.type !== "text" || content.text !== JSON.stringify(result.structuredContent)) throw new Error("The text is another answer.");
  return result.structuredContent as Answer;
}

/** Calls a tool that must refuse; what it says. */
export async function refusal(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
  const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
  const [content] = result.content;
  if (result.isError !== true || content?.type !== "text") throw new Error(`${name} did not refuse: ${JSON.stringify(result)}`);
  return content.text;
}

export interface Written {
  readonly state: string;
  readonly id: string;
  readonly receipt?: { readonly origin: string; readonly id: string; readonly index: number; readonly leafHash: string };
  readonly effectId?: string;
  readonly approvalId?: string;
}

export const ACTION = { action: "ticket.closed", target: { type: "ticket", id: "T-1" }, outcome: { status: "success" } } as const;
