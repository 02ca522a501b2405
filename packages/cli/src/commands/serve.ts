import { resolve } from "node:path";
import type { LoadedConfig, McpService, RunningServer } from "@vouchtrail/server";
import { type Command, InvalidArgumentError } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import { STOP_MS_MAX } from "../limits.ts";
import { loadServer } from "../load-server.ts";

interface ServeOptions {
  readonly data?: string;
  readonly port?: number;
  readonly host?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function addServe(program: Command, context: CommandContext): void {
  program
    .command("serve")
    .description("start the server and keep it running until it is told to stop")
    .option("--data <dir>", "data directory; made when it is not there (default: ./vouchtrail-data)")
    .option("--port <number>", "port to listen on; 0 takes a free one (default: 7431)", portOf)
    .option("--host <address>", "address to listen on; beyond loopback, API keys must exist (default: 127.0.0.1)")
    .option("--config <file>", "configuration file (default: $VOUCHTRAIL_CONFIG or ./vouchtrail.yaml)")
    .option("--json", "print where the server is as one line of JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  vouchtrail serve\n  vouchtrail serve --data /srv/audit --port 8080\n  vouchtrail serve --port 0 --json",
    )
    .action(runs(context, (options: ServeOptions) => serve(options, context)));
}

async function serve(options: ServeOptions, context: CommandContext): Promise<number> {
  const { environment, terminal } = context;
  const { loadConfig, startServer } = await loadServer();
  const flags = { data: options.data, "http.port": options.port, "http.host": options.host };
  const loaded = await loadConfig({ environment, flags, ...(options.config === undefined ? {} : { file: options.config }) });
  // Heard from the first moment on: a server that is told to stop while it starts closes what it has opened.
  const stop = waitForStop(context);
  const mcp = openMcpDoor((error) => terminal.err(`A tool of MCP failed: ${error instanceof Error ? error.name : "unknown"}.`));
  const server = await startServer({ loaded, environment, mcp });
  const refusal = server.ledger.refusal();
  if (options.json === true) {
    const { url, ledger, newAdminKey } = server;
    terminal.out(
      JSON.stringify({
        url,
        data: resolve(loaded.config.data),
        origin: ledger.origin,
        vkey: ledger.vkey,
        ...(newAdminKey === undefined ? {} : { newAdminKey }),
        ...(refusal === undefined ? {} : { refusal: { code: refusal.code, message: refusal.message } }),
        warnings: loaded.warnings,
      }),
    );
  } else greet(server, loaded, context);

  const signal = await stop;
  terminal.err(`Stopping on ${signal}: finishing what was begun. Once more stops at once.`);
  const deadline = setTimeout(() => {
    terminal.err("vouchtrail: The stop took too long and was ended. What was acked is on the disk; the next start tidies up.");
    process.exit(EXIT.failed);
  }, STOP_MS_MAX);
  deadline.unref();
  await server.close();
  clearTimeout(deadline);
  terminal.err("Stopped.");
  return EXIT.ok;
}

/** Loaded at the first request: most servers are never asked over MCP, and all would start later for it. */
function openMcpDoor(onError: (error: unknown) => void): McpService {
  let door: Promise<McpService> | undefined;
  const open = (): Promise<McpService> => {
    door ??= import("mcp-audit-logger").then(({ createMcpDoor }) => createMcpDoor({ onError }));
    return door;
  };
  return {
    fetch: async (request, caller) => (await open()).fetch(request, caller),
    close: async () => (await door)?.close(),
  };
}

function greet({ url, ledger, newAdminKey }: RunningServer, loaded: LoadedConfig, { terminal }: CommandContext): void {
  const { color, errColor } = terminal;
  const refusal = ledger.refusal();
  terminal.out(`${color.bold("Vouchtrail")} is running${refusal === undefined ? "" : color.red(", but accepts nothing")}.`);
  terminal.out(`  URL     ${color.cyan(url)}`);
  terminal.out(`  Data    ${resolve(loaded.config.data)}`);
  terminal.out(`  Ledger  ${ledger.origin}`);
  terminal.out(`  Key     ${ledger.vkey}`);
  terminal.out("          (this verifies the trail; keep a copy where the server cannot reach it)");
  if (newAdminKey !== undefined) {
    terminal.out(`  Admin   ${color.bold(newAdminKey)}`);
    terminal.out("          (shown once: only its hash is kept)");
  }
  for (const warning of loaded.warnings) terminal.err(`${errColor.yellow("WARNING")}  ${warning}`);
  if (refusal !== undefined) terminal.err(`${errColor.red("READ-ONLY")}  ${refusal.message}`);
}

/** Resolves with the first signal; the second one ends the process at once, as the system would. */
function waitForStop({ terminal }: CommandContext): Promise<string> {
  return new Promise((told) => {
    let isStopping = false;
    for (const [signal, number] of [
      ["SIGINT", 2],
      ["SIGTERM", 15],
    ] as const) {
      process.on(signal, () => {
        if (isStopping) {
          terminal.err("Stopped at once. What was acked is on the disk.");
          process.exit(128 + number);
        }
        isStopping = true;
        told(signal);
      });
    }
  });
}

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  return Number(text);
}
