import { appendFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealSystemEntry } from "../../packages/server/src/intake/seal.ts";
import { findLedgerFolder, type VerifyFinding, type VerifyReport, verifyLedgerFolder } from "../../packages/server/src/verify/index.ts";
import {
  alarmCodes,
  bareCopyOf,
  buildLedger,
  closeAndRemember,
  copyOf,
  editLines,
  newRoot,
  newSigner,
  noteCodes,
  openAt,
  type RealLedger,
  removeRoots,
  replaceFolder,
  sealNumber,
  sealNumbers,
  verifyRemembered,
} from "./real-ledger.ts";

const SEGMENT = "segments/000000000000000.seg";
const ENTRIES = 600;
const GROUP = 30;
const signer = newSigner();
let small: RealLedger;

function* groups(to: number, from = 0): Generator<ReturnType<typeof sealNumbers>> {
  for (let i = from; i < to; i += GROUP) yield sealNumbers(i, Math.min(i + GROUP, to));
}

beforeAll(async () => {
  small = await buildLedger(groups(ENTRIES), signer);
});
afterAll(removeRoots);

async function editSegment(ledger: RealLedger, edit: (lines: string[]) => string[]): Promise<void> {
  const path = join(ledger.folder, SEGMENT);
  await writeFile(path, editLines(await readFile(path, "utf8"), edit));
}

/** The line of an entry: header and the markers of the groups before it come first. */
const lineOf = (index: number): number => 1 + index + Math.floor(index / GROUP);

/** A damaged report with its first finding by itself, which is what a reader sees first. */
function damageOf(report: VerifyReport): VerifyReport & { first: VerifyFinding | undefined } {
  expect(report.verdict).toBe("damaged");
  return { ...report, first: report.findings[0] };
}

async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) files.push(join(entry.parentPath, entry.name));
  return files.sort();
}

async function withFlip(path: string, position: number, bit: number, check: () => Promise<void>): Promise<void> {
  const bytes = await readFile(path);
  const changed = Buffer.from(bytes);
  changed[position] = changed[position]! ^ (1 << bit);
  await writeFile(path, changed);
  try {
    await check();
  } finally {
    await writeFile(path, bytes);
  }
}

test("VERDICT-1: an untouched ledger holds against what was remembered, with and without its checkpoint and tiles (row 5)", async () => {
  const whole = await verifyRemembered(small);
  expect(whole).toMatchObject({
    verdict: "holds",
    treeSize: ENTRIES,
    signedSize: ENTRIES,
    entries: ENTRIES,
    findings: [],
    newestNote: small.note,
  });
  const bare = await verifyRemembered(await bareCopyOf(small));
  expect(bare).toMatchObject({ verdict: "holds", treeSize: ENTRIES, remembered: { size: ENTRIES }, rootHash: whole.rootHash });
  expect(noteCodes(bare)).toEqual(["CHECKPOINT_MISSING", "TILES_MISSING"]);
});

test("VERDICT-2: without a remembered checkpoint the verdict says that a cut tail could not be checked", async () => {
  const report = await verifyLedgerFolder({ folder: small.folder });
  expect(report.verdict).toBe("holds-unremembered");
  expect(report.summary).toMatch(/local.*cut tail.*could not be detected/);
});

test("VERDICT-3: a ledger is found from its data directory, its ledger folder and itself", async () => {
  for (const path of [small.root, join(small.root, "ledger"), small.folder]) expect(await findLedgerFolder(path)).toBe(small.folder);
  await expect(findLedgerFolder(join(small.root, "absent"))).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("VERDICT-9: verifying changes no file", async () => {
  const ledger = await copyOf(small);
  const before = new Map<string, string>();
  for (const path of await listFiles(ledger.root))
    before.set(path, `${(await stat(path)).mtimeMs} ${(await readFile(path)).toString("latin1")}`);
  await verifyRemembered(ledger);
  const after = new Map<string, string>();
  for (const path of await listFiles(ledger.root))
    after.set(path, `${(await stat(path)).mtimeMs} ${(await readFile(path)).toString("latin1")}`);
  expect(after).toEqual(before);
});

test("VERDICT-8: any one bit flipped in any file of a whole active ledger is found", async () => {
  const ledger = await copyOf(small);
  const files = await listFiles(ledger.folder);
  expect(files).toHaveLength(5); // Segment, two tiles, checkpoint, vkey.
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(7),
      async (path, at, bit) => {
        const position = Math.floor(at * (await stat(path)).size);
        await withFlip(path, position, bit, async () => {
          expect((await verifyRemembered(ledger)).verdict, `${path} ${position} ${bit}`).toBe("damaged");
          expect((await verifyLedgerFolder({ folder: ledger.folder })).verdict, `${path} ${position} ${bit}`).toBe("damaged");
        });
      },
    ),
    { numRuns: 200 },
  );
});

