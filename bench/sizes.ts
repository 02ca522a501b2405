import type { AcceptSizes } from "./accept.ts";
import type { SearchSizes } from "./search-scenario.ts";

/** How much is measured. */
export interface Sizes {
  /** Absent: the rounds of the accept path are left out. */
  readonly accept: (AcceptSizes & { readonly blocks: number }) | undefined;
  /** Events of the sustained load; then they are searched. */
  readonly sustained: number;
  readonly search: SearchSizes;
  readonly profile: ProfileSizes;
}

export interface ProfileSizes {
  readonly batch: number;
  readonly single: number;
}

const EFFORT = { runs: 30, warmUpRuns: 3 };
const ACCEPT = { rounds: 3, batch: 16_000 };
const PROFILE: ProfileSizes = { batch: 120_000, single: 30_000 };

/** Sized so that the batches of one block stay within one segment: sealing is then measured by itself, in the sustained load. */
const SHORT: Sizes = {
  accept: { ...ACCEPT, blocks: 1, single: 5_000, alone: 1_000, postgres: 3_000 },
  sustained: 200_000,
  search: {
    ours: { ...EFFORT, secondsMax: 5 },
    baseline: { ...EFFORT, secondsMax: 3 },
    acks: { pacedPerSecond: 500, pacedSeconds: 8, saturatedEvents: 8_000 },
  },
  profile: PROFILE,
};

const LONG: Sizes = {
  accept: { ...ACCEPT, blocks: 3, single: 8_000, alone: 2_000, postgres: 8_000 },
  sustained: 1_000_000,
  search: {
    ours: { ...EFFORT, secondsMax: 60 },
    baseline: { ...EFFORT, secondsMax: 60 },
    acks: { pacedPerSecond: 500, pacedSeconds: 30, saturatedEvents: 30_000 },
  },
  profile: PROFILE,
};

const HUGE: Sizes = { ...LONG, accept: undefined, sustained: 10_000_000 };

/** @param options.events Another number of events for the sustained load and for searching. */
export function sizesOf(options: { readonly long: boolean; readonly huge: boolean; readonly events?: string | undefined }): Sizes {
  const sizes = options.huge ? HUGE : options.long ? LONG : SHORT;
  if (options.events === undefined) return sizes;
  const sustained = Number(options.events);
  if (!Number.isSafeInteger(sustained) || sustained < 1) throw new Error("--events takes a whole number, 1 or more.");
  return { ...sizes, sustained };
}
