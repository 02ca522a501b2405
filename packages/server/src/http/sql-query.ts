import { AuditError } from "@vouchtrail/events";
import { z } from "zod";

/** Characters of one statement: people and programs write shorter ones. */
export const SQL_CHARS_MAX = 100_000;
/** Rows of one answer. */
export const SQL_ROWS_MAX = 100_000;
export const SQL_ROWS_DEFAULT = 1_000;

const SqlQuerySchema = z.strictObject({
  sql: z.string().min(1).max(SQL_CHARS_MAX),
  limit: z.int().min(1).max(SQL_ROWS_MAX).default(SQL_ROWS_DEFAULT),
  wait: z.boolean().default(false),
});

/**
 * The body of `POST /api/v1/sql`.
 *
 * @throws {AuditError} `BODY_INVALID`, `BODY_NOT_UTF8`; `FILTER_INVALID` with the member that is wrong.
 */
export function parseSqlQuery(body: unknown): z.output<typeof SqlQuerySchema> {
  const { data, error } = SqlQuerySchema.safeParse(parseJson(Buffer.isBuffer(body) ? body : Buffer.alloc(0)));
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = (unknown ?? issue?.path.join(".") ?? "").slice(0, 64);
  const message =
    unknown === undefined
      ? `The body is {"sql": text of 1 to ${SQL_CHARS_MAX} characters, "limit"?: 1 to ${SQL_ROWS_MAX}, "wait"?: true or false}.`
      : `The body has the members sql, limit and wait, and no other.`;
  throw new AuditError("FILTER_INVALID", { message, ...(path === "" ? {} : { path }) });
}

function parseJson(body: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw new AuditError("BODY_NOT_UTF8", { cause });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not kept as the cause: the engine's message quotes the text.
    throw new AuditError("BODY_INVALID", { message: "The body is not valid JSON." });
  }
}
