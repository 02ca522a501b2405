import {
  AuditError,
  type AuditReader,
  BUNDLES_FORMAT,
  type BundlePage,
  type EffectView,
  type EntryView,
  type ReadState,
  type SearchHit,
  type SearchQuery,
} from "@vouchtrail/events";
import type { Found, FoundEntry, Question, SearchEngine } from "../followers/search/search-engine.ts";
import type { Principal } from "../intake/principal.ts";
import type { FileLedger } from "../ledger/file-ledger.ts";
import type { StoredEntry } from "../ledger/ledger.ts";
import { type CursorQuestion, createCursors } from "./cursor.ts";
import { viewEntry } from "./entry-view.ts";
import { openLedgerReader } from "./ledger-reader.ts";
import {
  BUNDLES_DEFAULT,
  BUNDLES_MAX,
  PAGE_CHARS_MAX,
  READ_STREAM_ENTRIES_DEFAULT,
  READ_STREAM_ENTRIES_MAX,
  SEARCH_ENTRIES_DEFAULT,
  SEARCH_ENTRIES_MAX,
  SESSIONS_DEFAULT,
  SESSIONS_MAX,
  SOURCES_MAX,
  STATS_GROUPS_DEFAULT,
  STATS_GROUPS_MAX,
  STREAM_STEP_ENTRIES,
} from "./limits.ts";
import { charsOfEntry, damagedEntry, readPage } from "./page-entries.ts";
import { createProofs } from "./proofs.ts";
import { bucketOf, deedOf, groupsOf, limitOf, orderOf, stateOf } from "./question.ts";
import { explainEvent } from "./story/explain-event.ts";
import { readStory } from "./story/read-story.ts";

/** The slice of the search index that reading needs. */
export interface Searchable {
  readonly engine: Pick<SearchEngine, "find" | "effects" | "stats" | "sources" | "sessions" | "completeness">;
  /** Resolves when everything below `next` can be found. @throws {AuditError} `SEARCH_BEHIND`, `SEARCH_UNAVAILABLE`. */
  waitFor(next: number, signal?: AbortSignal): Promise<void>;
}

export interface ReaderDeps {
  readonly ledger: FileLedger;
  readonly search: Searchable;
  /** 32 bytes, from `loadCursorKey`. */
  readonly cursorKey: Uint8Array;
}

/** How a stream ended. */
export interface StreamEnd extends ReadState {
  /** Where to go on: absent when nothing more matches. */
  readonly nextCursor?: string;
}

/** The read contract, and what only the process that holds the ledger can do. */
export interface ServerReader extends AuditReader {
  /**
   * Everything that matches, in batches, read as it is taken. `limit` is 1 to 1,000,000, default 10,000; otherwise as `search`.
   * Whoever stops taking ends the work.
   */
  stream(query: SearchQuery): AsyncGenerator<readonly SearchHit[], StreamEnd>;
}

/** What was read of a page: it ends early when the entries are large. */
interface PageRead<Made> {
  readonly made: readonly Made[];
  /** Index of the last entry that was looked at, undefined when there is nothing behind it. */
  readonly position: number | undefined;
  readonly searchedTo: number;
}

/**
 * The read contract for one asker: the search index finds, the ledger answers. A principal that is bound to a tenant learns nothing of others.
 *
 * @param signal Aborts when nobody waits for the answer any more.
 */
