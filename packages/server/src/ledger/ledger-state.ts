import { AuditError } from "@vouchtrail/events";
import type { FreeSpace } from "./free-space.ts";
import type { Regression } from "./recovery.ts";

/** What the parts of a ledger that write ask before they do, and whom they tell when they cannot go on. */
export interface WriteGate {
  /** New work is taken. */
  isOpen(): boolean;
  /** Work that was taken is still finished: true until the ledger failed or is closed. */
  isAccepting(): boolean;
  /** @throws {AuditError} What {@link LedgerState.refusal} answers, unless `isAccepting`. */
  assertAccepting(): void;
  /** Ends acceptance for good; later calls do nothing. */
  fail(error: unknown): void;
}

/**
 * Whether a ledger takes entries.
 *
 * `open` --failed write or sync--> `failed` (reads go on, appends are refused) ; `open` --close--> `closing` --> `closed` ;
 * `closing` --failed write or sync--> `failed` --> `closed`. A ledger opened `read-only` never accepts.
 */
export interface LedgerState extends WriteGate {
  /** Closing has begun, or is done. */
  isEnding(): boolean;
  isClosed(): boolean;
  /** Undefined while entries are accepted; else the error that `append` would throw. */
  refusal(): AuditError | undefined;
  /** From `open` to `closing`; does nothing in any other state. Answers whether it did. */
  beginClosing(): boolean;
  endClosing(): void;
}

export interface LedgerStateOptions {
  readonly isReadOnly: boolean;
  readonly regression: Regression;
  /** Durable entries, told with a regression. */
  readonly treeSize: () => number;
  readonly freeSpace: FreeSpace;
  /** Called once, in the turn in which the ledger fails. @param refusal For whoever waits for what will not happen. */
  readonly onFailed: (error: unknown, refusal: AuditError) => void;
}

export function createLedgerState({ isReadOnly, regression, treeSize, freeSpace, onFailed }: LedgerStateOptions): LedgerState {
  let state: "open" | "read-only" | "failed" | "closing" | "closed" = isReadOnly || regression !== undefined ? "read-only" : "open";

  const isAccepting = (): boolean => state === "open" || state === "closing";

  function refusal(): AuditError | undefined {
    switch (state) {
      case "open":
        if (freeSpace.isEnough()) return undefined;
        // Whoever asks here first and does not append must still see the space come back.
        void freeSpace.check();
        return new AuditError("DISK_FULL");
      case "read-only":
        return regression === undefined
          ? new AuditError("LEDGER_READ_ONLY", { message: "The ledger was opened for reading only." })
          : new AuditError("LEDGER_REGRESSED", { detail: { treeSize: treeSize(), rememberedSize: regression.rememberedSize } });
      case "failed":
        return new AuditError("LEDGER_READ_ONLY", {
          message: "The disk failed, so nothing is accepted until the server is restarted. Check the disk and its free space first.",
        });
      default:
        return new AuditError("SHUTTING_DOWN");
    }
  }

  return {
    isOpen: () => state === "open",
    isAccepting,
    isEnding: () => state === "closing" || state === "closed",
    isClosed: () => state === "closed",
    refusal,
    assertAccepting() {
      if (!isAccepting()) throw refusal();
    },
    fail(error) {
      if (state === "failed" || state === "closed") return;
      state = "failed";
      onFailed(error, new AuditError("OUTCOME_UNKNOWN", { cause: error }));
    },
    beginClosing() {
      if (state !== "open") return false;
      state = "closing";
      return true;
    },
    endClosing() {
      state = "closed";
    },
  };
}
