import { FILE_ENTRIES, ROW_GROUP_ROWS } from "./limits.ts";

/** How the rows of an index are cut into files and row groups. Tests make both small. */
export interface IndexLayout {
  /** Entries of one file. */
  readonly fileEntries: number;
  /** Rows of one row group, and of one hot table at most. */
  readonly rowGroupRows: number;
}

export const INDEX_LAYOUT: IndexLayout = { fileEntries: FILE_ENTRIES, rowGroupRows: ROW_GROUP_ROWS };

/** Rows that DuckDB takes in one step: its row groups are whole multiples of it. */
const VECTOR_ROWS = 2_048;

/** The row group size that a file is attached with. */
export function attachedRowGroupRows({ rowGroupRows }: IndexLayout): number {
  return Math.ceil(rowGroupRows / VECTOR_ROWS) * VECTOR_ROWS;
}

/** Where the file begins that holds an entry. */
export function fileStart({ fileEntries }: IndexLayout, index: number): number {
  return index - (index % fileEntries);
}

/** Where the row group ends that an entry belongs to: counted from the beginning of its file, also where rows before it are missing. */
export function rowGroupEnd(layout: IndexLayout, index: number): number {
  const first = fileStart(layout, index);
  const begin = index - ((index - first) % layout.rowGroupRows);
  return Math.min(begin + layout.rowGroupRows, first + layout.fileEntries);
}