test("VERDICT-8: any one bit flipped in segment or vkey is found with nothing else at hand but what was remembered", async () => {
  const ledger = await bareCopyOf(small);
  const segment = join(ledger.folder, SEGMENT);
  const { size } = await stat(segment);
  await fc.assert(
    fc.asyncProperty(fc.nat(size - 1), fc.nat(7), async (position, bit) => {
      await withFlip(segment, position, bit, async () => {
        const report = await verifyRemembered(ledger);
        expect(report.verdict, `${position} ${bit}`).toBe("damaged");
        expect(report.findings[0]?.index, `${position} ${bit}`).toBeDefined();
      });
    }),
    { numRuns: 300 },
  );
  const vkey = join(ledger.folder, "vkey");
  for (let position = 0; position < (await stat(vkey)).size; position++) {
    await withFlip(vkey, position, position % 8, async () => {
      expect((await verifyRemembered(ledger)).verdict, `vkey ${position}`).toBe("damaged");
    });
  }
});

test("VERDICT-4: one bit flipped in any byte of the checkpoint is found without anything remembered", async () => {
  const ledger = await copyOf(small);
  const path = join(ledger.folder, "checkpoint");
  for (let position = 0; position < (await stat(path)).size; position++) {
    await withFlip(path, position, (position * 3) % 8, async () => {
      const report = await verifyLedgerFolder({ folder: ledger.folder });
      expect(["SIGNATURE_INVALID", "CHECKPOINT_DAMAGED"], `byte ${position}`).toContain(alarmCodes(report)[0]);
    });
  }
});

test("VERDICT-8: each stored thing cut, lengthened, shortened, swapped or taken from a log of the same name is found", async () => {
  const other = await buildLedger([sealNumbers(1_000, 1_000 + ENTRIES)], newSigner());
  const things = { [SEGMENT]: 4_000, "tile/0/000": 100, checkpoint: 30, vkey: 40 };
  const ledger = await copyOf(small);
  for (const [name, at] of Object.entries(things)) {
    const path = join(ledger.folder, name);
    const bytes = await readFile(path);
    let swap = at;
    while (bytes[swap] === bytes[swap + 1]) swap += 1;
    const swapped = Buffer.from(bytes);
    swapped[swap] = bytes[swap + 1]!;
    swapped[swap + 1] = bytes[swap]!;
    const attacks: Record<string, Buffer> = {
      "a byte cut off": bytes.subarray(0, -1),
      "a byte added inside": Buffer.concat([bytes.subarray(0, at), Buffer.from("A"), bytes.subarray(at)]),
      "a byte removed inside": Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
      "two neighbours swapped": swapped,
      "the same of another log": await readFile(join(other.folder, name)),
      "nothing left of it": Buffer.alloc(0),
    };
    // What follows the last group of a segment is what a crash leaves; for all else it is damage.
    if (name !== SEGMENT) attacks["a byte added behind"] = Buffer.concat([bytes, Buffer.from("\n")]);
    for (const [attack, changed] of Object.entries(attacks)) {
      await writeFile(path, changed);
      expect((await verifyRemembered(ledger)).verdict, `${name}: ${attack}`).toBe("damaged");
    }
    await rm(path);
    expect((await verifyRemembered(ledger)).findings, `${name}: removed`).not.toEqual([]);
    await writeFile(path, bytes);
  }
  expect((await verifyRemembered(ledger)).verdict).toBe("holds");
});

test("rows 3 and 12: a tail cut at a group border is found and named", async () => {
  for (const [index, name] of [
    [120, "entries 120 to 599"],
    [ENTRIES / 2, "entries 300 to 599"],
  ] as const) {
    const ledger = await bareCopyOf(small);
    await editSegment(ledger, (lines) => lines.slice(0, lineOf(index)));
    const report = await verifyRemembered(ledger);
    expect(damageOf(report)).toMatchObject({ treeSize: index, first: { code: "SHORTER_THAN_REMEMBERED", index } });
    expect(report.summary.toLowerCase()).toContain(`${name}, which were signed before, are gone`);
  }
});

