import { AuditError, formatCsvHeader, formatCsvRow, type SearchHit } from "@vouchtrail/events";

/** The forms in which entries are given out. */
export const SEARCH_FORMATS = ["json", "ndjson", "csv"] as const;
export type SearchFormat = (typeof SEARCH_FORMATS)[number];

/** How a form is written that is given out as it is read. */
export interface StreamFormat {
  readonly contentType: string;
  /** Before the first entry. */
  readonly start: string;
  readonly entry: (hit: SearchHit) => string;
  /** After the last one. */
  readonly end: (end: Readonly<Record<string, unknown>>) => string;
}

export const STREAM_FORMATS: Readonly<Record<Exclude<SearchFormat, "json">, StreamFormat>> = {
  ndjson: {
    contentType: "application/x-ndjson; charset=utf-8",
    start: "",
    entry: (hit) => `${JSON.stringify(hit)}\n`,
    // Without this line the answer was cut off, whatever stands between.
    end: (end) => `${JSON.stringify({ end })}\n`,
  },
  csv: {
    contentType: "text/csv; charset=utf-8; header=present",
    start: formatCsvHeader(),
    entry: formatCsvRow,
    end: () => "",
  },
};

const MEDIA_TYPES: Readonly<Record<string, SearchFormat>> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/jsonl": "ndjson",
  "text/csv": "csv",
};

/**
 * What is wanted: `format` if it is given, else the first form that the Accept header names, else JSON.
 *
 * @throws {AuditError} `FILTER_INVALID` for another `format`.
 */
export function formatOf(format: string | undefined, accept: string | undefined): SearchFormat {
  if (format !== undefined) {
    const known = SEARCH_FORMATS.find((name) => name === format);
    if (known === undefined)
      throw new AuditError("FILTER_INVALID", { path: "format", message: `format is one of: ${SEARCH_FORMATS.join(", ")}.` });
    return known;
  }
  for (const range of (accept ?? "").split(",")) {
    const type = range.split(";", 1)[0]?.trim().toLowerCase() ?? "";
    if (Object.hasOwn(MEDIA_TYPES, type)) return MEDIA_TYPES[type] ?? "json";
  }
  return "json";
}