export function openReader(
  { ledger, search, cursorKey }: ReaderDeps,
  principal: Pick<Principal, "tenant">,
  signal?: AbortSignal,
): ServerReader {
  const { tenant } = principal;
  const { engine } = search;
  const cursors = createCursors(cursorKey, ledger.origin);

  async function waitIfAsked(wait: boolean | undefined): Promise<void> {
    if (wait !== true) return;
    const { treeSize } = await ledger.head();
    await search.waitFor(treeSize, signal);
  }

  /** Taken after the search, so that nobody reads that more was searched than there is. */
  async function durableSize(): Promise<number> {
    return (await ledger.head()).treeSize;
  }

  function searchQuestion(kind: CursorQuestion["kind"], query: SearchQuery): CursorQuestion {
    const { filter, deeds, deed } = query;
    return { kind, tenant, filter, order: orderOf(query.order), deeds: deeds === true, deed: deedOf(deed) };
  }

  const find = (question: CursorQuestion, limit: number, beyond: number | undefined): Promise<Found> =>
    engine.find({ ...asked(question), limit, order: question.order, beyond, deeds: question.deeds, deed: question.deed }, signal);

  const asked = ({ filter }: Pick<Question, "filter">): Question => ({ filter, tenant });

  /** Where the page begins: behind the entry that the cursor names. */
  function beyondOf(question: CursorQuestion, cursor: string | undefined): number | undefined {
    return cursor === undefined ? undefined : cursors.parse(question, cursor);
  }

  /** Reads what was found, in its order, and makes something of each entry while the next ones are being read. */
  async function readFound<Entry extends FoundEntry, Made>(
    found: Pick<Found, "hasMore" | "searchedTo"> & { readonly entries: readonly Entry[] },
    make: (stored: StoredEntry, found: Entry) => Made,
  ): Promise<PageRead<Made>> {
    const made: Made[] = [];
    let position: number | undefined;
    let chars = 0;
    let isCut = false;
    reading: for await (const group of readPage(ledger, found.entries, { tenant, signal })) {
      for (const { found: one, stored } of group) {
        const size = stored === undefined ? 0 : charsOfEntry(stored);
        isCut = chars > 0 && chars + size > PAGE_CHARS_MAX;
        if (isCut) break reading;
        position = one.index;
        chars += size;
        if (stored !== undefined) made.push(make(stored, one));
      }
    }
    return { made, position: found.hasMore || isCut ? position : undefined, searchedTo: found.searchedTo };
  }

  function viewOf(stored: StoredEntry): EntryView {
    try {
      return viewEntry(ledger, stored);
    } catch (cause) {
      throw damagedEntry(stored.index, cause);
    }
  }

  const hitOf = (stored: StoredEntry, { counted, deed }: FoundEntry): SearchHit => ({
    ...viewOf(stored),
    counted,
    ...(deed === undefined ? {} : { deed }),
  });

  const next = (question: CursorQuestion, position: number | undefined): { nextCursor?: string } =>
    position === undefined ? {} : { nextCursor: cursors.format(question, position) };

  const reader: ServerReader = {
    ...openLedgerReader(ledger, principal),
    async search(query) {
      const question = searchQuestion("search", query);
      const limit = limitOf(query.limit, { standard: SEARCH_ENTRIES_DEFAULT, max: SEARCH_ENTRIES_MAX });
      const beyond = beyondOf(question, query.cursor);
      await waitIfAsked(query.wait);
      const { made: events, position, searchedTo } = await readFound(await find(question, limit, beyond), hitOf);
      return { events, ...next(question, position), treeSize: await durableSize(), searchedTo };
    },
    async *stream(query) {
      const question = searchQuestion("search", query);
      const limit = limitOf(query.limit, { standard: READ_STREAM_ENTRIES_DEFAULT, max: READ_STREAM_ENTRIES_MAX });
      let beyond = beyondOf(question, query.cursor);
      await waitIfAsked(query.wait);
      for (let wanted = limit; ; ) {
        const found = await find(question, Math.min(wanted, STREAM_STEP_ENTRIES), beyond);
        for await (const group of readPage(ledger, found.entries, { tenant, signal })) {
          const hits = group.flatMap(({ stored, found: one }) => (stored === undefined ? [] : [hitOf(stored, one)]));
          if (hits.length > 0) yield hits;
        }
        beyond = found.entries.at(-1)?.index ?? beyond;
        wanted -= found.entries.length;
        if (!found.hasMore || wanted === 0 || found.entries.length === 0) {
          const position = found.hasMore ? beyond : undefined;
          return { ...next(question, position), treeSize: await durableSize(), searchedTo: found.searchedTo };
        }
      }
    },
    async stats(query) {
      const { filter } = query;
      const groups = groupsOf(query.groups);
      const bucket = bucketOf(query.bucket);
      const limit = limitOf(query.limit, { standard: STATS_GROUPS_DEFAULT, max: STATS_GROUPS_MAX });
      await waitIfAsked(query.wait);
      const found = await engine.stats({ ...asked({ filter }), groups, bucket, limit }, signal);
      return { ...found, treeSize: await durableSize() };
    },
    async sources(query) {
      const limit = limitOf(query.limit, { standard: SOURCES_MAX, max: SOURCES_MAX });
      await waitIfAsked(query.wait);
      const found = await engine.sources({ ...asked(query), limit }, signal);
      return { ...found, treeSize: await durableSize() };
    },
    async effects(query) {
      const { filter } = query;
      const state = stateOf(query.state);
      const question: CursorQuestion = { kind: "effects", tenant, filter, order: orderOf(query.order), state };
      const limit = limitOf(query.limit, { standard: SEARCH_ENTRIES_DEFAULT, max: SEARCH_ENTRIES_MAX });
      const beyond = beyondOf(question, query.cursor);
      await waitIfAsked(query.wait);
      const found = await engine.effects({ ...asked(question), limit, order: question.order, beyond, state }, signal);
      const makeEffect = (stored: StoredEntry, one: (typeof found.entries)[number]): EffectView => ({
        ...hitOf(stored, one),
        state: one.state,
      });
      const { made: effects, position, searchedTo } = await readFound(found, makeEffect);
      return { effects, ...next(question, position), treeSize: await durableSize(), searchedTo };
    },
    async bundles(query) {
      const question = searchQuestion("bundles", { ...query, order: "oldest" });
      const limit = limitOf(query.limit, { standard: BUNDLES_DEFAULT, max: BUNDLES_MAX });
      const beyond = beyondOf(question, query.cursor);
      const first = await ledger.checkpoint();
      await waitIfAsked(query.wait);
      const { made, position, searchedTo } = await readFound(await find(question, limit, beyond), (stored) => stored);
      const { checkpoint: last, bundles } = await createProofs(ledger).bundles(made, signal);
      const page: BundlePage = {
        format: BUNDLES_FORMAT,
        checkpoints: { first, last },
        bundles,
        ...next(question, position),
        treeSize: await durableSize(),
        searchedTo,
      };
      return page;
    },
    async sessions(query) {
      const question: CursorQuestion = { kind: "sessions", tenant, filter: query.filter, order: "newest" };
      const limit = limitOf(query.limit, { standard: SESSIONS_DEFAULT, max: SESSIONS_MAX });
      const beyond = beyondOf(question, query.cursor);
      await waitIfAsked(query.wait);
      const { sessions, hasMore, searchedTo } = await engine.sessions({ ...asked(question), limit, beyond }, signal);
      const position = hasMore ? sessions.at(-1)?.last : undefined;
      return {
        sessions: sessions.map(({ last: _, ...session }) => session),
        ...next(question, position),
        treeSize: await durableSize(),
        searchedTo,
      };
    },
    async completeness(query) {
      await waitIfAsked(query.wait);
      const unknown = new AuditError("NOT_FOUND", { message: "There is no session with this id." });
      if (tenant !== undefined && query.tenant !== undefined && query.tenant !== tenant) throw unknown;
      const found = await engine.completeness({ sessionId: query.id, tenant: query.tenant ?? tenant }, signal);
      const [verdict, another] = found.verdicts;
      if (verdict === undefined) throw unknown;
      if (another !== undefined)
        throw new AuditError("FILTER_INVALID", {
          path: "tenant",
          message: "More than one tenant has a session with this id. Name one with ?tenant=.",
        });
      return { ...verdict, treeSize: await durableSize(), searchedTo: found.searchedTo };
    },
    session: (query) => readStory(reader, query),
    explain: (id, named) => explainEvent(id, named, { ledger, reader, tenant, signal }),
  };
  return reader;
}
