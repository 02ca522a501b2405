/** A fault of the file system, such as a file that is gone or that may not be read; `code` is `ENOENT`, `EACCES` and so on. */
export type FileFault = Error & { readonly code: string; readonly syscall: string };

/** Whether an error concerns one file only, so that others can still be read. */
export function isFileFault(error: unknown): error is FileFault {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
