import { type AuditEvent, type EventFilter, FILTER_NAMES, type FilterCondition, matchesFilter, textWords } from "@vouchtrail/events";
import fc from "fast-check";
import { arbitraryEvent } from "../events/arbitrary-event.ts";
import type { ReadEntry } from "./index-rows.ts";

/* Events and filters that have much to do with each other, for laws about finding. */

/** The indexes of the entries that a filter accepts, asked one by one: what an index must find. */
export function accepted(entries: readonly ReadEntry[], filter: EventFilter, tenant?: string): number[] {
  const matches = matchesFilter(filter);
  return entries
    .filter((entry) => (tenant === undefined || entry.event.tenant === tenant) && matches(entry, entry.texts))
    .map(({ indexed }) => indexed.index);
}

/** Values that meet each other, and that look like the syntax of SQL, JSON, patterns and paths. */
const HOSTILE = [
  "a", "A", "b", ",", ":", "]", "}", "[", "{", '"', "\\", '\\"', ',"', '","', '":"', ',"a', '","a":"b', 'a","b', "'", "';--", "%", "_", "a%", "a_b", "*", "?", "/", "a/b",
  "$1", "$.a", "\u0000", "\n", "é", "É", "ß", "ẞ", "Σ", "ς", "İ", "i", "I", "ı", "K", "k", "😀", "\ufeff", "~0", "~1", "null", "true", " ",
] as const; // biome-ignore format: a list of single characters
export const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.array(fc.constantFrom(...HOSTILE), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
);
export const leafText = hostile.filter((text) => !/[\u0000-\u001f]/.test(text));
export const labels = fc
  .array(fc.tuple(hostile, hostile), { maxLength: 3 })
  .map(
    (pairs) =>
      JSON.parse(`{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`) as Record<
        string,
        string
      >,
  );
export const moment = fc.constantFrom(
  "2026-01-31T12:00:00.000Z",
  "2026-01-31T13:00:00.000+01:00",
  "2026-01-31T12:00:00.0000009Z",
  "2026-01-31T12:00:00.000001Z",
  "2025-12-31T23:59:60Z",
  "2020-01-01T00:00:00Z",
  "0001-01-01T00:00:00+23:59",
  "9999-12-31T23:59:59.999999999Z",
);

/** Events whose values come from few, so that filters meet several of them. */
export const event: fc.Arbitrary<AuditEvent> = fc
  .tuple(
    arbitraryEvent,
    fc.record(
      {
        tenant: fc.constantFrom("acme", "Acme", "other"),
        occurredAt: moment,
        action: fc.constantFrom("ai.tool_call", "ai.decision", "GUILD_CREATE", "guild.create", "guild.created", "GUILD", "AI.TOOL_CALL"),
        actor: fc.record(
          {
            type: fc.constantFrom("user" as const, "agent" as const),
            id: leafText,
            name: hostile,
            onBehalfOf: fc.array(fc.record({ type: fc.constant("user"), id: leafText }), { maxLength: 3 }),
          },
          { requiredKeys: ["type", "id"] },
        ),
        target: fc.record(
          { type: fc.oneof(fc.constantFrom("user", "tool", "a", "a/b"), leafText), id: leafText, name: hostile },
          { requiredKeys: ["type", "id"] },
        ),
        labels,
        details: fc.dictionary(hostile, fc.oneof(hostile, fc.array(hostile, { maxLength: 2 })), { maxKeys: 3 }),
        context: fc.record({ sessionId: leafText, callId: leafText, requestId: leafText, ipAddress: hostile }, { requiredKeys: [] }),
        source: fc.record({ name: leafText, instance: leafText, sequence: fc.nat(3) }),
      },
      { requiredKeys: ["tenant", "action"] },
    ),
  )
  .map(([base, members]) => ({ ...base, ...members }) as AuditEvent);

/** What an entry says under the name of a filter, read without the code that is tested. */
function valuesOf(name: string, { event, received, texts }: ReadEntry): string[] {
  // biome-ignore lint/suspicious/noExplicitAny: whatever is there is taken
  const e = event as any;
  const texted = `${texts.content ?? ""} ${texts.personal ?? ""} ${e.action} ${e.actor?.id} ${e.target?.id}`;
  const known: Record<string, unknown[]> = {
    tenant: [e.tenant],
    actor: [e.actor?.id],
    actorType: [e.actor?.type],
    onBehalfOf: (e.actor?.onBehalfOf ?? []).map((party: { id: string }) => party.id),
    action: [e.action, `${String(e.action).slice(0, 3)}*`, "guild.create", "*"],
    target: [e.target?.id, `${e.target?.type}/${e.target?.id}`],
    targetType: [e.target?.type],
    outcome: [e.outcome?.status],
    code: [e.outcome?.code],
    activity: [e.activity?.type, "*"],
    tool: [e.activity?.name],
    model: [e.usage?.model],
    session: [e.context?.sessionId],
    conversation: [e.context?.conversationId],
    call: [e.context?.callId],
    request: [e.context?.requestId],
    trace: [e.context?.traceId],
    ip: [e.context?.ipAddress],
    sensitive: ["true", "false"],
    proof: [e.proof?.type],
    phase: ["intent", "outcome"],
    source: [e.source?.name],
    via: [received.via],
    text: [texted],
  };
  const values = name.startsWith("label.") ? [e.labels?.[name.slice(6)]] : (known[name] ?? []);
  return values.filter((value): value is string => typeof value === "string" && value !== "");
}

/** A condition on what occurs in the entries, or nearly does. */
export function conditionOf(entries: readonly ReadEntry[]): fc.Arbitrary<FilterCondition> {
  const names = entries.flatMap(({ event: { labels: own } }) =>
    Object.keys(own ?? {})
      .filter((name) => name !== "")
      .map((name) => `label.${name}`),
  );
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...FILTER_NAMES) },
    { weight: 1, arbitrary: fc.constantFrom("label.a", ...names) },
  );
  const some = fc.constantFrom(...entries);
  return fc.oneof(name, fc.constant("text"), fc.constant("target"), fc.constant("onBehalfOf")).chain((filterName) => {
    const occurring = fc
      .tuple(some, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 12 }), fc.nat(2))
      .map(([from, pick, start, length, casing]) => {
        const values = valuesOf(filterName, from);
        const value = values[pick % Math.max(1, values.length)] ?? "a";
        if (filterName !== "text") return value;
        const slice = value.slice(start % value.length, (start % value.length) + length);
        return [slice, slice.toUpperCase(), slice.toLowerCase()][casing] ?? slice;
      });
    const closed = ["tenant", "outcome", "actorType", "activity", "sensitive", "proof", "phase", "via"].includes(filterName);
    const value = closed ? occurring : fc.oneof({ weight: 3, arbitrary: occurring }, { weight: 1, arbitrary: hostile });
    const valid = value.filter(isValue(filterName));
    return fc
      .record({ wanted: fc.array(valid, { maxLength: 3, size: "max" }), unwanted: fc.array(valid, { maxLength: 1 }) })
      .map((lists) => ({ name: filterName as FilterCondition["name"], ...lists }));
  });
}

const isValue =
  (name: string) =>
  (value: string): boolean =>
    !/\p{Surrogate}/u.test(value) && value.length <= 1_000 && (name !== "text" || textWords(value).length > 0);

export const times = fc.record({ from: moment, to: moment, receivedFrom: moment, receivedTo: moment }, { requiredKeys: [] });
