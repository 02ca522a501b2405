import type { Readable, Writable } from "node:stream";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { AuditLog } from "./audit-log.ts";
import { createAuditMcpServer } from "./audit-mcp-server.ts";
import { openBackend } from "./backend.ts";
import { DEFAULT_AGENT, readSettings } from "./settings.ts";

export interface StdioServerOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: Readable;
  readonly output: Writable;
  /** For people; never holds content of events. */
  readonly warn: (message: string) => void;
  /** Hands over what to call when the process is told to stop. */
  readonly onStop: (stop: () => void) => void;
}

/**
 * Serves MCP over standard input and output until the input ends. Resolves when everything that was accepted is kept.
 *
 * @throws {AuditError} `CONFIG_INVALID`: nothing was started. Rules: MCP-14 to MCP-18.
 */
export async function runStdioServer({ environment, input, output, warn, onStop }: StdioServerOptions): Promise<void> {
  const settings = readSettings(environment);
  const stateFolder = environment.XDG_STATE_HOME === "" ? undefined : environment.XDG_STATE_HOME;
  const backend = openBackend(settings, { stateFolder, warn });
  if (!settings.isAgentNamed) warn(`AGENT_ID is not set: the trail will name this agent ${DEFAULT_AGENT}.`);
  const writes = countingLog(backend.log);
  const factory = createAuditMcpServer({
    reader: backend.reader,
    log: writes.log,
    agent: settings.agent,
    onError: (error) => warn(`A tool failed: ${error instanceof Error ? error.name : "unknown"}. This is a fault of the program.`),
  });

  await new Promise<void>((resolve) => {
    const transport = new StdioServerTransport(input, output);
    const handle = serveStdio(factory, { transport, onerror: () => undefined });
    const stop = (): void => {
      void handle.close().finally(resolve);
    };
    input.once("end", stop);
    input.once("close", stop);
    // Whoever started this is gone; what it asked for is still recorded.
    output.once("error", stop);
    onStop(stop);
  });
  await writes.settled();
  await backend.close();
  // What is left of the input would keep the process alive after a signal.
  input.destroy();
}

/** A log that knows which events it has not finished with. */
function countingLog(log: AuditLog): { readonly log: AuditLog; settled(): Promise<void> } {
  const running = new Set<Promise<unknown>>();
  return {
    log: {
      record(event) {
        const work = log.record(event);
        running.add(work);
        const finished = (): void => void running.delete(work);
        work.then(finished, finished);
        return work;
      },
    },
    async settled() {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}
