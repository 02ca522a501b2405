import type { SessionStory } from "@vouchtrail/events";
import type { Command } from "commander";
import { tellBehind } from "../behind-notice.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { durationText } from "../duration-text.ts";
import { EXIT } from "../exit-code.ts";
import { secondsText } from "../hit-table.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { legendText, stepLines } from "../session/step-lines.ts";
import { countText, printable, type Terminal } from "../terminal.ts";
import { verdictLines } from "./completeness.ts";

interface SessionOptions extends ConnectionOptions {
  readonly tenant?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addSession(program: Command, context: CommandContext): void {
  const command = program
    .command("session")
    .description("tell one session of an agent as a story: prompts, below them each call, decision and approval")
    .argument("<id>", "id of the session, whole")
    .option("--tenant <name>", "whose session, where several tenants have one of this id")
    .option("--limit <number>", "entries to read, at most 5000 (default: 5000)", wholeNumberFrom(1))
    .option("--cursor <cursor>", "go on where an earlier part ended")
    .option("--wait", "first wait until everything that was recorded can be found")
    .option("--json", "print the story as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      "\nRequests to the model are left out, their tokens are in the totals; --json has them.\n\nExample:\n  vouchtrail session 4f0c61d2-7c8e-4f2a-9a55-0d4a3a1c9b7e",
    )
    .action(runs(context, (id: string, options: SessionOptions) => session(id, options, context)));
}

async function session(id: string, options: SessionOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const client = await openClient(options, context.environment);
  const { tenant, limit, cursor, wait } = options;
  const named = { id, ...(tenant === undefined ? {} : { tenant }) };
  const story = await client.session({
    ...named,
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(wait === undefined ? {} : { wait }),
  });
  if (options.json === true) {
    await terminal.write(`${JSON.stringify(story)}\n`);
    return EXIT.ok;
  }
  for (const line of headLines(story, terminal)) await terminal.write(`${line}\n`);
  for (const line of stepLines(story.steps, terminal)) await terminal.write(`${line}\n`);
  for (const line of totalLines(story, terminal)) await terminal.write(`${line}\n`);
  const [verdict] = verdictLines(await client.completeness({ ...named, tenant: story.tenant }), terminal);
  terminal.out(`Record     ${verdict ?? "?"}`);
  if (story.nextCursor !== undefined) terminal.err(`There is more. Go on with: --cursor ${story.nextCursor}`);
  tellBehind(story, false, terminal);
  return EXIT.ok;
}

function headLines(
  { id, tenant, agents, users, models, startedAt, lastAt, durationMs, vantagePoints }: SessionStory,
  { color }: Terminal,
): string[] {
  const names = (list: readonly string[]): string => (list.length === 0 ? "-" : list.map(printable).join(", "));
  return [
    `${color.bold(`Session    ${printable(id)}`)}${tenant === "default" ? "" : ` of ${printable(tenant)}`}`,
    `Time       ${secondsText(startedAt)} to ${secondsText(lastAt)} UTC, ${durationText(durationMs)}`,
    `Who        agents ${names(agents)}; persons ${names(users)}; models ${names(models)}`,
    `Told by    ${legendText(vantagePoints)}`,
    "",
  ];
}

function totalLines(story: SessionStory, { color }: Terminal): string[] {
  const counted = (count: number, noun: string): string => `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
  const tokens = `${countText(story.tokensInput)} tokens in, ${countText(story.tokensOutput)} out, ${countText(story.tokensCacheRead)} from cache`;
  const cost = story.costUsd === 0 ? "" : `, $${story.costUsd.toFixed(4)}`;
  return [
    "",
    color.bold(
      `Totals     ${[
        counted(story.prompts, "prompt"),
        counted(story.toolCalls, "call"),
        counted(story.failures, "failure"),
        counted(story.denials, "denial"),
        `${countText(story.entries)} ${story.entries === 1 ? "entry" : "entries"}`,
      ].join(", ")}`,
    ),
    `Used       ${tokens}${cost}`,
    ...(story.isTruncated ? [color.yellow("This is a part of the session: the counts are those of this part.")] : []),
  ];
}
