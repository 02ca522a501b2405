/** The slice of a pino logger that the emitter needs; any logger with this signature will do. */
export interface AuditLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
