import { type EventFilter, FILTER_NAMES, GROUP_NAMES, parseFilter, TIME_FILTER_NAMES } from "@vouchtrail/events";
import { z } from "zod";

const FilterValueSchema = z.union([z.string(), z.array(z.string())]);

/** Filters by name, as `GET /api/v1/events` takes them (FILTER-1 to FILTER-7); labels as `label.<name>`. The names are checked where the filter is read. */
export const FilterInputSchema = z
  .record(z.string(), FilterValueSchema)
  .describe(
    [
      `Filters by name, all must hold: ${[...FILTER_NAMES, ...TIME_FILTER_NAMES, "label.<name>"].join(", ")}.`,
      "A list is OR, ! before a value is NOT. action: deployment.* is all that begin so. outcome: success, failure, partial, pending, denied.",
      'activity: tool, decision, approval and so on, * for any. text: words that all occur. from and to: RFC 3339 or a date. Example: { "actor": "deploy-bot", "outcome": ["failure", "denied"], "from": "2026-01-31" }.',
    ].join(" "),
  );

export const GroupInputSchema = z.union([z.enum(GROUP_NAMES), z.templateLiteral(["label.", z.string()])]);

/** @throws {AuditError} `FILTER_INVALID` with the name that is wrong and the nearest that there is. */
export function filterOf(input: z.output<typeof FilterInputSchema> | undefined): EventFilter {
  return parseFilter(input ?? {});
}
