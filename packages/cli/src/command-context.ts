import { AuditError } from "@vouchtrail/events";
import { ProtocolError } from "@vouchtrail/protocol";
import { Command } from "commander";
import { CommandError } from "./command-error.ts";
import { EXIT } from "./exit-code.ts";
import { printable, type Terminal } from "./terminal.ts";

/** What every command gets from outside: only `main` chooses the real ones. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Told how the command ended. */
  exit(code: number): void;
}

/**
 * Makes the action of a command from a function that resolves with its exit code. What goes wrong as foreseen is one line on standard error;
 * anything else is a fault of ours and is shown whole.
 */
export function runs<Given extends readonly unknown[]>(
  context: CommandContext,
  run: (...given: Given) => Promise<number>,
): (...given: Given) => Promise<void> {
  return async (...given) => {
    try {
      context.exit(await run(...given));
    } catch (error) {
      if (!isForeseen(error)) throw error;
      tell(context.terminal, error, isJsonWanted(given.at(-1)));
      context.exit(error instanceof CommandError ? error.exitCode : EXIT.failed);
    }
  };
}

/** Commander hands every action its command last. */
function isJsonWanted(command: unknown): boolean {
  return command instanceof Command && command.opts<{ json?: boolean }>().json === true;
}

function tell(terminal: Terminal, error: AuditError | ProtocolError | CommandError, isJson: boolean): void {
  const code = error instanceof CommandError ? "COMMAND_FAILED" : error.code;
  const path = error instanceof AuditError ? error.path : undefined;
  const message = messageOf(error);
  terminal.err(
    isJson ? JSON.stringify({ error: { code, message, ...(path === undefined ? {} : { path }) } }) : `vouchtrail: ${printable(message)}`,
  );
}

function isForeseen(error: unknown): error is AuditError | ProtocolError | CommandError {
  return error instanceof AuditError || error instanceof ProtocolError || error instanceof CommandError;
}

/** The words of an error without its code, which the message of a protocol error begins with. */
export function messageOf(error: Error): string {
  return error.message.replace(/^[A-Z0-9_]+: /, "");
}
