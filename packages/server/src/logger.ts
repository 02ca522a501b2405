import { destination, type Logger, pino } from "pino";

/** Logs go to standard error, so that standard output stays for results. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination(2));
}
