import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Writable } from "node:stream";
import { openProxyRecorder, type ProxyRecorder, type StdioProxy, startStdioProxy } from "mcp-audit-logger/proxy";
import { type Arrived, openTrailServer, type TrailServer } from "../sdk/trail-server.ts";

/** What a test reads of an event of the proxy. */
export interface ProxyEvent extends Arrived {
  readonly phase?: "intent" | "outcome";
  readonly actor: { readonly type: string; readonly id: string };
  readonly target: { readonly type: string; readonly id: string };
  readonly outcome: { readonly status: string; readonly code?: string; readonly message?: string; readonly result?: unknown };
  readonly activity?: { readonly name: string; readonly tool: { readonly name: string; readonly parameters?: unknown } };
  readonly usage?: { readonly durationMs: number };
  readonly context: { readonly sessionId: string; readonly callId?: string; readonly traceId?: string; readonly spanId?: string };
  readonly details: Readonly<Record<string, unknown>>;
}

export interface PlacedProxy extends StdioProxy {
  /** Where the test writes as the client. */
  readonly input: PassThrough;
  /** Everything that the client was given. */
  bytes(): Buffer;
  /** Resolves once what the client was given holds this text. */
  until(text: string): Promise<void>;
}

/** A folder and a trail in which proxies run. */
export interface ProxyPlace extends AsyncDisposable {
  readonly folder: string;
  readonly trail: TrailServer;
  recorder(serverName?: string): ProxyRecorder;
  /** Starts the proxy before a program of Node.js, given as its text or as its arguments. */
  start(
    program: string | readonly string[],
    options?: { readonly isStrict?: boolean; readonly name?: string; readonly output?: Writable },
  ): PlacedProxy;
  events(action?: string): ProxyEvent[];
  warnings: string[];
  /** Milliseconds that strict calls wait for the trail in recorders that are opened from now on. */
  strictTimeoutMs: number;
  /** Whether recorders that are opened from now on wait for the trail as long as it takes: a slow machine must not send events to the disk where a test looks for them in the trail. */
  isPatient: boolean;
  /** Text of every file that is kept in the folder. */
  kept(): Promise<string>;
}

export async function openProxyPlace(): Promise<ProxyPlace> {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-proxy-"));
  const trail = await openTrailServer();
  const warnings: string[] = [];
  let runs = 0;
  const place: ProxyPlace = {
    folder,
    trail,
    warnings,
    strictTimeoutMs: 5_000,
    isPatient: true,
    recorder(serverName = "tested") {
      runs += 1;
      return openProxyRecorder({
        identity: { serverName, sessionId: "session-1", instance: `run-${runs}` },
        trailUrl: trail.url,
        spoolFolder: join(folder, "spool"),
        stateFolder: join(folder, "state"),
        strictTimeoutMs: place.strictTimeoutMs,
        ...(place.isPatient ? { deadlineMs: 30_000, closeTimeoutMs: 30_000 } : {}),
        warn: (message) => void warnings.push(message),
      });
    },
    start(program, { isStrict = false, name, output } = {}) {
      const input = new PassThrough();
      const written = new PassThrough();
      const chunks: Buffer[] = [];
      const watchers = new Set<() => void>();
      written.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        for (const watcher of [...watchers]) watcher();
      });
      const proxy = startStdioProxy({
        command: process.execPath,
        args: typeof program === "string" ? ["-e", program] : program,
        environment: process.env,
        input,
        output: output ?? written,
        recorder: place.recorder(name),
        isStrict,
      });
      return {
        ...proxy,
        input,
        bytes: () => Buffer.concat(chunks),
        until: (text) =>
          new Promise((resolve) => {
            const watcher = (): void => {
              if (!Buffer.concat(chunks).includes(text)) return;
              watchers.delete(watcher);
              resolve();
            };
            watchers.add(watcher);
            watcher();
          }),
      };
    },
    events: (action) => (trail.events() as unknown as ProxyEvent[]).filter((event) => action === undefined || event.action === action),
    async kept() {
      const names = await readdir(folder, { recursive: true, withFileTypes: true });
      const texts = names.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), "utf8"));
      return (await Promise.all(texts)).join("\n");
    },
    async [Symbol.asyncDispose]() {
      await trail[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return place;
}

/** A request as a line. */
export function requestLine(id: number | string, method: string, params: object = {}): string {
  return `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
}

/** A call of a tool as a line. */
export function callLine(id: number | string, name: string, given: object = {}, meta?: object): string {
  return requestLine(id, "tools/call", { name, arguments: given, ...(meta === undefined ? {} : { _meta: meta }) });
}

/** A server that answers each request with the value of `answer(message)`, an expression over `message`, and says nothing where it is undefined. */
export function answering(answer: string): string {
  return `
    let rest = "";
    process.stdin.on("data", (chunk) => {
      const lines = (rest + chunk).split("\\n");
      rest = lines.pop();
      for (const line of lines) {
        let message;
        try { message = JSON.parse(line); } catch { continue; }
        const told = (${answer});
        if (told !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...told }) + "\\n");
      }
    });`;
}
