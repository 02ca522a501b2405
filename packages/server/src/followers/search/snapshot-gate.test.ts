import fc from "fast-check";
import { expect, test } from "vitest";
import { createSnapshotGate, type SnapshotGate } from "./snapshot-gate.ts";

/** A promise that somebody else resolves. */
function open(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

test("INDEX-4: two changes that waited for the same moment run one after the other", async () => {
  const gate = createSnapshotGate();
  const beginning = open();
  const reading = gate.read(
    () => beginning.promise,
    async () => {},
  );
  const log: string[] = [];
  const change = (name: string): Promise<void> =>
    gate.change(async () => {
      log.push(`${name} begins`);
      await turns(10);
      log.push(`${name} ends`);
    });
  const changes = [change("a"), change("b"), gate.replace(async () => void log.push("c"))];
  await turns(20);
  expect(log).toEqual([]);
  beginning.resolve();
  await Promise.all([reading, ...changes]);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c"]);
});

test("INDEX-4: a snapshot that has begun lets changes go on and holds up a replacement, and none begins while one waits", async () => {
  const gate = createSnapshotGate();
  const using = open();
  const log: string[] = [];
  const first = gate.read(
    async () => {},
    () => using.promise,
  );
  await turns(10);
  await gate.change(async () => void log.push("changed"));
  const replaced = gate.replace(async () => void log.push("replaced"));
  const second = gate.read(
    async () => void log.push("second begins"),
    async () => {},
  );
  await turns(20);
  expect(log).toEqual(["changed"]);
  using.resolve();
  await Promise.all([first, replaced, second]);
  expect(log).toEqual(["changed", "replaced", "second begins"]);
});

test("INDEX-4: an error in a snapshot or a change leaves the gate open for the next", async () => {
  const gate = createSnapshotGate();
  const fail = (): Promise<never> => Promise.reject(new Error("failed"));
  await expect(gate.read(fail, async () => {})).rejects.toThrow("failed");
  await expect(gate.read(async () => {}, fail)).rejects.toThrow("failed");
  await expect(gate.change(fail)).rejects.toThrow("failed");
  await expect(gate.replace(fail)).rejects.toThrow("failed");
  expect(await gate.replace(async () => "open")).toBe("open");
  expect(
    await gate.read(
      async () => {},
      async () => "read",
    ),
  ).toBe("read");
});

test("INDEX-4: a reader that waits for a change leaves when its signal aborts, and is not missed", async () => {
  const gate = createSnapshotGate();
  const changing = open();
  const change = gate.change(() => changing.promise);
  const controller = new AbortController();
  let hasBegun = false;
  const reading = gate.read(
    async () => {
      hasBegun = true;
    },
    async () => {},
    controller.signal,
  );
  await turns(10);
  controller.abort(new Error("enough"));
  await expect(reading).rejects.toThrow("enough");
  await expect(
    gate.read(
      async () => {},
      async () => {},
      controller.signal,
    ),
  ).rejects.toThrow("enough");
  changing.resolve();
  await change;
  expect(hasBegun).toBe(false);
  await gate.replace(async () => {});
});

/** Counts who is where, and notes what must not be at the same time. */
function watch(gate: SnapshotGate, scheduler: fc.Scheduler): { readonly faults: string[]; start(kind: string): Promise<void> } {
  const faults: string[] = [];
  const now = { beginning: 0, reading: 0, changing: 0, replacing: 0 };
  const within = async (place: keyof typeof now, label: string): Promise<void> => {
    now[place] += 1;
    if (now.changing + now.replacing > 1) faults.push("two changes at once");
    if (now.changing + now.replacing > 0 && now.beginning > 0) faults.push("a snapshot begins in a change");
    if (now.replacing > 0 && now.reading > 0) faults.push("a replacement while somebody reads");
    await scheduler.schedule(Promise.resolve(), label);
    now[place] -= 1;
  };
  return {
    faults,
    start: (kind) =>
      kind === "read"
        ? gate.read(
            () => within("beginning", "begin"),
            () => within("reading", "use"),
          )
        : kind === "change"
          ? gate.change(() => within("changing", "change"))
          : gate.replace(() => within("replacing", "replace")),
  };
}

test("INDEX-4: in whatever order things happen, changes are alone, none overlaps the beginning of a snapshot, and all come to their end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom("read", "read", "read", "change", "replace"), { minLength: 2, maxLength: 12 }),
      async (scheduler, kinds) => {
        const { faults, start } = watch(createSnapshotGate(), scheduler);
        const started = kinds.map((kind) => scheduler.schedule(Promise.resolve(), `start ${kind}`).then(() => start(kind)));
        const all = Promise.all(started);
        await scheduler.waitFor(all);
        expect(faults).toEqual([]);
      },
    ),
  );
});
