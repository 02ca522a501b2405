import { AuditError, nearestName } from "@vouchtrail/events";
import { type Command, Option } from "commander";
import { type CommandContext, messageOf, runs } from "../command-context.ts";
import { CommandError, UnreachableError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, DEFAULT_URL, openClient, urlOf } from "../connection.ts";
import { entryLine } from "../entry-text.ts";
import { EXIT } from "../exit-code.ts";
import { coloredDiff, diffText } from "../init/diff-text.ts";
import { proveEntry, waitForHook } from "../init/first-event.ts";
import { hookCommandFor } from "../init/hook-command.ts";
import {
  AGENT_NAMES,
  AGENTS,
  type AgentName,
  type HookedAgent,
  TOKEN_VARIABLE,
  type WantedHook,
  wantedHooks,
} from "../init/hooked-agent.ts";
import { type InstallMemory, openInstallMemory } from "../init/install-memory.ts";
import { type Plan, planHooks, planUndo } from "../init/installer.ts";
import { FIRST_EVENT_MS_MAX } from "../init/limits.ts";
import { isLoopback } from "../init/loopback.ts";
import { hindrancesOf, managedFolder, readManagedSettings } from "../init/managed-settings.ts";
import { OPENCODE_PLUGIN_MARK, opencodePluginText } from "../init/opencode-plugin.ts";
import { type PluginFile, planPlugin, planPluginUndo } from "../init/plugin-file.ts";
import { isConfirmed } from "../init/question.ts";
import { SCOPES, type SettingsPlace, type SettingsScope, settingsPlaceOf } from "../init/settings-place.ts";
import { telemetrySettings } from "../init/telemetry-settings.ts";
import { loadServer } from "../load-server.ts";
import { textAt } from "../text-at.ts";

interface InitOptions extends ConnectionOptions {
  readonly scope?: SettingsScope;
  readonly command?: boolean;
  readonly withToken?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly undo?: boolean;
  readonly wait: boolean;
  readonly json?: boolean;
}

/** What `init` did, as `--json` prints it. */
interface Outcome {
  readonly agent: AgentName;
  readonly scope: SettingsScope;
  readonly file: string;
  readonly kind: Plan["kind"];
  readonly isWritten: boolean;
  readonly diff: string;
  readonly warnings: readonly string[];
  readonly server?: { readonly url: string; readonly state: "ready" | "not-ready" | "unreachable" };
  readonly event?: { readonly id: string; readonly index: number; readonly leafHash: string; readonly origin: string };
  readonly isProven?: boolean;
}

