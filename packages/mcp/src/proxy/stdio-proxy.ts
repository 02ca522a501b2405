import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { createAnswerPort } from "./answer-port.ts";
import { createMessageTap } from "./message-tap.ts";
import { pass } from "./passage.ts";
import type { ProxyRecorder } from "./recorder.ts";
import { shownCommand } from "./shown-command.ts";
import { passStrictly } from "./strict-gate.ts";

export interface StdioProxyOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Of the server: everything that it needs, and nothing that is for the proxy alone. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the client writes. */
  readonly input: Readable;
  /** Where the client reads. It is not ended. */
  readonly output: Writable;
  readonly recorder: ProxyRecorder;
  /** Holds each call until the trail has its intent. */
  readonly isStrict: boolean;
}

/** How the server ended: with a code, by a signal, or not started at all. */
export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it did not start. */
  readonly error?: NodeJS.ErrnoException;
}

export interface StdioProxy {
  /** Hands a signal on to the server. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves when the server has ended, everything that it wrote has passed, and all of it is recorded or on the disk. */
  readonly ended: Promise<ServerEnd>;
}

/** Starts a server and stands between it and its client. Rules: PROXY-1 to PROXY-4. */
export function startStdioProxy(options: StdioProxyOptions): StdioProxy {
  const { command, args, environment, input, output, recorder, isStrict } = options;
  const nowMs = (): number => recorder.nowMs();
  const channel = recorder.openChannel();
  const child = spawn(command, args, { env: { ...environment }, stdio: ["pipe", "pipe", "inherit"] });
  const { stdin, stdout } = child;
  let told: NodeJS.Signals | undefined;
  recorder.started({ command: shownCommand([command, ...args]), ...(child.pid === undefined ? {} : { pid: child.pid }), isStrict });

  const fromServer = createMessageTap(channel, "server", nowMs);
  const port = createAnswerPort(output);
  pass(stdout, output, fromServer.write, port.write);

  const fromClient = createMessageTap(channel, "client", nowMs);
  const strict = isStrict ? passStrictly(input, stdin, channel, nowMs, port.say) : undefined;
  if (strict === undefined) {
    pass(input, stdin, fromClient.write);
    input.on("end", () => stdin.end());
  }

  async function finish(end: ServerEnd): Promise<ServerEnd> {
    // An intent that is on its way to the trail gets its ending, too.
    await strict?.settled();
    fromClient.end();
    fromServer.end();
    port.end();
    const { code, signal, error } = end;
    const how = error !== undefined ? (error.code ?? "SPAWN_FAILED") : signal !== null ? `SIGNAL_${signal}` : `EXIT_${code}`;
    channel.end({ status: "failure", code: "NO_ANSWER", message: "The server ended before it answered." }, nowMs());
    const isWanted = code === 0 || (signal !== null && signal === told);
    recorder.ended(isWanted ? { status: "success" } : { status: "failure", code: how }, {
      code,
      signal,
      ...(error === undefined ? {} : { error: how }),
    });
    await recorder.close();
    return end;
  }

  return {
    signal(signal) {
      told = signal;
      child.kill(signal);
    },
    ended: endOf(child).then(finish),
  };
}

/** Resolves when the child has ended and its output is at its end. */
function endOf(child: ChildProcess): Promise<ServerEnd> {
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      // Also a signal that could not be sent: the child is there then, and its end is still to come.
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}
