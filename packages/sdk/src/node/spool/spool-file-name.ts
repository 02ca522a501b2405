import { HOLDER_PATTERN, parseHolder, type SpoolHolder } from "./spool-holder.ts";

/**
 * What a file is, as its name says.
 *
 * ```
 *  open ──▶ ready ──▶ (gone)      of the process that wrote it
 *    │        │
 *    ├────────┴─▶ free            its process closed the spool
 *    │        │    │
 *    └────────┴────┴─▶ taken      of the process that took it over
 * ```
 */
export type SpoolFileState = "open" | "ready" | "free" | "taken";

export interface SpoolFileName {
  readonly name: string;
  /** What stays the same through all states. Sorted, stems stand in the order of the starts of the processes, and of each process in the order of writing. */
  readonly stem: string;
  readonly state: SpoolFileState;
  /** Whose it is; undefined when anybody may take it. */
  readonly holder: SpoolHolder | undefined;
}

/** The version of the format stands in front: a newer one is another's business. */
const NAME = new RegExp(`^(v1-[0-9]{14}-(${HOLDER_PATTERN})-[0-9]{8})\\.(?:(open|ready|free)|(${HOLDER_PATTERN})\\.taken)$`);

/** @param startedMs When the spool was opened, by the clock on the wall. @param number Counts the files of this spool. */
export function formatStem(startedMs: number, holder: SpoolHolder, number: number): string {
  return `v1-${String(Math.max(0, Math.trunc(startedMs))).padStart(14, "0")}-${holder.text}-${String(number).padStart(8, "0")}`;
}

export function formatFileName(stem: string, state: "open" | "ready" | "free" | "damaged"): string {
  return `${stem}.${state}`;
}

export function formatTakenName(stem: string, holder: SpoolHolder): string {
  return `${stem}.${holder.text}.taken`;
}

/** Undefined for what is no file of a spool. */
export function parseFileName(name: string): SpoolFileName | undefined {
  const [, stem, writer, state, taker] = NAME.exec(name) ?? [];
  if (stem === undefined || writer === undefined) return undefined;
  if (taker !== undefined) return { name, stem, state: "taken", holder: parseHolder(taker) };
  if (state === "free") return { name, stem, state, holder: undefined };
  return { name, stem, state: state === "open" ? "open" : "ready", holder: parseHolder(writer) };
}
