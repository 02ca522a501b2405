/** Names of the filters besides `label.<name>`; each takes text. Times are filters of their own: {@link TIME_FILTER_NAMES}. */
export const FILTER_NAMES = [
  "tenant",
  "actor",
  "actorType",
  "onBehalfOf",
  "action",
  "target",
  "targetType",
  "outcome",
  "code",
  "activity",
  "tool",
  "model",
  "session",
  "conversation",
  "call",
  "request",
  "trace",
  "ip",
  "sensitive",
  "proof",
  "phase",
  "source",
  "via",
  "text",
] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

/** Names of the filters that are moments: `from` and `to` look at `occurredAt`, the other two at the arrival. */
export const TIME_FILTER_NAMES = ["from", "to", "receivedFrom", "receivedTo"] as const;
export type TimeFilterName = (typeof TIME_FILTER_NAMES)[number];

/** What the name of a filter on a label begins with. */
export const LABEL_PREFIX = "label.";

/** One filter: the event has any of `wanted` (or `wanted` is empty) and none of `unwanted`. Values are 1 to `FILTER_CHARS_MAX` characters. */
export interface FilterCondition {
  readonly name: FilterName | `label.${string}`;
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
}

/**
 * What an event must be like: all conditions hold, and the times lie within `[from, to)` and `[receivedFrom, receivedTo)`.
 * Times are RFC 3339. Plain data, so that it travels between processes and over HTTP.
 */
export interface EventFilter {
  readonly conditions: readonly FilterCondition[];
  readonly from?: string;
  readonly to?: string;
  readonly receivedFrom?: string;
  readonly receivedTo?: string;
}
