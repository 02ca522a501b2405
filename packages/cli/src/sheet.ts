import { formatCsvLine } from "@vouchtrail/events";
import type { OutputFormat } from "./output-format.ts";
import { createTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** A row: one value a column. */
export type SheetRow = readonly unknown[];

export interface SheetColumn {
  /** Name in JSON, NDJSON and CSV. */
  readonly name: string;
  readonly title: string;
  readonly align?: "left" | "right";
  readonly isWhole?: boolean;
  /** How a value reads in a table; by default text as it is, anything else as JSON. */
  readonly text?: (value: unknown, row: SheetRow) => string;
  /** Colours what a table shows. */
  readonly paint?: (text: string, value: unknown) => string;
  /** Only for people: a bar, say. It stands in tables on a terminal and nowhere else. */
  readonly isPicture?: boolean;
}

/** Named columns and rows of values: what a query answers, ready for every format. */
export interface Sheet {
  readonly columns: readonly SheetColumn[];
  readonly rows: readonly SheetRow[];
}

/** The lines of a table. Pictures are for people: they are left out where the output is no terminal. */
export function sheetTable({ columns, rows }: Sheet, terminal: Terminal): readonly string[] {
  const shown = columns
    .map((column, position) => ({ column, position }))
    .filter(({ column }) => !column.isPicture || terminal.width !== undefined);
  return createTable<SheetRow>(
    shown.map(({ column: { title, align, isWhole, text = plainText, paint }, position }) => ({
      title,
      text: (row) => text(row[position], row),
      ...(align === undefined ? {} : { align }),
      ...(isWhole === undefined ? {} : { isWhole }),
      ...(paint === undefined ? {} : { paint: (cell: string, row: SheetRow) => paint(cell, row[position]) }),
    })),
    { width: terminal.width, title: terminal.color.bold },
  ).lines(rows);
}

/** One object a row, by the names of the columns. Where a name stands twice, the later ones get a number. */
export function sheetObjects(sheet: Sheet): readonly Readonly<Record<string, unknown>>[] {
  const columns = sheet.columns.map(({ isPicture }, position) => ({ isPicture, position }));
  const names = uniqueNames(sheet.columns.map(({ name }) => name));
  return sheet.rows.map((row) =>
    Object.fromEntries(
      columns.filter(({ isPicture }) => isPicture !== true).map(({ position }) => [names[position]!, row[position] ?? null]),
    ),
  );
}

/**
 * Prints the rows.
 *
 * @param whole What `json` prints: the answer with everything about it.
 */
export async function printSheet(sheet: Sheet, format: OutputFormat, terminal: Terminal, whole: unknown): Promise<void> {
  if (format === "json") {
    await terminal.write(`${JSON.stringify(whole)}\n`);
  } else if (format === "ndjson") {
    for (const row of sheetObjects(sheet)) await terminal.write(`${JSON.stringify(row)}\n`);
  } else if (format === "csv") {
    const positions = sheet.columns.flatMap(({ isPicture }, position) => (isPicture === true ? [] : [position]));
    await terminal.write(formatCsvLine(positions.map((position) => sheet.columns[position]!.name)));
    for (const row of sheet.rows) await terminal.write(formatCsvLine(positions.map((position) => row[position])));
  } else {
    for (const line of sheetTable(sheet, terminal)) await terminal.write(`${line}\n`);
  }
}

function plainText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let number = 1; taken.has(free); number++) free = `${name}_${number}`;
    taken.add(free);
    return free;
  });
}
