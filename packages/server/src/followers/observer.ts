import type { AuditError } from "@vouchtrail/events";
import type { Failure } from "./failure.ts";

/** Counts what a follower does. The server's metrics implement it; lag and state are read from the follower itself. */
export interface FollowerObserver {
  /** A batch is in the store. @param seconds From the call of `apply` to its answer. */
  applied(entries: number, seconds: number): void;
  /** An attempt failed. @param code Of {@link Failure}. */
  failed(code: string): void;
  deadLettered(): void;
}

/** What a follower did on its own. Holds no content of events. */
export type FollowerNotice =
  | {
      readonly kind: "failing";
      readonly follower: string;
      readonly failure: Failure;
      readonly attempts: number;
      readonly retryInMs: number;
    }
  | { readonly kind: "recovered"; readonly follower: string; readonly attempts: number }
  | { readonly kind: "dead-letter"; readonly follower: string; readonly index: number; readonly failure: Failure }
  | { readonly kind: "dead-letters-full"; readonly follower: string; readonly failure: Failure }
  /** Entries `[from, to)` were pruned before the follower came to them: its store will never have them. */
  | { readonly kind: "pruned"; readonly follower: string; readonly from: number; readonly to: number }
  | { readonly kind: "diverged"; readonly follower: string; readonly error: AuditError }
  /** A fault of this program; its cause is in the error. The follower has stopped until it is rewound. */
  | { readonly kind: "broken"; readonly follower: string; readonly error: AuditError }
  /** A batch did not heed the signal while the follower closed. What it still does counts for nothing. */
  | { readonly kind: "abandoned"; readonly follower: string };
