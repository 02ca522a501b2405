import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Follower } from "./followers/follower.ts";
import { FOLLOWER_STATES } from "./followers/follower-state.ts";
import type { FollowerObserver } from "./followers/observer.ts";
import type { IntakeObserver } from "./intake/intake.ts";
import type { FileLedger } from "./ledger/file-ledger.ts";

export interface Metrics extends IntakeObserver {
  readonly registry: Registry;
  /** Seconds from a whole request body to its answer. */
  readonly requestSeconds: Histogram<"route" | "status">;
  ledgerFailed(): void;
  noticed(kind: string): void;
  /** Follows a ledger with gauges that are read when somebody asks. */
  watch(ledger: FileLedger): void;
  /** Shows how many side effects were announced of which no outcome is known. */
  watchEffects(count: () => Promise<number | undefined>): void;
  /** Counts what a follower of that name does. */
  followerObserver(name: string): FollowerObserver;
  /** Shows a follower's lag and state, read when somebody asks. One of the same name takes the place of the one before. */
  watchFollower(follower: Pick<Follower, "name" | "state">): void;
}

/** The server's metrics, all with the prefix `vouchtrail_`. `docs/metrics.md` lists them. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "vouchtrail_" });
  const accepted = new Counter({
    name: "vouchtrail_events_accepted_total",
    help: "Events acked for the first time, by the door they came through.",
    labelNames: ["via"],
    registers,
  });
  const duplicates = new Counter({
    name: "vouchtrail_events_duplicate_total",
    help: "Events answered with their first receipt.",
    labelNames: ["via"],
    registers,
  });
  const refused = new Counter({
    name: "vouchtrail_events_refused_total",
    help: "Events refused, by the code of their first fault; a request that is refused as a whole counts once.",
    labelNames: ["code"],
    registers,
  });
  const redactions = new Counter({
    name: "vouchtrail_redactions_total",
    help: "Secrets removed before anything was written, by rule.",
    labelNames: ["rule"],
    registers,
  });
  const cuts = new Counter({
    name: "vouchtrail_content_cuts_total",
    help: "Texts cut to a preview, length and hash, by rule.",
    labelNames: ["rule"],
    registers,
  });
  const notices = new Counter({
    name: "vouchtrail_ledger_notices_total",
    help: "What the ledger did on its own: sealed segments, finished erasures, signed checkpoints, faults.",
    labelNames: ["kind"],
    registers,
  });
  const requestSeconds = new Histogram({
    name: "vouchtrail_http_request_seconds",
    help: "Time from a whole request to its answer.",
    labelNames: ["route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const followers = createFollowerMetrics(registers);
  const failed = new Gauge({ name: "vouchtrail_ledger_failed", help: "1 after the disk failed: nothing is accepted.", registers });
  return {
    registry,
    requestSeconds,
    accepted(via, count, repeated) {
      accepted.inc({ via }, count);
      if (repeated > 0) duplicates.inc({ via }, repeated);
    },
    refused: (code, count) => refused.inc({ code }, count),
    redacted: (rule, count) => redactions.inc({ rule }, count),
    cut: (rule, count) => cuts.inc({ rule }, count),
    ledgerFailed: () => failed.set(1),
    noticed: (kind) => notices.inc({ kind }),
    ...followers,
    watch(ledger) {
      new Gauge({
        name: "vouchtrail_ledger_entries",
        help: "Durable entries of the ledger.",
        registers,
        async collect() {
          this.set((await ledger.head()).treeSize);
        },
      });
      new Gauge({
        name: "vouchtrail_ledger_pending_entries",
        help: "Entries that wait for the writer.",
        registers,
        collect() {
          this.set(ledger.pending().entries);
        },
      });
      new Gauge({
        name: "vouchtrail_ledger_accepting",
        help: "1 while the ledger accepts entries.",
        registers,
        collect() {
          this.set(ledger.refusal() === undefined ? 1 : 0);
        },
      });
    },
    watchEffects(count) {
      new Gauge({
        name: "vouchtrail_effects_open",
        help: "Side effects that were announced more than an hour ago and of which no outcome is known; 1,000 stands for as many or more.",
        registers,
        async collect() {
          const open = await count();
          // While the search index cannot tell, the last number stays.
          if (open !== undefined) this.set(open);
        },
      });
    },
  };
}

function createFollowerMetrics(registers: Registry[]): Pick<Metrics, "followerObserver" | "watchFollower"> {
  const watched = new Map<string, Pick<Follower, "name" | "state">>();
  const applied = new Counter({
    name: "vouchtrail_follower_entries_applied_total",
    help: "Entries that a follower's store confirmed; more than the ledger has where batches came again.",
    labelNames: ["follower"],
    registers,
  });
  const failures = new Counter({
    name: "vouchtrail_follower_failures_total",
    help: "Attempts of a follower that failed, by code: of the list of errors, of the system or of the store.",
    labelNames: ["follower", "code"],
    registers,
  });
  const deadLetters = new Counter({
    name: "vouchtrail_follower_dead_letters_total",
    help: "Entries that a follower set aside, because its store refused each of them every time.",
    labelNames: ["follower"],
    registers,
  });
  const seconds = new Histogram({
    name: "vouchtrail_follower_apply_seconds",
    help: "Time that a follower's store took for a batch.",
    labelNames: ["follower"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  });
  new Gauge({
    name: "vouchtrail_follower_lag_entries",
    help: "Durable entries that a follower has not applied yet.",
    labelNames: ["follower"],
    registers,
    collect() {
      for (const [name, follower] of watched) this.set({ follower: name }, follower.state().lagEntries);
    },
  });
  new Gauge({
    name: "vouchtrail_follower_state",
    help: "1 for the state that a follower is in: starting, following, waiting (it has caught up), retrying, paused, diverged or stopped.",
    labelNames: ["follower", "state"],
    registers,
    collect() {
      for (const [name, follower] of watched) {
        const { state } = follower.state();
        for (const other of FOLLOWER_STATES) this.set({ follower: name, state: other }, other === state ? 1 : 0);
      }
    },
  });
  return {
    followerObserver(follower) {
      // Counters that are there from the beginning can be told from counters that nobody reports.
      applied.inc({ follower }, 0);
      deadLetters.inc({ follower }, 0);
      return {
        applied(entries, batchSeconds) {
          applied.inc({ follower }, entries);
          seconds.observe({ follower }, batchSeconds);
        },
        failed: (code) => failures.inc({ follower, code }),
        deadLettered: () => deadLetters.inc({ follower }),
      };
    },
    watchFollower: (follower) => void watched.set(follower.name, follower),
  };
}
