import { constants, homedir } from "node:os";
import type { Readable } from "node:stream";
import type { Command } from "commander";
import type { ProxyRecorder } from "mcp-audit-logger/proxy";
import { v4 as uuidv4 } from "uuid";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { DEFAULT_URL, KEY_VARIABLE, keyOf, urlOf } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { listenForStop } from "../stop-signal.ts";
import { printable } from "../terminal.ts";

interface McpProxyOptions {
  readonly name?: string;
  readonly strict?: boolean;
  readonly session?: string;
  readonly url?: string;
  readonly listen: number;
  readonly trail?: string;
  readonly keyFile?: string;
}

/** Signals that are handed on to the server. */
const PASSED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** What a shell tells of a command that cannot be started. */
const NOT_STARTED = { ENOENT: 127, other: 126 };

/** Adds `mcp-proxy`: stands between an MCP client and a server, and records what the client calls. */
export function addMcpProxy(program: Command, context: CommandContext): void {
  program
    .command("mcp-proxy")
    .description("stand in front of an MCP server and record every call, result, error and denial")
    .argument("[command...]", "command that starts the server, after --")
    .option("--name <name>", "name of the server in the trail, as its client calls it (default: from its command or URL)")
    .option("--strict", "let no call through that is not in the trail")
    .option(
      "--session <id>",
      "session that the calls belong to (default: $CLAUDE_CODE_SESSION_ID, $CLAUDE_SESSION_ID, $SESSION_ID or one for each run)",
    )
    .option("--url <url>", "stand in front of a Streamable HTTP server instead of a command")
    .option("--listen <port>", "with --url: port on 127.0.0.1; 0 takes a free one and tells it", wholeNumberFrom(0), 0)
    .option("--trail <url>", `trail to record to (default: $VOUCHTRAIL_URL, $AUDIT_LOG_URL or ${DEFAULT_URL})`)
    .option("--key-file <file>", `file that holds the API key (default: $${KEY_VARIABLE})`)
    .addHelpText(
      "after",
      `
Examples:
  vouchtrail mcp-proxy --name files -- npx -y @modelcontextprotocol/server-filesystem ~/projects
  vouchtrail mcp-proxy --strict -- node server.js
  vouchtrail mcp-proxy --url https://mcp.example.com/mcp --listen 7440`,
    )
    .action(runs(context, (command: readonly string[], options: McpProxyOptions) => mcpProxy(command, options, context)));
}

async function mcpProxy(command: readonly string[], options: McpProxyOptions, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  const [program, ...args] = command;
  if (options.url === undefined ? program === undefined : program !== undefined)
    throw new CommandError("Give either the command of a server after --, or --url with the URL of one.");
  const target = options.url === undefined ? undefined : targetOf(options.url);
  const trailUrl = urlOf(options.trail === undefined ? {} : { url: options.trail }, environment);
  const key = await keyOf(options.keyFile === undefined ? {} : { keyFile: options.keyFile }, environment);
  const { openHttpProxy, openProxyRecorder, readRunSettings, serverEnvironment, serverNameOf, startStdioProxy } = await import(
    "mcp-audit-logger/proxy"
  );
  const settings = readRunSettings(environment, homedir(), trailUrl);
  const instance = uuidv4();
  const recorder = openProxyRecorder({
    identity: {
      serverName: options.name ?? target?.host ?? serverNameOf(command),
      sessionId: options.session ?? settings.sessionId ?? `proxy-${instance}`,
      instance,
      ...(settings.agentId === undefined ? {} : { agentId: settings.agentId }),
    },
    trailUrl,
    ...(key === undefined ? {} : { key }),
    ...(settings.tenant === undefined ? {} : { tenant: settings.tenant }),
    spoolFolder: settings.spoolFolder,
    stateFolder: settings.stateFolder,
    warn: (message) => terminal.err(`vouchtrail: ${printable(message)}`),
  });
  const isStrict = options.strict === true;
  if (target !== undefined)
    return await serveHttp(() => openHttpProxy({ url: target, port: options.listen, recorder, isStrict }), recorder, context);

  // Before the server starts: no signal is missed. A reader that is gone must not end the proxy before the server and the trail know.
  process.stdout.removeAllListeners("error");
  const proxy = startStdioProxy({
    command: program ?? "",
    args,
    environment: serverEnvironment(environment),
    input: context.stdin as Readable,
    output: process.stdout,
    recorder,
    isStrict,
  });
  for (const signal of PASSED_SIGNALS) process.on(signal, proxy.signal);
  const { code, signal, error } = await proxy.ended;
  for (const passed of PASSED_SIGNALS) process.off(passed, proxy.signal);
  if (error !== undefined) {
    terminal.err(
      `vouchtrail: The server could not be started: ${printable(program ?? "")} (${error.code ?? "unknown fault"}). Check the command after --.`,
    );
    return error.code === "ENOENT" ? NOT_STARTED.ENOENT : NOT_STARTED.other;
  }
  await new Promise((resolve) => process.stdout.write("", resolve));
  if (signal === null) return code ?? EXIT.failed;
  // Ends as the server did. The number is for signals that do not end a process.
  process.kill(process.pid, signal);
  return 128 + constants.signals[signal];
}

async function serveHttp(
  open: () => Promise<{ readonly url: string; close(): Promise<void> }>,
  recorder: ProxyRecorder,
  { terminal }: CommandContext,
): Promise<number> {
  const stop = listenForStop(terminal, "Stopped at once.");
  let proxy: Awaited<ReturnType<typeof open>>;
  try {
    proxy = await open();
  } catch (cause) {
    await recorder.close();
    throw new CommandError("The port is not free. Name another one with --listen, or 0 for a free one.", { cause });
  }
  terminal.err(`vouchtrail: Recording ${printable(recorder.identity.serverName)} at ${proxy.url}`);
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve));
  await proxy.close();
  return EXIT.ok;
}

function targetOf(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new CommandError(`"${text}" is not a URL. Write it as https://mcp.example.com/mcp.`, { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new CommandError("The URL of an MCP server begins with http:// or https://.");
  if (url.username !== "" || url.password !== "") throw new CommandError("The URL holds a password. Let the client send it as a header.");
  return url;
}