test("row 3: a tail cut inside a group or inside a line is found and named", async () => {
  const { size } = await stat(join(small.folder, SEGMENT));
  for (const bytes of [size - 1, size - 40, size - 2_000, Math.floor(size / 2), 200, 20, 0]) {
    const ledger = await bareCopyOf(small);
    await truncate(join(ledger.folder, SEGMENT), bytes);
    const report = await verifyRemembered(ledger);
    expect(report.verdict, String(bytes)).toBe("damaged");
    expect(report.findings[0]?.index, String(bytes)).toBeLessThan(ENTRIES);
  }
});

test("row 3: a cut tail is found by the folder's own checkpoint, unless an older one is put back with it", async () => {
  const ledger = await copyOf(small);
  await editSegment(ledger, (lines) => lines.slice(0, lineOf(570)));
  const report = await verifyLedgerFolder({ folder: ledger.folder });
  expect(damageOf(report)).toMatchObject({ first: { code: "SHORTER_THAN_SIGNED", index: 570 } });
});

test("row 11: a deleted ledger is never an empty one that holds", async () => {
  const ledger = await copyOf(small);
  await rm(ledger.folder, { recursive: true });
  expect(alarmCodes(await verifyRemembered(ledger, { vkey: small.vkey }))).toContain("LEDGER_MISSING");
  await mkdir(ledger.folder, { recursive: true });
  const pinned = await verifyRemembered(ledger, { vkey: small.vkey });
  expect(pinned.findings).toContainEqual(expect.objectContaining({ code: "SHORTER_THAN_REMEMBERED", index: 0 }));
  const unpinned = await verifyRemembered(ledger);
  expect(alarmCodes(unpinned)).toContain("VKEY_MISSING");
  expect((await verifyLedgerFolder({ folder: ledger.folder })).verdict).toBe("damaged");
});

test("row 1: the content of an entry is covered, in its leaf and in its sections", async () => {
  for (const [from, to] of [
    ['"document.read"', '"document.view"'],
    ['"i":77}', '"i":78}'],
    ["user-0", "user-9"],
  ] as const) {
    const ledger = await bareCopyOf(small);
    await editSegment(ledger, (lines) => lines.map((line, i) => (i === lineOf(77) ? line.replace(from, to) : line)));
    const report = await verifyRemembered(ledger);
    expect(report.verdict).toBe("damaged");
    expect(report.findings[0]?.index).toBeGreaterThanOrEqual(60);
    expect(report.findings[0]?.index).toBeLessThanOrEqual(77);
  }
});

test("row 16: two entries swapped are found, in one group and across groups", async () => {
  for (const [a, b] of [
    [65, 66],
    [65, 400],
  ] as const) {
    const ledger = await bareCopyOf(small);
    await editSegment(ledger, (lines) => {
      const swapped = [...lines];
      swapped[lineOf(a)] = lines[lineOf(b)]!;
      swapped[lineOf(b)] = lines[lineOf(a)]!;
      return swapped;
    });
    expect(damageOf(await verifyRemembered(ledger))).toMatchObject({ first: { code: "GROUP_ROOT_MISMATCH", index: 60 } });
  }
});

test("row 17: outcome, arguments and result of an entry cannot be exchanged for those of another", async () => {
  const ledger = await bareCopyOf(small);
  await editSegment(ledger, (lines) => {
    const [leaf, personal] = lines[lineOf(65)]!.split("\t");
    const content = lines[lineOf(66)]!.split("\t")[2];
    return lines.map((line, i) => (i === lineOf(65) ? [leaf, personal, content].join("\t") : line));
  });
  expect(damageOf(await verifyRemembered(ledger))).toMatchObject({ first: { code: "ENTRY_INVALID", index: 65 } });
});

test("row 7: the version of the leaf's form is part of what is hashed", async () => {
  const ledger = await bareCopyOf(small);
  await editSegment(ledger, (lines) => lines.map((line, i) => (i === lineOf(90) ? line.replace("vouchtrail/1", "vouchtrail/0") : line)));
  expect(damageOf(await verifyRemembered(ledger))).toMatchObject({ first: { code: "ENTRY_INVALID", index: 90 } });
});

