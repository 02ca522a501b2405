import { type Command, Option } from "commander";

export type OutputFormat = "table" | "json" | "ndjson" | "csv";

export interface FormatOptions {
  readonly format?: OutputFormat;
  readonly json?: boolean;
}

/**
 * Adds `--format` and, as every other command has it, `--json`. What is printed never depends on whether somebody looks: a table is a table in a
 * pipe too, only that it is plain and nothing in it is cut to the width of a terminal.
 */
export function addFormatOptions(command: Command, formats: readonly OutputFormat[]): Command {
  return command
    .addOption(new Option("--format <format>", "how it is printed").choices(formats).default("table"))
    .addOption(new Option("--json", "the same as --format json").implies({ format: "json" }));
}
