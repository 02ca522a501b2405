import { createRequire } from "node:module";
import type { AuditLogger } from "../logger.ts";

/**
 * A pino logger when the application has pino, else one that writes the same lines of JSON to standard output.
 */
export function createDefaultLogger(): AuditLogger {
  try {
    const pino = createRequire(import.meta.url)("pino") as (options: object) => AuditLogger;
    return pino({ base: { module: "audit" } });
  } catch {
    return createLineLogger((line) => process.stdout.write(line));
  }
}

const LEVELS = { info: 30, warn: 40, error: 50 } as const;

/** Lines as pino writes them. */
export function createLineLogger(write: (line: string) => unknown, now: () => number = Date.now): AuditLogger {
  const log =
    (level: keyof typeof LEVELS) =>
    (fields: object, msg: string): void => {
      write(`${JSON.stringify({ level: LEVELS[level], time: now(), module: "audit", ...fields, msg })}\n`);
    };
  return { info: log("info"), warn: log("warn"), error: log("error") };
}
