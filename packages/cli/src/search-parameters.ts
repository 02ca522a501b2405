import { type EffectsQuery, filterParameters, type SearchQuery, type StatsQuery } from "@vouchtrail/events";

/** What the questions of the read contract have in common, and all of their options. */
type Question = Pick<SearchQuery, "filter"> & Partial<SearchQuery & EffectsQuery & StatsQuery>;

/** A question as the query of a URL. */
export function searchParameters({ filter, groups, limit, cursor, order, deeds, deed, state, bucket, wait }: Question): URLSearchParams {
  const parameters = new URLSearchParams(filterParameters(filter));
  const options = { limit, cursor, order, deeds, deed, state, bucket, wait: wait === true ? "searchable" : undefined };
  for (const [name, value] of Object.entries(options)) if (value !== undefined) parameters.set(name, String(value));
  for (const group of groups ?? []) parameters.append("group", group);
  return parameters;
}
