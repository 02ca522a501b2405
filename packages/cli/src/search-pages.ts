import type { ReadState } from "@vouchtrail/events";
import { SEARCH_PAGE_ENTRIES_MAX } from "./limits.ts";

/** What the pages of a search and of effects have in common. */
interface Page<Item> extends ReadState {
  readonly items: readonly Item[];
  readonly nextCursor?: string | undefined;
}

/** A page as it is to be asked for. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** How a walk over pages ended. */
export interface PagesEnd extends ReadState {
  readonly count: number;
  /** Where to go on; absent when nothing more matches. */
  readonly nextCursor?: string;
}

/**
 * Asks for pages until `limit` items came, or all there are.
 *
 * @param take Called with each page that holds something, in order.
 * @param limit Infinity for all.
 */
export async function takePages<Item>(
  ask: (request: PageRequest) => Promise<Page<Item>>,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  take: (items: readonly Item[]) => Promise<void>,
): Promise<PagesEnd> {
  let count = 0;
  let next = cursor;
  for (;;) {
    const page = await ask({ limit: Math.min(limit - count, SEARCH_PAGE_ENTRIES_MAX), ...(next === undefined ? {} : { cursor: next }) });
    if (page.items.length > 0) await take(page.items);
    count += page.items.length;
    next = page.nextCursor;
    if (next === undefined || count >= limit) {
      const { treeSize, searchedTo } = page;
      return { count, treeSize, searchedTo, ...(next === undefined ? {} : { nextCursor: next }) };
    }
  }
}
