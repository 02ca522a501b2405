import type { Shape } from "@vouchtrail/events";
import { InvalidArgumentError } from "commander";
import { nowText } from "./clock.ts";
import type { CommandContext } from "./command-context.ts";
import type { ConnectionOptions } from "./connection.ts";
import { WATCH_INTERVAL_SECONDS } from "./limits.ts";
import { loadPrices } from "./price-source.ts";
import type { ShapeReaderOptions } from "./shape-reader.ts";
import { countText, printable, type Terminal } from "./terminal.ts";

/** The one shape that folders are read for and that can be watched. */
export const TRANSCRIPT = "claude-code-transcript" as const satisfies Shape;

/** The options of `import`, with and without `--watch`. */
export interface ImportCommandOptions extends ConnectionOptions {
  readonly format?: Shape;
  readonly tenant?: string;
  readonly agentId?: string;
  readonly userId?: string;
  readonly config?: string;
  readonly watch?: boolean;
  /** Seconds. */
  readonly interval?: number;
  readonly json?: boolean;
}

/** Reads the value of `--interval`, in seconds. @throws {InvalidArgumentError} outside of {@link WATCH_INTERVAL_SECONDS}. */
export function intervalOf(text: string): number {
  const seconds = Number(text);
  const { min, max } = WATCH_INTERVAL_SECONDS;
  if (!/^\d+(?:\.\d+)?$/.test(text) || seconds < min || seconds > max) {
    throw new InvalidArgumentError(`It must be a number of seconds from ${min} to ${max}.`);
  }
  return seconds;
}

/** What the readers of files are told by the options. @throws {AuditError} `CONFIG_INVALID` for a file that `--config` names. */
export async function readerOptions(options: ImportCommandOptions, { terminal, environment }: CommandContext): Promise<ShapeReaderOptions> {
  return {
    tenant: options.tenant,
    agentId: options.agentId,
    userId: options.userId,
    importedAt: nowText(),
    prices: await loadPrices(options.config, environment, (message) => terminal.err(printable(message))),
  };
}

/** Says which models have no price, one a line. */
export function printUnpriced(unpriced: ReadonlyMap<string, number>, terminal: Terminal): void {
  for (const [model, count] of unpriced) {
    terminal.out(`No price for model ${printable(model)}: ${countText(count)} ${count === 1 ? "request" : "requests"}.`);
  }
}
