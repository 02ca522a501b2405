import { EXIT } from "./exit-code.ts";

/** A fault that a command tells in one line: what happened and what to do. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** No server answers at the URL. Commands that read then turn to `--data`. */
export class UnreachableError extends CommandError {
  override readonly name = "UnreachableError";

  constructor(url: string, options: { message?: string; cause?: unknown } = {}) {
    super(options.message ?? `No server answers at ${url}. Start one with "vouchtrail serve", or name another one with --url.`, options);
  }
}
