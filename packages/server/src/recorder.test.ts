import { expect, test } from "vitest";
import type { AppendResult, SealedEntry } from "./ledger/ledger.ts";
import { createRecorder, type RecorderOptions } from "./recorder.ts";

/** The slice of a ledger that a recorder needs; it keeps leaves in an array and can be told to refuse. */
function openList() {
  const leaves: { action: string; outcome: { status: string }; system: Record<string, unknown> }[] = [];
  let isRefusing = false;
  const ledger = {
    async append(entries: readonly SealedEntry[]): Promise<readonly AppendResult[]> {
      if (isRefusing) throw new Error("The disk is full.");
      return entries.map((entry) => {
        leaves.push(JSON.parse(entry.leaf));
        return { receipt: { origin: "o", id: entry.id, index: leaves.length - 1, leafHash: "" }, isDuplicate: false };
      });
    },
    async head() {
      return { treeSize: leaves.length, rootHash: new Uint8Array(32), minimumIndex: 0 };
    },
  } as unknown as RecorderOptions["ledger"];
  return {
    leaves,
    ledger,
    refuse: (isOn: boolean) => {
      isRefusing = isOn;
    },
  };
}

const optionsOf = (ledger: RecorderOptions["ledger"], changes: Partial<RecorderOptions> = {}): RecorderOptions => ({
  ledger,
  ledgerName: "main",
  now: () => "2026-01-01T00:00:00.000Z",
  heartbeatMs: 3_600_000,
  onError: () => {},
  ...changes,
});

test("RECORD-1: what was counted is summed up per code when it closes, and nothing is written where nothing was counted", async () => {
  const list = openList();
  const quiet = createRecorder(optionsOf(list.ledger));
  await quiet.close();
  expect(list.leaves).toEqual([]);
  const recorder = createRecorder(optionsOf(list.ledger));
  recorder.count("ID_CONFLICT");
  recorder.count("EVENT_INVALID", 3);
  recorder.count("ID_CONFLICT", 2);
  await recorder.close();
  expect(list.leaves).toMatchObject([
    { action: "intake.summary", outcome: { status: "partial" }, system: { counts: { ID_CONFLICT: 3, EVENT_INVALID: 3 } } },
  ]);
});

test("RECORD-1: a summary that cannot be written is kept for the next one", async () => {
  const list = openList();
  const errors: unknown[] = [];
  const recorder = createRecorder(optionsOf(list.ledger, { onError: (error) => errors.push(error), summaryMs: 5 }));
  list.refuse(true);
  recorder.count("PUSHBACK", 5);
  await expect.poll(() => errors.length).toBeGreaterThan(0);
  recorder.count("PUSHBACK", 2);
  list.refuse(false);
  await expect.poll(() => list.leaves.length).toBe(1);
  await recorder.close();
  expect(list.leaves.map(({ system }) => system.counts)).toEqual([{ PUSHBACK: 7 }]);
});

test("RECORD-3: silence is signed by a heartbeat, and events make it unnecessary", async () => {
  const list = openList();
  const recorder = createRecorder(optionsOf(list.ledger, { heartbeatMs: 5 }));
  await expect.poll(() => list.leaves.length).toBeGreaterThan(1);
  await recorder.close();
  expect(new Set(list.leaves.map(({ action }) => action))).toEqual(new Set(["ledger.heartbeat"]));
  const busy = openList();
  const active = createRecorder(optionsOf(busy.ledger, { heartbeatMs: 20 }));
  const until = performance.now() + 100;
  while (performance.now() < until) {
    active.active();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await active.close();
  expect(busy.leaves).toEqual([]);
});
