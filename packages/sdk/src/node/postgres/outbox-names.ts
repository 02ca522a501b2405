import { AuditError } from "@vouchtrail/events/errors";
import { NAME_BYTES_MAX } from "./limits.ts";

/** Where an outbox lies. */
export interface OutboxPlace {
  /** Schema of the table; default: the first one of the search path that has it. */
  readonly schema?: string;
  /** Name of the table, 1 to 55 bytes; default `vouchtrail_outbox`. */
  readonly table?: string;
}

/** The names of an outbox, quoted and ready to stand in SQL. */
export interface OutboxNames {
  readonly table: string;
  /** The table of rows that the trail refused: the name of the outbox and `_refused`. */
  readonly refused: string;
  /** The function that guards both tables. */
  readonly guard: string;
}

export const OUTBOX_TABLE = "vouchtrail_outbox";

/** @throws {AuditError} `CONFIG_INVALID`: a name is empty, too long or holds a NUL. */
export function outboxNames({ schema, table = OUTBOX_TABLE }: OutboxPlace): OutboxNames {
  const within = schema === undefined ? "" : `${quoteName(schema, "schema")}.`;
  // The table is checked by its longest derived name: the error speaks of the option that was given.
  const refused = quoteName(table === "" ? "" : `${table}_refused`, "table");
  return { table: within + quoteName(table, "table"), refused: within + refused, guard: within + quoteName(`${table}_guard`, "table") };
}

/**
 * An identifier as SQL reads it, whatever it holds.
 *
 * @param option What the error calls it.
 * @throws {AuditError} `CONFIG_INVALID`.
 */
export function quoteName(name: string, option: string): string {
  if (name === "" || name.includes("\0") || Buffer.byteLength(name) > NAME_BYTES_MAX) {
    const message = `${option}: expected a name of PostgreSQL: 1 to ${NAME_BYTES_MAX} bytes with what is appended to it, and no NUL.`;
    throw new AuditError("CONFIG_INVALID", { path: option, message });
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL reads it, whatever `standard_conforming_strings` says. */
export function quoteText(text: string): string {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