test("rows 4 and 14: a range deleted and all after it rebuilt without the key fails on the signature", async () => {
  const survivors = [...sealNumbers(0, 100), ...sealNumbers(150, ENTRIES + 50)];
  const forged = await buildLedger([survivors], newSigner());
  // With the attacker's key in the folder, what was remembered does not fit; with the old one, the checkpoint is not signed by it.
  const replaced = await replaceFolder(small, forged);
  expect(alarmCodes(await verifyRemembered(replaced))).toContain("KEY_CHANGED");
  expect(alarmCodes(await verifyRemembered(replaced, { vkey: small.vkey }))).toEqual(
    expect.arrayContaining(["VKEY_DIFFERS", "SIGNATURE_INVALID", "DIFFERS_FROM_REMEMBERED"]),
  );
  await writeFile(join(replaced.folder, "vkey"), `${small.vkey}\n`);
  expect(alarmCodes(await verifyLedgerFolder({ folder: replaced.folder }))).toContain("SIGNATURE_INVALID");
  await rm(join(replaced.folder, "checkpoint"));
  expect(alarmCodes(await verifyRemembered(replaced))).toContain("DIFFERS_FROM_REMEMBERED");
});

test("row 4: a range deleted and all after it rebuilt with the key fails on consistency", async () => {
  const longer = await replaceFolder(small, await buildLedger([[...sealNumbers(0, 100), ...sealNumbers(150, ENTRIES + 50)]], signer));
  expect(damageOf(await verifyRemembered(longer))).toMatchObject({ first: { code: "DIFFERS_FROM_REMEMBERED" } });
  const shorter = await replaceFolder(small, await buildLedger([[...sealNumbers(0, 100), ...sealNumbers(150, ENTRIES)]], signer));
  expect(damageOf(await verifyRemembered(shorter))).toMatchObject({ first: { code: "SHORTER_THAN_REMEMBERED", index: 550 } });
  // Without the remembered checkpoint nothing tells, and the verdict does not claim more.
  expect((await verifyLedgerFolder({ folder: longer.folder })).verdict).toBe("holds-unremembered");
});

test("row 15: two histories that one key signed do not both hold against what was remembered", async () => {
  const fork = async (tag: string): Promise<RealLedger> => {
    const copy = await copyOf(small);
    const ledger = await openAt(copy.root, signer);
    await ledger.append([sealNumber(ENTRIES, { details: { tag } })]);
    return closeAndRemember(copy.root, ledger, signer);
  };
  const [left, right] = [await fork("left"), await fork("right")];
  expect((await verifyRemembered(left)).verdict).toBe("holds");
  expect((await verifyRemembered(right)).verdict).toBe("holds");
  expect(alarmCodes(await verifyRemembered(left, { rememberedNote: right.note }))).toEqual(["DIFFERS_FROM_REMEMBERED"]);
});

test("VERDICT-5: an older copy of the folder put back is found, and a grown ledger extends what was remembered", async () => {
  const copy = await copyOf(small);
  const ledger = await openAt(copy.root, signer);
  await ledger.append(sealNumbers(ENTRIES, ENTRIES + 10));
  const grown = await closeAndRemember(copy.root, ledger, signer);
  expect(await verifyRemembered(grown, { rememberedNote: small.note })).toMatchObject({
    verdict: "holds",
    remembered: { size: ENTRIES },
    newestNote: grown.note,
  });
  const older = await replaceFolder(grown, small);
  expect(damageOf(await verifyRemembered(older))).toMatchObject({
    newestNote: undefined,
    first: { code: "SHORTER_THAN_REMEMBERED", index: ENTRIES },
  });
});

test("VERDICT-5: a ledger of another origin in its place is found", async () => {
  const other = await replaceFolder(small, await buildLedger([sealNumbers(0, ENTRIES)], newSigner("example.org/another")));
  expect(alarmCodes(await verifyRemembered(other))).toContain("ORIGIN_CHANGED");
  expect(alarmCodes(await verifyLedgerFolder({ folder: other.folder, rememberedOrigin: signer.name }))).toEqual(["ORIGIN_CHANGED"]);
});

test("VERDICT-4: a segment of another ledger is found, of the same name and of another", async () => {
  for (const origin of [signer.name, "example.org/another"]) {
    const other = await buildLedger(groups(ENTRIES), newSigner(origin));
    const ledger = await bareCopyOf(small);
    await writeFile(join(ledger.folder, SEGMENT), await readFile(join(other.folder, SEGMENT)));
    expect(alarmCodes(await verifyRemembered(ledger))[0]).toBe(origin === signer.name ? "DIFFERS_FROM_REMEMBERED" : "HEADER_WRONG");
  }
});

