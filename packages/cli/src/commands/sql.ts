import { readFile, stat } from "node:fs/promises";
import type { SqlAnswer } from "@vouchtrail/events";
import type { Command } from "commander";
import { tellBehind } from "../behind-notice.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { SQL_FILE_BYTES_MAX } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import { printSheet, type Sheet } from "../sheet.ts";
import { countText } from "../terminal.ts";

interface SqlOptions extends ConnectionOptions, FormatOptions {
  readonly file?: string;
  readonly limit?: number;
  readonly wait?: boolean;
}

export function addSql(program: Command, context: CommandContext): void {
  const command = program
    .command("sql")
    // A statement may begin with a comment, which looks like an option; what is really one is told from it below.
    .allowUnknownOption()
    .description("ask the trail with SQL: one SELECT over entries, deeds and agent_audit_log; needs an admin key")
    .argument("[statement]", "the statement; without it or with - standard input is read")
    .option("-f, --file <file>", "file that holds the statement")
    .option("--limit <number>", "how many rows (default: 1000, at most 100000)", wholeNumberFrom(1))
    .option("--wait", "first wait until everything that was recorded can be found");
  addFormatOptions(command, ["table", "json", "ndjson", "csv"]);
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `
deeds counts each deed once, entries holds everything that tells of it.

Examples:
  vouchtrail sql "SELECT action, count(*) FROM deeds GROUP BY action ORDER BY 2 DESC" --key-file admin.key
  vouchtrail sql -f costs.sql --format csv > costs.csv`,
    )
    .action(runs(context, (statement: string | undefined, options: SqlOptions) => sql(statement, options, context)));
}

async function sql(statement: string | undefined, options: SqlOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { limit, wait, format = "table" } = options;
  const text = await statementOf(statement, options, context);
  const client = await openClient(options, context.environment);
  const answer = await client.sql({ sql: text, ...(limit === undefined ? {} : { limit }), ...(wait === undefined ? {} : { wait }) });
  await printSheet(sheetOf(answer), format, terminal, answer);
  if (format !== "json" && answer.isTruncated) {
    terminal.err(
      terminal.errColor.yellow(
        `Cut after ${countText(answer.rows.length)} rows: there are more. --limit gives up to 100,000; a narrower statement gives all.`,
      ),
    );
  }
  if (format === "table") {
    terminal.err(
      terminal.errColor.dim(
        `${countText(answer.rows.length)} row${answer.rows.length === 1 ? "" : "s"} in ${Math.round(answer.elapsedMs)} ms.`,
      ),
    );
    tellBehind(answer, answer.rows.length === 0, terminal);
  }
  return EXIT.ok;
}

async function statementOf(statement: string | undefined, { file }: SqlOptions, { stdin }: CommandContext): Promise<string> {
  if (statement?.startsWith("-") === true && statement !== "-" && !/\s/.test(statement))
    throw new CommandError(`There is no option ${statement}. vouchtrail sql --help lists them.`);
  if (statement !== undefined && file !== undefined)
    throw new CommandError("The statement stands on the command line or in --file: give one of them.");
  const text =
    file === undefined ? (statement === undefined || statement === "-" ? await readInput(stdin) : statement) : await readStatement(file);
  if (text.trim() === "") throw new CommandError('There is no statement. Write one, such as: vouchtrail sql "SELECT count(*) FROM deeds"');
  return text;
}

async function readInput(stdin: CommandContext["stdin"]): Promise<string> {
  if (stdin.isTTY === true)
    throw new CommandError('There is no statement. Write one, such as: vouchtrail sql "SELECT count(*) FROM deeds"');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as unknown as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > SQL_FILE_BYTES_MAX)
      throw new CommandError(`Standard input holds more than ${SQL_FILE_BYTES_MAX} bytes: that is no statement.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function readStatement(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > SQL_FILE_BYTES_MAX) throw new CommandError(`${file} holds more than ${SQL_FILE_BYTES_MAX} bytes: that is no statement.`);
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`${file} cannot be read.`, { cause });
  }
}

const NUMBERS = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|DOUBLE|FLOAT|DECIMAL.*)$/;

function sheetOf({ columns, rows }: SqlAnswer): Sheet {
  return {
    columns: columns.map(({ name, type }) => ({
      name,
      title: name,
      ...(NUMBERS.test(type) ? { align: "right", isWhole: true } : {}),
      text: (value) => (value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)),
    })),
    rows,
  };
}
