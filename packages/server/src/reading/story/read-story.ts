import {
  AuditError,
  type AuditReader,
  type EventFilter,
  FILTER_CHARS_MAX,
  type SearchHit,
  type SessionStory,
  type SessionStoryQuery,
} from "@vouchtrail/events";
import { SEARCH_ENTRIES_MAX } from "../limits.ts";
import { limitOf } from "../question.ts";
import { assembleStory } from "./assemble-story.ts";
import { STORY_ENTRIES_MAX } from "./limits.ts";
import { viewSteps } from "./step-view.ts";
import { summaryOf } from "./story-summary.ts";

/**
 * Tells a session from its entries, which are found by the search index and read from the ledger.
 *
 * @throws {AuditError} `NOT_FOUND` where no entry names the session, or none that may be seen; `FILTER_INVALID` for a limit out of range, and where several tenants
 * have a session of this id and none is named. Rules: SESSION-1, SESSION-7.
 */
export async function readStory(
  reader: Pick<AuditReader, "search" | "stats">,
  { id, tenant, limit: wanted, cursor: from, wait }: SessionStoryQuery,
): Promise<SessionStory> {
  const limit = limitOf(wanted, { standard: STORY_ENTRIES_MAX, max: STORY_ENTRIES_MAX });
  // Longer than any filter takes: no session is named so.
  if (id === "" || id.length > FILTER_CHARS_MAX) throw unknownSession();
  const filter = sessionFilter(id, tenant);
  await assertOneTenant(reader, filter, wait === true);

  const hits: SearchHit[] = [];
  let cursor = from;
  let searchedTo = 0;
  let treeSize = 0;
  do {
    const page = await reader.search({
      filter,
      order: "oldest",
      limit: Math.min(limit - hits.length, SEARCH_ENTRIES_MAX),
      ...(cursor === undefined ? {} : { cursor }),
    });
    hits.push(...page.events);
    ({ searchedTo, treeSize } = page);
    cursor = page.nextCursor;
  } while (cursor !== undefined && hits.length < limit);
  if (hits.length === 0) throw unknownSession();

  const { roots, nodes } = assembleStory(hits);
  return {
    ...summaryOf(id, hits, nodes),
    steps: viewSteps(roots, nodes),
    isTruncated: from !== undefined || cursor !== undefined,
    ...(cursor === undefined ? {} : { nextCursor: cursor }),
    treeSize,
    searchedTo,
  };
}

/** Entries of one session, of one tenant where one is named. Values are taken as they are: no mark in them means anything. */
export function sessionFilter(id: string, tenant: string | undefined): EventFilter {
  return {
    conditions: [
      { name: "session", wanted: [id], unwanted: [] },
      ...(tenant === undefined ? [] : [{ name: "tenant" as const, wanted: [tenant], unwanted: [] }]),
    ],
  };
}

async function assertOneTenant(reader: Pick<AuditReader, "stats">, filter: EventFilter, wait: boolean): Promise<void> {
  const { groupCount } = await reader.stats({ filter, groups: ["tenant"], limit: 1, wait });
  if (groupCount <= 1) return;
  throw new AuditError("FILTER_INVALID", {
    path: "tenant",
    message: "More than one tenant has a session with this id. Name one with ?tenant=.",
  });
}

function unknownSession(): AuditError {
  return new AuditError("NOT_FOUND", { message: "There is no session with this id." });
}