test("VERDICT-6, row 9: a disclosure removed without an erasure entry is an alarm that names the entry", async () => {
  for (const section of ["personal", "content"]) {
    const ledger = await bareCopyOf(small);
    await editSegment(ledger, (lines) =>
      lines.map((line, i) => {
        if (i !== lineOf(123)) return line;
        const [leaf, personal, content] = line.split("\t");
        return section === "personal" ? `${leaf}\t\t${content}` : `${leaf}\t${personal}\t`;
      }),
    );
    const report = await verifyRemembered(ledger);
    expect(damageOf(report)).toMatchObject({ first: { code: "SECTION_MISSING", index: 123 } });
    expect(report.summary).toContain(`The ${section} section of entry 123 is missing, and no entry erases it`);
  }
});

test("VERDICT-6: what a caller writes into an event cannot excuse a missing section", async () => {
  const forged = { system: { erases: { content: [[0, 1_000]] } } };
  const callers = sealNumber(601, { details: forged as never, labels: { system: '{"erases":{"content":[[0,1000]]}}' } });
  const ledger = await bareCopyOf(
    await buildLedger([sealNumbers(0, 20), [callers, sealNumber(602, { context: { sessionId: '","system":{"erases":' } })]], signer),
  );
  await editSegment(ledger, (lines) => lines.map((line, i) => (i === 6 ? `${line.split("\t").slice(0, 2).join("\t")}\t` : line)));
  expect(damageOf(await verifyRemembered(ledger))).toMatchObject({ first: { code: "SECTION_MISSING", index: 5 } });
});

test("VERDICT-6: an erasure entry that nobody signed cannot excuse a missing section", async () => {
  const grown = await copyOf(small);
  const ledger = await openAt(grown.root, signer);
  await ledger.append([
    sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: { content: [[5, 6]] } } }, "2026-02-01T00:00:00.000Z"),
  ]);
  await ledger.close();
  await editSegment(grown, (lines) => lines.map((line, i) => (i === lineOf(5) ? `${line.split("\t").slice(0, 2).join("\t")}\t` : line)));
  expect((await verifyLedgerFolder({ folder: grown.folder })).erasedSections).toBe(1);
  // Back to the checkpoint that was signed before: the erasure entry now stands behind all that is signed.
  await writeFile(join(grown.folder, "checkpoint"), small.note);
  const report = await verifyRemembered(grown);
  expect(damageOf(report)).toMatchObject({ first: { code: "SECTION_MISSING", index: 5 } });
  expect(report.summary).toContain("which nobody has signed");
});

test("VERDICT-6, row 8: an erasure is inside the tree, holds, and cannot be widened", async () => {
  const erased = await copyOf(small);
  const ledger = await openAt(erased.root, signer);
  const erases = {
    content: [
      [10, 12],
      [300, 301],
    ] as [number, number][],
    personal: [[10, 11]] as [number, number][],
  };
  await ledger.append([sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases } }, "2026-02-01T00:00:00.000Z")]);
  await ledger.erase(erases, ENTRIES);
  const done = await closeAndRemember(erased.root, ledger, signer);
  expect(await verifyRemembered(done)).toMatchObject({ verdict: "holds", erasedSections: 4, findings: [] });

  const widened = await bareCopyOf(done);
  await editSegment(widened, (lines) => lines.map((line) => line.replace("[[10,12],[300,301]]", "[[10,12],[300,303]]")));
  expect(damageOf(await verifyRemembered(widened))).toMatchObject({ first: { code: "GROUP_ROOT_MISMATCH", index: ENTRIES } });

  const more = await bareCopyOf(done);
  await editSegment(more, (lines) => lines.map((line, i) => (i === lineOf(12) ? `${line.split("\t").slice(0, 2).join("\t")}\t` : line)));
  expect(damageOf(await verifyRemembered(more))).toMatchObject({ first: { code: "SECTION_MISSING", index: 12 } });

  // Put back with its own bytes a section is genuine, so it is no forgery; it is reported as an erasure that is not finished.
  const original = (await readFile(join(small.folder, SEGMENT), "utf8")).split("\n")[lineOf(11)]!;
  const restored = await copyOf(done);
  await editSegment(restored, (lines) => lines.map((line, i) => (i === lineOf(11) ? original : line)));
  expect(await verifyRemembered(restored)).toMatchObject({
    verdict: "holds",
    findings: [{ severity: "note", code: "ERASURE_UNFINISHED", index: 11 }],
  });
  // With other bytes it is.
  const falsified = await bareCopyOf(done);
  await editSegment(falsified, (lines) => lines.map((line, i) => (i === lineOf(11) ? original.replace('"i":11', '"i":12') : line)));
  expect(damageOf(await verifyRemembered(falsified))).toMatchObject({ first: { code: "ENTRY_INVALID", index: 11 } });
});

