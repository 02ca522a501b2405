import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../packages/cli/bundle/main.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  out(): string;
  err(): string;
  /** Resolves once its standard output matches. Rejects when it ends before. */
  outMatches(pattern: RegExp): Promise<RegExpExecArray>;
  errMatches(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

export interface Served extends Running {
  readonly url: string;
  readonly port: string;
  stop(): Promise<Ended>;
}

/** A folder with the command line in it: its own state folder, no variable of the machine's Vouchtrail. Everything it starts it ends. */
export interface Workplace {
  readonly folder: string;
  path(name: string): string;
  start(args: readonly string[], options?: RunOptions): Running;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Starts a server on a free port and waits until it tells its URL. */
  serve(args?: readonly string[], options?: RunOptions): Promise<Served>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function openWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-cli-"));
  const children = new Set<ChildProcess>();
  const path = (name: string): string => join(folder, name);

  function start(args: readonly string[], { input, environment = {} }: RunOptions = {}): Running {
    const { PATH = "" } = process.env;
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: folder,
      env: { PATH, HOME: folder, XDG_STATE_HOME: path("state"), ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    children.add(child);
    child.stdin.on("error", () => {}); // It may end without reading.
    child.stdin.end(input ?? "");
    const written = { out: "", err: "" };
    const watchers = new Set<() => void>();
    for (const [name, stream] of [
      ["out", child.stdout],
      ["err", child.stderr],
    ] as const) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        written[name] += text;
        for (const watcher of watchers) watcher();
      });
    }
    const ended = once(child, "close").then(([code]): Ended => {
      children.delete(child);
      for (const watcher of watchers) watcher();
      return { code: code as number | null, ...written };
    });
    const matches = (name: "out" | "err", pattern: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          const match = pattern.exec(written[name]);
          if (match === null && children.has(child)) return;
          watchers.delete(watcher);
          if (match !== null) resolve(match);
          else reject(new Error(`It ended without ${pattern}:\n${written.out}\n${written.err}`));
        };
        watchers.add(watcher);
        watcher();
      });
    return {
      child,
      ended,
      out: () => written.out,
      err: () => written.err,
      outMatches: (pattern) => matches("out", pattern),
      errMatches: (pattern) => matches("err", pattern),
    };
  }

  return {
    folder,
    path,
    start,
    run: (args, options) => start(args, options).ended,
    async serve(args = ["--data", "data"], options = {}) {
      const hasPort = args.includes("--port");
      const running = start(["serve", ...(hasPort ? [] : ["--port", "0"]), ...args], {
        ...options,
        environment: { VOUCHTRAIL_LOG_LEVEL: "warn", ...options.environment },
      });
      const [, url = "", port = ""] = await running.outMatches(/URL +(http:\/\/127\.0\.0\.1:(\d+))\n[\s\S]*Key /);
      return {
        ...running,
        url,
        port,
        stop() {
          running.child.kill("SIGTERM");
          return running.ended;
        },
      };
    },
    async close() {
      await Promise.all([...children].map((child) => (child.kill("SIGKILL") ? once(child, "close") : undefined)));
      // The index process of a killed server ends a moment after it, and may write until then.
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}
