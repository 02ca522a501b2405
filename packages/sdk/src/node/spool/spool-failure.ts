import { AuditError } from "@vouchtrail/events/errors";

/** The code of an error of the operating system, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The file is not there, or its folder is not. */
export function isMissing(error: unknown): boolean {
  return systemCode(error) === "ENOENT";
}

/** `SPOOL_FAILED` with the cause kept; an `AuditError` stays what it is. The message names no event and no path. */
export function toSpoolError(error: unknown): AuditError {
  if (error instanceof AuditError) return error;
  const code = systemCode(error);
  const message = `The spool cannot be written or read${code === undefined ? "" : ` (${code})`}. Check the folder, its owner and the free space.`;
  return new AuditError("SPOOL_FAILED", { message, detail: { code }, cause: error });
}