test("VERDICT-7: entries after the last checkpoint are listed as not signed, a write that a crash cut off is noted", async () => {
  const copy = await copyOf(small);
  const ledger = await openAt(copy.root, signer);
  await ledger.append(sealNumbers(ENTRIES, ENTRIES + 5));
  await ledger.close();
  await writeFile(join(copy.folder, "checkpoint"), small.note);
  const unsigned = await verifyRemembered(copy);
  expect(unsigned).toMatchObject({
    verdict: "holds",
    treeSize: 605,
    signedSize: ENTRIES,
    findings: [{ severity: "note", code: "NOT_SIGNED_YET", index: ENTRIES }],
  });
  expect(unsigned.findings[0]?.message).toContain("Entries 600 to 604");

  await appendFile(join(copy.folder, SEGMENT), '{"schema":"vouchtrail/1","id":"cut');
  const torn = await verifyRemembered(copy);
  expect(torn.verdict).toBe("holds");
  expect(noteCodes(torn)).toEqual(["TORN_GROUP", "NOT_SIGNED_YET"]);
});

test("VERDICT-8: files that do not belong into the ledger are named, left-overs of a crash are noted", async () => {
  const ledger = await copyOf(small);
  await writeFile(join(ledger.folder, "segments/000000000000000.seg.tmp"), "x");
  expect(noteCodes(await verifyRemembered(ledger))).toEqual(["TEMPORARY_FILE"]);
  for (const name of ["notes.txt", "segments/1.seg", "tile/0/001.p", "tile/0/x001", "tile/entries"]) {
    await writeFile(join(ledger.folder, name), "x");
    const report = await verifyRemembered(ledger);
    expect(report.findings, name).toContainEqual(expect.objectContaining({ severity: "alarm", code: "STRANGE_FILE", file: name }));
    await rm(join(ledger.folder, name));
  }
});

test("VERDICT-9: a verification that is no longer wanted stops", async () => {
  const stopped = verifyLedgerFolder({ folder: small.folder, signal: AbortSignal.abort(new Error("no longer wanted")) });
  await expect(stopped).rejects.toThrow("no longer wanted");
});

test("row 2: writes at once form one chain", async () => {
  const root = await newRoot();
  const ledger = await openAt(root, signer);
  await Promise.all(Array.from({ length: 50 }, (_, i) => ledger.append(sealNumbers(i * 4, i * 4 + 4))));
  expect(await verifyRemembered(await closeAndRemember(root, ledger, signer))).toMatchObject({
    verdict: "holds",
    treeSize: 200,
    findings: [],
  });
});

test("row 10: a write that failed leaves a ledger that verifies, before and after the next start", async () => {
  const { nodeFileSystem } = await import("../../packages/server/src/ledger/file-system.ts");
  const copy = await copyOf(small);
  let isFailing = false;
  const failing = await openAt(copy.root, signer, {
    fileSystem: {
      ...nodeFileSystem,
      async openFile(path, how, mode) {
        const file = await nodeFileSystem.openFile(path, how, mode);
        return {
          ...file,
          write: async (bytes, position) => {
            if (!isFailing) return file.write(bytes, position);
            await file.write(bytes.subarray(0, Math.floor(bytes.length / 2)), position);
            throw new Error("the disk failed");
          },
        };
      },
    },
  });
  isFailing = true;
  await expect(failing.append(sealNumbers(ENTRIES, ENTRIES + 5))).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  await failing.close();
  expect(noteCodes(await verifyRemembered(copy))).toEqual(["TORN_GROUP"]);
  expect((await verifyRemembered(copy)).verdict).toBe("holds");
  const again = await openAt(copy.root, signer);
  await again.append(sealNumbers(ENTRIES, ENTRIES + 5));
  await again.close();
  expect(await verifyRemembered(copy)).toMatchObject({ verdict: "holds", treeSize: ENTRIES + 5, findings: [] });
});

test("row 21: a segment deleted while the server goes on is found", async () => {
  const copy = await copyOf(small);
  const ledger = await openAt(copy.root, signer);
  await rm(join(copy.folder, SEGMENT));
  await ledger.append(sealNumbers(ENTRIES, ENTRIES + 5));
  const after = await closeAndRemember(copy.root, ledger, signer);
  expect(damageOf(await verifyRemembered(after))).toMatchObject({ treeSize: 0, first: { code: "SHORTER_THAN_REMEMBERED", index: 0 } });
});
