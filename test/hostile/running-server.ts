import { mkdtemp, rm } from "node:fs/promises";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EntryView, ErrorCode, Fault } from "@vouchtrail/events";
import { createLogger, dataPaths, type KeyStore, loadConfig, openKeyStore, type RunningServer, startServer } from "@vouchtrail/server";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/** What `POST /api/v1/events` and `POST /log` answer, and the error shape of every route. */
export interface IntakeAnswer {
  readonly receipts: readonly {
    readonly position?: number;
    readonly origin: string;
    readonly id: string;
    readonly index: number;
    readonly leafHash: string;
    readonly duplicate?: true;
    readonly inclusionProof?: string;
  }[];
  readonly errors: readonly (Fault & { readonly position: number })[];
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly path?: string; readonly requestId: string };
}

export type View = EntryView & { readonly treeSize: number; readonly event: Record<string, unknown> };

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A real server in this process, over a data directory of its own, reached over HTTP only. */
export interface TestServer {
  readonly directory: string;
  readonly running: RunningServer;
  readonly keys: KeyStore;
  readonly port: number;
  send(path: string, options?: SendOptions): Promise<Answer>;
  /** Posts JSON (or text and bytes as they are) to `POST /api/v1/events`. */
  post(body: unknown, headers?: Readonly<Record<string, string>>): Promise<{ status: number; answer: IntakeAnswer }>;
  get(id: string, headers?: Readonly<Record<string, string>>): Promise<View>;
  /** Stops it and starts it again over the same folder. */
  restart(): Promise<void>;
  /** Stops it; the folder stays. */
  stop(): Promise<void>;
  /** Stops it and removes the folder. */
  remove(): Promise<void>;
}

export async function startTestServer(
  flags: Readonly<Record<string, unknown>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-hostile-"));
  const directory = join(root, "data");
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  async function start(): Promise<RunningServer> {
    const loaded = await loadConfig({
      environment: { ...environment, VOUCHTRAIL_CONFIG: "" },
      flags: {
        data: directory,
        state: join(root, "state"),
        "http.port": 0,
        "ledger.checkpointIntervalMs": 50,
        "log.level": "silent",
        ...flags,
      },
    });
    return startServer({ loaded, environment, logger: createLogger("silent") });
  }

  let running = await start();
  const portOf = (): number => Number(new URL(running.url).port);

  const send = (path: string, options: SendOptions = {}): Promise<Answer> => sendRequest(portOf(), path, options, agent);

  async function stop(): Promise<void> {
    agent.destroy();
    await running.close();
  }

  return {
    directory,
    get running() {
      return running;
    },
    get port() {
      return portOf();
    },
    keys: openKeyStore(dataPaths(directory).secrets),
    send,
    async post(body, headers = {}) {
      const bytes = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
      const { status, text } = await send("/api/v1/events", {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: bytes,
      });
      return { status, answer: JSON.parse(text) as IntakeAnswer };
    },
    async get(id, headers = {}) {
      const { status, text } = await send(`/api/v1/events/${id}`, { headers });
      if (status !== 200) throw new Error(`GET ${id} answers ${status}: ${text}`);
      return JSON.parse(text) as View;
    },
    async restart() {
      await running.close();
      running = await start();
    },
    stop,
    async remove() {
      await stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** One request; resolves with whatever the server answers. */
export function sendRequest(port: number, path: string, options: SendOptions = {}, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body } = options;
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers: { ...length, ...headers }, ...(agent ? { agent } : {}) });
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString("utf8") });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

let count = 0;
/** A fresh valid event; `changes` replace its members. */
export function eventOf(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  count += 1;
  return {
    id: `0197a3c2-7d4b-7c1e-9a55-${String(count).padStart(12, "0")}`,
    occurredAt: "2026-03-01T10:11:12.345Z",
    action: "document.read",
    actor: { type: "agent", id: "agent-7" },
    target: { type: "document", id: "document-1" },
    outcome: { status: "success" },
    ...changes,
  };
}
