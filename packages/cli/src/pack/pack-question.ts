import { AuditError, type EntryPredicate, type EventFilter, filterParameters, matchesFilter, parseFilter } from "@vouchtrail/events";
import type { PackEntry } from "./pack-entry.ts";
import type { PackQuestion } from "./pack-manifest.ts";

/** The question as the manifest keeps it: filters by name, as the search takes them. */
export function packQuestionOf(filter: EventFilter, below: number): PackQuestion {
  const filters = new Map<string, string[]>();
  for (const [name, value] of filterParameters(filter)) filters.set(name, [...(filters.get(name) ?? []), value]);
  return { filters: Object.fromEntries(filters), below };
}

/**
 * Whether an entry is one that was asked for. `undecided`: what the filter looks at may stand in a section that was erased.
 *
 * @returns Undefined for a question that this version does not understand: a newer one may know more filters.
 */
export function answersQuestion(question: PackQuestion): ((entry: PackEntry) => "yes" | "no" | "undecided") | undefined {
  let matches: EntryPredicate;
  try {
    matches = matchesFilter(parseFilter(question.filters));
  } catch (error) {
    if (error instanceof AuditError) return undefined;
    throw error;
  }
  return (entry) => {
    if (entry.index < question.below && matches(entry, entry.texts)) return "yes";
    return entry.index < question.below && Object.values(entry.sections).some(({ state }) => state === "erased") ? "undecided" : "no";
  };
}
