import {
  AuditError,
  type AuditReader,
  type EntryView,
  type EventFilter,
  type FilterName,
  type JsonObject,
  type SearchHit,
} from "@vouchtrail/events";
import { deedKey, formatDeedKey } from "../../followers/search/deed-key.ts";
import { SEARCH_ENTRIES_MAX } from "../limits.ts";
import { EXPLAIN_ENTRIES_MAX, RELATED_ROUNDS_MAX } from "./limits.ts";
import { objectAt, textOf } from "./told-entry.ts";

/** Ids of a context that join what belongs to one task, whoever told of it. */
const JOINING = ["conversationId", "taskId", "approvalId", "correlationId", "traceId"] as const;
/** Of these only some are filters: what shares another one is looked for among the entries of around the same time. */
const UNFILTERED = ["taskId", "approvalId", "correlationId"] as const;

/** What an event may have to do with, itself among it, and how far was searched for it. */
export interface Related {
  readonly hits: SearchHit[];
  readonly searchedTo: number;
}

/**
 * Finds what an event may have to do with: the entries of its session, of its deed, and those that share an id with it or with one of these.
 *
 * On either side of the event at most 2,000 entries of each question are looked at, so an explanation ends. Rule: EXPLAIN-2.
 */
export async function gatherRelated(reader: Pick<AuditReader, "search">, view: EntryView): Promise<Related> {
  const tenant = textOf(view.event.tenant);
  const context = objectAt(view.event, "context");
  const at = textOf(view.event.occurredAt) ?? "";
  const found = new Map<number, SearchHit>();
  // What is answered must not depend on how far the search index happens to be.
  const { searchedTo } = await reader.search({ filter: { conditions: [] }, limit: 1, wait: true });

  async function find(conditions: Readonly<Partial<Record<FilterName, string>>>, deed?: string): Promise<void> {
    const filter: EventFilter = {
      conditions: Object.entries({ ...(tenant === undefined ? {} : { tenant }), ...conditions }).map(([name, value]) => ({
        name: name as FilterName,
        wanted: [value],
        unwanted: [],
      })),
    };
    if (deed !== undefined) await take({ filter, order: "oldest", deed });
    else {
      await take({ filter: { ...filter, to: at }, order: "newest" });
      await take({ filter: { ...filter, from: at }, order: "oldest" });
    }
  }

  async function take(query: { readonly filter: EventFilter; readonly order: "newest" | "oldest"; readonly deed?: string }): Promise<void> {
    let cursor: string | undefined;
    let count = 0;
    do {
      const page = await reader.search({ ...query, limit: SEARCH_ENTRIES_MAX, ...(cursor === undefined ? {} : { cursor }) });
      for (const hit of page.events) found.set(hit.index, hit);
      count += page.events.length;
      cursor = page.nextCursor;
    } while (cursor !== undefined && count < EXPLAIN_ENTRIES_MAX);
  }

  const deed = deedOf(view);
  if (deed !== undefined) await find({}, deed);
  const sessionId = textOf(context?.sessionId);
  if (sessionId !== undefined) await find({ session: sessionId });
  const conversationId = textOf(context?.conversationId);
  if (conversationId !== undefined && sessionId === undefined) await find({ conversation: conversationId });
  const traceId = textOf(context?.traceId);
  if (traceId !== undefined) await find({ trace: traceId });
  const contexts = [context, ...[...found.values()].filter((hit) => hit.deed !== undefined && hit.deed === deed).map(contextOf)];
  if (contexts.some((one) => UNFILTERED.some((name) => textOf(one?.[name]) !== undefined))) {
    for (const name of UNFILTERED)
      for (const id of new Set(contexts.map((one) => textOf(one?.[name])))) if (id !== undefined) await find({ target: id });
    await find({});
  }
  // The event itself, however many others there are, and what it names as its parent.
  if (!found.has(view.index)) found.set(view.index, { ...view, counted: true, ...(deed === undefined ? {} : { deed }) });
  return { hits: relatedOf(view, [...found.values()], sessionId, deed), searchedTo };
}

/** The deed of an event as the search index names it. */
export function deedOf({ event }: EntryView): string | undefined {
  const context = objectAt(event, "context");
  const key = deedKey({
    tenant: textOf(event.tenant) ?? "",
    id: (textOf(event.id) ?? "").toLowerCase(),
    phase: textOf(event.phase),
    sessionId: textOf(context?.sessionId),
    callId: textOf(context?.callId),
    parentEventId: textOf(context?.parentEventId),
  });
  return key === undefined ? undefined : formatDeedKey(key);
}

function relatedOf(view: EntryView, hits: readonly SearchHit[], sessionId: string | undefined, deed: string | undefined): SearchHit[] {
  const related = new Set<SearchHit>();
  const keys = new Set<string>();
  for (const hit of hits) {
    const isOwn = hit.index === view.index || (deed !== undefined && hit.deed === deed);
    if (!isOwn && (sessionId === undefined || textOf(contextOf(hit)?.sessionId) !== sessionId)) continue;
    related.add(hit);
    // A session holds tasks of many kinds: only what shares an id with the deed itself is drawn in from outside.
    if (isOwn) for (const key of keysOf(hit)) keys.add(key);
  }
  for (let round = 0; round < RELATED_ROUNDS_MAX; round++) {
    const added = hits.filter((hit) => !related.has(hit) && keysOf(hit).some((key) => keys.has(key)));
    if (added.length === 0) break;
    for (const hit of added) {
      related.add(hit);
      for (const key of keysOf(hit)) keys.add(key);
    }
  }
  return [...related];
}

/** What two entries share when one leads to the other. */
function keysOf(hit: SearchHit): string[] {
  const context = contextOf(hit);
  const keys = JOINING.flatMap((name) => {
    const id = textOf(context?.[name]);
    return id === undefined ? [] : [`${name}:${id}`];
  });
  const id = textOf(hit.event.id)?.toLowerCase();
  const parent = textOf(context?.parentEventId)?.toLowerCase();
  return [...keys, ...(id === undefined ? [] : [`event:${id}`]), ...(parent === undefined ? [] : [`event:${parent}`])];
}

function contextOf({ event }: EntryView): JsonObject | undefined {
  return objectAt(event, "context");
}

/** The entry that an event names as its parent, undefined where there is none that may be seen. */
export async function findParentEntry(reader: Pick<AuditReader, "get">, view: EntryView): Promise<SearchHit | undefined> {
  const parent = textOf(contextOf(view)?.parentEventId);
  if (parent === undefined) return undefined;
  try {
    const found = await reader.get(parent, textOf(view.event.tenant));
    const deed = deedOf(found);
    return { ...found, counted: true, ...(deed === undefined ? {} : { deed }) };
  } catch (error) {
    // The id of a parent may be anything that a sender writes.
    if (error instanceof AuditError && (error.code === "NOT_FOUND" || error.code === "FILTER_INVALID")) return undefined;
    throw error;
  }
}
