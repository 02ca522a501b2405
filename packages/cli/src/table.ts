import { printable } from "./terminal.ts";
import { cutToWidth, padToWidth, textWidth } from "./text-width.ts";

/** Columns that a cell may fill where nothing else bounds the line. */
const CELL_WIDTH_MAX = 200;
/** Characters of a cell that are looked at: marks that stand on one letter fill no columns however many they are. */
const CELL_CHARS_MAX = 2_000;
/** A column is never made narrower than this. */
const COLUMN_WIDTH_MIN = 4;
const GAP = "  ";

export interface Column<Row> {
  readonly title: string;
  /** What stands in the cell. It may come from anywhere: the table makes it harmless. */
  readonly text: (row: Row) => string;
  readonly align?: "left" | "right";
  /** Colours the padded text. It must not change its width. */
  readonly paint?: (text: string, row: Row) => string;
  /** A column that is never cut, because half of its text is worth nothing: a number, a time. */
  readonly isWhole?: boolean;
}

export interface TableOptions {
  /** Columns of the terminal; undefined where nobody looks: then lines are as long as their text. */
  readonly width: number | undefined;
  readonly title?: (text: string) => string;
}

/**
 * Text in columns. The first rows decide how wide they are; later ones follow, so that a long answer can be printed as it comes.
 * On a terminal no line is longer than it is wide: the widest columns are cut first.
 */
export interface Table<Row> {
  /** Lines for these rows, without line ends. The first call gives the titles too. */
  lines(rows: readonly Row[]): readonly string[];
}

export function createTable<Row>(columns: readonly Column<Row>[], options: TableOptions): Table<Row> {
  let widths: readonly number[] | undefined;
  const isBounded = options.width !== undefined;
  const line = (cells: readonly string[], paint: (text: string, position: number) => string): string =>
    cells
      .map((cell, position) => {
        const width = widths?.[position] ?? 0;
        const { align = "left" } = columns[position]!;
        const cut = cutToWidth(cell, isBounded ? width : CELL_WIDTH_MAX);
        // Spaces at the end of a line help nobody.
        const isLast = position === cells.length - 1 && align === "left";
        return paint(isLast ? cut : padToWidth(cut, width, align), position);
      })
      .join(GAP)
      .trimEnd();
  return {
    lines(rows) {
      const cells = rows.map((row) => columns.map(({ text }) => cellText(text(row))));
      const lines: string[] = [];
      if (widths === undefined) {
        const natural = columns.map(({ title }, position) => naturalWidth(title, cells, position));
        widths = isBounded ? fittingWidths(natural, columns, options.width) : natural;
        lines.push(
          line(
            columns.map(({ title }) => title),
            (text) => (options.title ?? ((same) => same))(text),
          ),
        );
      }
      for (const [number, row] of rows.entries()) {
        lines.push(line(cells[number]!, (text, position) => columns[position]!.paint?.(text, row) ?? text));
      }
      return lines;
    },
  };
}

function cellText(text: string): string {
  return printable(text.length > CELL_CHARS_MAX ? `${text.slice(0, CELL_CHARS_MAX)}…` : text);
}

function naturalWidth(title: string, cells: readonly (readonly string[])[], position: number): number {
  let width = textWidth(title);
  // Cut first: measuring a megabyte that will not be shown takes long.
  for (const row of cells) width = Math.max(width, textWidth(cutToWidth(row[position] ?? "", CELL_WIDTH_MAX)));
  return width;
}

/** Takes from the widest columns, one by one, until the line fits or nothing more can be taken. */
function fittingWidths<Row>(natural: readonly number[], columns: readonly Column<Row>[], width: number | undefined): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1) - (width ?? Number.POSITIVE_INFINITY);
  while (excess > 0) {
    let widest = -1;
    for (const [position, one] of widths.entries()) {
      if (columns[position]!.isWhole !== true && one > COLUMN_WIDTH_MIN && one > (widths[widest] ?? 0)) widest = position;
    }
    if (widest === -1) return widths;
    widths[widest] = widths[widest]! - 1;
    excess -= 1;
  }
  return widths;
}