export function addInit(program: Command, context: CommandContext): void {
  const command = program
    .command("init")
    .description("connect a coding agent: add the hooks to its settings, and wait for its first event; --undo takes them out again")
    .argument("<agent>", `the agent: ${AGENT_NAMES.join(", ")}; ${TELEMETRY} prints what makes agents send their telemetry`)
    .addOption(
      new Option("--scope <scope>", "whose settings (default: project in a git repository or a folder with settings, else user)").choices(
        SCOPES,
      ),
    )
    .option("--command", "run the hook command for every event, where http hooks are not allowed")
    .option("--with-token", `let http hooks send the API key in $${TOKEN_VARIABLE} (default: only to a server on another machine)`)
    .option("--yes", "write without asking")
    .option("--dry-run", "only show what would be written")
    .option("--undo", "take out what init added, and nothing else")
    .option("--no-wait", "do not wait for the first event")
    .option("--json", "print what was done as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `
The diff is shown before anything is written. Nothing else in the settings changes, not even a blank.

Examples:
  vouchtrail init claude-code
  vouchtrail init claude-code --scope user --yes
  vouchtrail init claude-code --url https://audit.example.org --dry-run
  vouchtrail init claude-code --undo
  vouchtrail init otel`,
    )
    .action(runs(context, (agent: string, options: InitOptions) => init(agent, options, context)));
}

/** What stands in the place of an agent for OpenTelemetry. */
const TELEMETRY = "otel";

function printTelemetry(options: InitOptions, { environment, terminal }: CommandContext): number {
  const settings = telemetrySettings(urlOf(options, environment));
  if (options.json === true) terminal.out(JSON.stringify(settings));
  else for (const { agent, place, text } of settings) terminal.out(`${terminal.color.bold(agent)}, in ${place}:\n\n${text}\n`);
  terminal.err("Nothing was written.");
  return EXIT.ok;
}

async function init(name: string, options: InitOptions, context: CommandContext): Promise<number> {
  if (name === TELEMETRY) return printTelemetry(options, context);
  const agentName = AGENT_NAMES.find((one) => one === name);
  if (agentName === undefined)
    throw new CommandError(`There is no agent ${JSON.stringify(name)} here.${guessOf(name)} There are: ${AGENT_NAMES.join(", ")}.`);
  const agent: HookedAgent = AGENTS[agentName];
  const place = settingsPlaceOf(agentName, options.scope, { environment: context.environment, folder: process.cwd() });
  const { defaultStateFolder } = await loadServer();
  const memory = openInstallMemory(defaultStateFolder(context.environment));
  const say = (line: string): void => context.terminal.err(line);
  if (options.undo === true) {
    const plan = await planRemoval(agent, place, memory, options, context);
    const outcome = await carryOut(plan, { agent, place, warnings: [] }, options, context);
    if (outcome === undefined) return EXIT.failed;
    if (options.json === true) context.terminal.out(JSON.stringify(outcome));
    return EXIT.ok;
  }
  const { hooks, warnings } = await hooksFor(agent, place, options, context);
  const plan =
    agentName === "opencode"
      ? await planPlugin(opencodePluginText(urlOf(options, context.environment)), pluginFileOf(agent, place), memory)
      : await planHooks(place.path, hooks, agent, memory);
  const handlers = hooks.map(({ handler }) => handler);
  if (agentName === "claude-code") {
    const own = plan.text === undefined ? [] : [{ path: place.path, isManaged: false, text: plan.text }];
    warnings.push(...hindrancesOf([...(await readManagedSettings(managedFolder(process.platform))), ...own], handlers));
  }
  if (plan.oddEvents.length > 0)
    warnings.push(`${place.path} has hooks that ${agent.title} does not take: below ${plan.oddEvents.join(", ")} there must be an array.`);
  const outcome = await carryOut(plan, { agent, place, warnings }, options, context);
  if (outcome === undefined) return EXIT.failed;
  const rest = options.dryRun === true ? {} : await watch(agent, options, say, context);
  if (options.json === true) context.terminal.out(JSON.stringify({ ...outcome, ...rest } satisfies Outcome));
  return EXIT.ok;
}

function planRemoval(
  agent: HookedAgent,
  place: SettingsPlace,
  memory: InstallMemory,
  options: InitOptions,
  { environment }: CommandContext,
): Promise<Plan> {
  if (agent.name !== "opencode") return planUndo(place.path, agent, memory);
  return planPluginUndo(opencodePluginText(urlOf(options, environment)), pluginFileOf(agent, place), memory);
}

function pluginFileOf(agent: HookedAgent, { path }: SettingsPlace): PluginFile {
  return { path, agent, mark: OPENCODE_PLUGIN_MARK };
}

/** The hooks that the options ask for, and what has to be said about them. */
async function hooksFor(
  agent: HookedAgent,
  place: SettingsPlace,
  options: InitOptions,
  { environment }: CommandContext,
): Promise<{ hooks: WantedHook[]; warnings: string[] }> {
  const url = urlOf(options, environment);
  const { command, warning } = hookCommandFor(place.scope, environment);
  const isTokenSent = options.withToken === true || !isLoopback(url);
  const warnings = warning === undefined || agent.name === "opencode" ? [] : [warning];
  if (isTokenSent)
    warnings.push(
      `The server needs a key: set ${TOKEN_VARIABLE} where ${agent.title} is started. The key itself is never written into settings.`,
    );
  if (agent.name === "codex") warnings.push("Codex runs hooks only after you have reviewed and trusted them: it asks at its next start.");
  if (agent.name === "cursor")
    warnings.push(
      "Cursor takes none of the hooks in a file when it does not know one of their events: older versions do not. Update it first.",
    );
  return {
    hooks: wantedHooks(agent.name, {
      url,
      command: url === DEFAULT_URL ? command : [...command, "--url", url],
      isCommandOnly: options.command === true,
      isTokenSent,
    }),
    warnings,
  };
}

/** Shows the plan, asks, and does it. Undefined when the answer was no. */
async function carryOut(
  plan: Plan,
  { agent, place, warnings }: { agent: HookedAgent; place: SettingsPlace; warnings: readonly string[] },
  options: InitOptions,
  { terminal, stdin }: CommandContext,
): Promise<Outcome | undefined> {
  const outcome = {
    agent: agent.name,
    scope: place.scope,
    file: place.path,
    kind: plan.kind,
    warnings,
    diff: plan.kind === "unchanged" ? "" : await diffText(place.path, plan.file.text, plan.text),
  };
  terminal.err(place.reason);
  for (const warning of warnings) terminal.err(`${terminal.errColor.yellow("WARNING")}  ${warning}`);
  if (plan.kind === "unchanged") {
    terminal.err(
      options.undo === true
        ? `Nothing to undo: ${place.path} holds no hooks of Vouchtrail.`
        : `Already there: ${place.path} stays as it is.`,
    );
    if (options.dryRun !== true) await plan.apply();
    return { ...outcome, isWritten: false };
  }
  if (options.json !== true) terminal.out(coloredDiff(outcome.diff, terminal.color));
  if (options.dryRun === true) {
    terminal.err("Nothing was written: --dry-run only shows.");
    return { ...outcome, isWritten: false };
  }
  if (options.yes !== true) {
    if (stdin.isTTY !== true)
      throw new CommandError("Nothing was written: there is no terminal to ask on. Use --yes to write, or --dry-run to look only.");
    if (!(await isConfirmed("Write this? [y/N] ", stdin, terminal.errStream))) {
      terminal.err("Nothing was written.");
      return undefined;
    }
  }
  const isRemembered = await plan.apply();
  terminal.err(doneText(plan, place));
  if (!isRemembered)
    terminal.err(
      "What was added could not be remembered in the state folder: --undo will take out the hooks, but may leave blanks or empty objects.",
    );
  return { ...outcome, isWritten: true };
}

function doneText({ kind, text }: Plan, { path }: SettingsPlace): string {
  if (kind === "add") return `Written: ${path}`;
  if (kind === "update") return `Updated: ${path} (only the hooks of Vouchtrail)`;
  if (text === undefined) return `Deleted: ${path}, which init had made and which held nothing else.`;
  if (kind === "exact") return `Undone: ${path} is byte for byte what it was before.`;
  return `Undone: the hooks of Vouchtrail are out of ${path}; it was changed since they were added, or nothing is remembered of that, so they were taken out one by one.`;
}

/** Looks whether the server answers, and waits for the first event and its proof. */
async function watch(
  agent: HookedAgent,
  options: InitOptions,
  say: (line: string) => void,
  context: CommandContext,
): Promise<Pick<Outcome, "server" | "event" | "isProven">> {
  const client = await openClient(options, context.environment);
  try {
    const { ready, reasons } = await client.readiness();
    if (!ready) {
      say(`${client.url} accepts nothing: ${reasons.map(({ message }) => message).join(" ")} The settings stay.`);
      return { server: { url: client.url, state: "not-ready" } };
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    say(`No server answers at ${client.url} yet. The settings stay; start the server with: vouchtrail serve`);
    return { server: { url: client.url, state: "unreachable" } };
  }
  const server = { url: client.url, state: "ready" } as const;
  if (!options.wait) {
    say(`${client.url} is ready. Start a new session of ${agent.title}; "vouchtrail tail --via hook" shows what arrives.`);
    return { server };
  }
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal);
  try {
    const seconds = FIRST_EVENT_MS_MAX / 1_000;
    const first = await waitForHook(
      client,
      FIRST_EVENT_MS_MAX,
      () =>
        say(
          `Waiting up to ${seconds} s for the first event: start a new session of ${agent.title} and type something. Ctrl-C ends the waiting.`,
        ),
      stop.signal,
    );
    if (first.kind !== "event") {
      say(waitingEnded(first.kind, agent));
      return { server };
    }
    const { view } = first;
    const event = { id: textAt(view.event, "id") ?? "", index: view.index, leafHash: view.leafHash, origin: view.origin };
    if (options.json !== true) {
      context.terminal.out(entryLine(view, context.terminal.color));
      context.terminal.out(`  receipt    entry ${event.index} of ${event.origin}`);
      context.terminal.out(`  id         ${event.id}`);
      context.terminal.out(`  leaf hash  ${event.leafHash}`);
    }
    const { isProven, summary } = await proveEntry(client, view, stop.signal);
    if (options.json !== true) context.terminal.out(`  proof      ${summary}`);
    return { server, event, isProven };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    // Such as that looking needs a key: the hooks may work all the same.
    say(`Whether events arrive cannot be seen from here: ${messageOf(error)} The settings stay in place.`);
    return { server };
  } finally {
    process.off("SIGINT", onSignal);
  }
}

function waitingEnded(kind: "timeout" | "interrupted" | "disconnected", agent: HookedAgent): string {
  const look = `"vouchtrail tail --via hook" shows when something arrives; "vouchtrail init ${agent.name} --undo" takes the hooks out.`;
  if (kind === "interrupted") return `Not waiting any more. The settings stay in place. ${look}`;
  if (kind === "disconnected") return `The server ended the connection. The settings stay in place. ${look}`;
  return `No event came. The settings stay in place: sessions that ran before do not have the hooks yet. ${look}`;
}

function guessOf(name: string): string {
  const nearest = nearestName(name, AGENT_NAMES);
  return nearest === undefined ? "" : ` Did you mean ${nearest}?`;
}
