import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { openFileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import type { FileSystem } from "../../packages/server/src/ledger/file-system.ts";
import type { SealedEntry } from "../../packages/server/src/ledger/ledger.ts";
import { createRandom, FAULTS, type Fault, type Step } from "./faulty-file-system.ts";
import { runInLanes } from "./lanes.ts";
import {
  append,
  copyWitness,
  createWitness,
  entriesOf,
  erasureOf,
  expectFaithful,
  makePlace,
  openIn,
  type Place,
  signed,
  type Witness,
} from "./ledger-witness.ts";

/*
 * Every durable step of a script x every fault x what the disk keeps: all acked entries are there once, every published root still holds, the
 * ledger opens and goes on, and what is sent again is stored once. A step is not named but counted, so that a new one is covered by itself.
 */

interface Script {
  readonly name: string;
  /** Data directory to begin with, and what was given out by then. */
  readonly template: () => Promise<{ place: Place; witness: Witness } | undefined>;
  /** Entries that the script sends; their ids are the same for every fault. */
  readonly entries: readonly SealedEntry[];
  run(open: () => ReturnType<typeof openFileLedger>, witness: Witness, entries: readonly SealedEntry[]): Promise<void>;
}

const ERASURE = erasureOf({ content: [[0, 5]] });

const FROM_NOTHING: Script = {
  name: "a ledger from nothing",
  template: async () => undefined,
  entries: entriesOf(320),
  async run(open, witness, entries) {
    const ledger = await open();
    await append(ledger, witness, entries.slice(0, 3));
    await signed(ledger, 3);
    await append(ledger, witness, entries.slice(3, 300));
    await Promise.all([append(ledger, witness, entries.slice(300, 310)), append(ledger, witness, entries.slice(305, 312))]);
    await signed(ledger, 312);
    const { treeSize } = await ledger.head();
    await append(ledger, witness, [ERASURE]);
    await ledger.erase({ content: [[0, 5]] }, treeSize);
    await append(ledger, witness, entries.slice(312, 320));
    await ledger.close();
  },
};

let interrupted: { place: Place; witness: Witness };

const RECOVERY: Script = {
  name: "a recovery",
  template: async () => interrupted,
  entries: entriesOf(12),
  async run(open, witness, entries) {
    const ledger = await open();
    await append(ledger, witness, entries);
    await ledger.close();
  },
};

beforeAll(async () => {
  // Entries under a checkpoint, an erasure that was never finished, entries without a checkpoint, and a torn group behind them.
  const place = await makePlace();
  const witness = createWitness();
  const fileSystem = await place.faulty();
  const ledger = await openIn(place, witness, fileSystem);
  await append(ledger, witness, entriesOf(290));
  await append(ledger, witness, [erasureOf({ content: [[3, 9]] })]);
  await signed(ledger, 291);
  await append(ledger, witness, entriesOf(20));
  fileSystem.arm("crashed torn", ({ kind }) => kind === "write");
  await expect(append(ledger, witness, entriesOf(10))).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  await ledger.close();
  interrupted = { place, witness };
});

afterAll(() => interrupted.place.remove());

const LOSSES = ["process dies", "power is lost", "power is lost, something is kept"] as const;

/** Runs the script with the fault at the step, then opens as after a crash and checks everything. */
async function runCase(script: Script, fault: Fault, n: number, loss: (typeof LOSSES)[number]): Promise<readonly Step[]> {
  const template = await script.template();
  const place = await makePlace(template?.place.data);
  const witness = template === undefined ? createWitness() : await copyWitness(template.witness);
  const fileSystem = await place.faulty();
  fileSystem.arm(fault, (_step, i) => i === n);
  let opened: Awaited<ReturnType<typeof openFileLedger>> | undefined;
  const openFaulty = async (): ReturnType<typeof openFileLedger> => {
    opened = await openIn(place, witness, fileSystem as FileSystem);
    return opened;
  };
  await script.run(openFaulty, witness, script.entries).catch(() => {});
  await opened?.close().catch(() => {});
  if (loss !== "process dies") await fileSystem.losePower(loss === "power is lost" ? undefined : createRandom(n));

  try {
    const again = await openIn(place, witness, await place.faulty());
    await expectFaithful(again, witness);
    await append(again, witness, script.entries);
    await again.close();
    const whole = await openIn(place, witness, await place.faulty());
    await expectFaithful(whole, witness);
    await whole.close();
  } catch (cause) {
    const step = fileSystem.hit();
    throw new Error(`step ${n}, ${step?.kind} ${step?.path.slice(place.data.length)}, ${fault}, ${loss}: ${cause}`, { cause });
  }
  await place.remove();
  return fileSystem.steps;
}

/** Whether a fault at a step leaves something behind that no other case does. */
function isOwnCase(fault: Fault, { kind }: Step, n: number): boolean {
  switch (fault) {
    // A part of a step that is not a write is nothing of it.
    case "torn":
    case "full":
    case "crashed torn":
      return kind === "write";
    // To die after a step is to die before the next: the two take turns, so that each border between steps is met.
    case "crashed before":
    case "crashed after":
      return n % 2 === 0;
    default:
      return true;
  }
}

describe.each([FROM_NOTHING, RECOVERY])("$name", (script) => {
  test.each(FAULTS)("DURABLE-2: nothing acked is lost or doubled when any durable step %s", async (fault) => {
    // One run without a fault tells how many steps there are.
    const steps = await runCase(script, fault, -1, "process dies");
    const cases = steps.flatMap((step, n) => (isOwnCase(fault, step, n) ? [n] : []));
    // Neighbouring steps take turns: every fault meets every loss in every part of the script.
    await runInLanes(cases, (n) => runCase(script, fault, n, LOSSES[(n + FAULTS.indexOf(fault)) % LOSSES.length]!));
    expect(cases.length).toBeGreaterThan(3);
  });
});
