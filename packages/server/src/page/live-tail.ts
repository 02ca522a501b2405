/** New entries as they become durable, with the filters of the search. Rule: PAGE-13. */

import type { EntryView } from "@vouchtrail/events";
import { type Client, type Parameters, parseAnswer, RequestError } from "./client.ts";
import { streamEvents } from "./event-stream.ts";

export type TailState = "connecting" | "live" | "waiting";

export interface TailOptions {
  readonly client: Client;
  readonly parameters: Parameters;
  /** The tail begins behind the entry with this index; -1 is the beginning. */
  readonly after: number;
  readonly onEntry: (entry: EntryView) => void;
  readonly onState: (state: TailState) => void;
  readonly signal: AbortSignal;
}

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 15_000;

/**
 * Follows until the signal aborts. A connection that breaks is made again and goes on behind the last entry, so that none is left out or told twice.
 *
 * @throws {RequestError} What trying again would not change: a filter that is refused, a key that is missing.
 */
export async function followTail({ client, parameters, after, onEntry, onState, signal }: TailOptions): Promise<void> {
  let last = after;
  let waitMs = RETRY_MIN_MS;
  while (!signal.aborted) {
    onState("connecting");
    try {
      const body = await client.stream("api/v1/tail", [...parameters, ["after", String(last)]], signal);
      onState("live");
      waitMs = RETRY_MIN_MS;
      for await (const { id, data } of streamEvents(body)) {
        if (data !== undefined) onEntry(parseAnswer<EntryView>(data));
        // Behind the entry: one that could not be shown is asked for again.
        if (id !== undefined && /^-?\d+$/.test(id)) last = Number(id);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof RequestError && error.status >= 400 && error.status < 500) throw error;
    }
    if (signal.aborted) return;
    onState("waiting");
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, RETRY_MAX_MS);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
