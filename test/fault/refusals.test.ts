import { cp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatCheckpoint, signNote } from "@vouchtrail/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateSeed, signerFromSeed } from "../../packages/server/src/ledger/ed25519.ts";
import type { FileLedgerOptions } from "../../packages/server/src/ledger/file-ledger.ts";
import { sha256 } from "../../packages/server/src/ledger/hashing.ts";
import { segmentPath } from "../../packages/server/src/ledger/layout.ts";
import {
  append,
  createWitness,
  entriesOf,
  entryOf,
  makePlace,
  openIn,
  type Place,
  SIGNER,
  signed,
  type Witness,
} from "./ledger-witness.ts";

let template: { place: Place; witness: Witness };
/** The same ledger ten entries earlier. */
let older: Place;

beforeAll(async () => {
  const place = await makePlace();
  const witness = createWitness();
  const ledger = await openIn(place, witness);
  await append(ledger, witness, entriesOf(10));
  await signed(ledger, 10);
  await ledger.close();
  older = await makePlace(place.data);
  const again = await openIn(place, witness);
  // Three groups behind the checkpoint at 20, then nothing: the process dies.
  await append(again, witness, entriesOf(10));
  await signed(again, 20);
  for (let i = 0; i < 3; i++) await append(again, witness, entriesOf(4));
  template = { place: await makePlace(place.data), witness };
  await again.close();
  await place.remove();
});

afterAll(async () => {
  await template.place.remove();
  await older.remove();
});

async function readTree(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    files.set(path, entry.isFile() ? (await readFile(path)).toString("latin1") : "folder");
  }
  return files;
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const before = (await readFile(path)).toString("latin1");
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(path, after, "latin1");
}

interface Refusal {
  readonly title: string;
  readonly code: "LEDGER_DAMAGED" | "SIGNING_KEY_FOREIGN";
  readonly message?: RegExp;
  readonly options?: Partial<FileLedgerOptions>;
  harm(place: Place): Promise<void>;
}

const segmentOf = (place: Place, first = 0): string => segmentPath(place.directory, first);
const lineStart = (text: string, n: number): number => text.split("\n").slice(0, n).join("\n").length + 1;
/** Changes one character of the n-th line, from its end. */
const flipIn =
  (n: number, fromEnd: number) =>
  (text: string): string => {
    const at = lineStart(text, n + 1) - 1 - fromEnd;
    return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
  };
// Line 0 is the header; 10 entries and a marker twice; then three groups of 4 entries and a marker, from line 23 on.
const FIRST_UNSIGNED = 23;

const REFUSALS: readonly Refusal[] = [
  {
    title: "LEDGER-6: a bad group with anything behind it is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /entry 21/,
    harm: (place) => edit(segmentOf(place), flipIn(FIRST_UNSIGNED + 1, 40)),
  },
  {
    title: "LEDGER-6: a marker that changed and has a group behind it is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    harm: (place) => edit(segmentOf(place), flipIn(FIRST_UNSIGNED + 9, 5)),
  },
  {
    title: "LEDGER-6: a marker that lost its first character and has a group behind it is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    harm: (place) => edit(segmentOf(place), (text) => text.replace(/\n# 28 /, "\n 28 ")),
  },
  {
    title: "LEDGER-6: a marker that lost its line feed and has a group behind it is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    harm: (place) => edit(segmentOf(place), (text) => text.replace(/\n# 28 /, "\u000b# 28 ")),
  },
  {
    title: "SEGMENT-1: a header that changed is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    harm: (place) => edit(segmentOf(place), (text) => text.replace("fault 0", "fault 1")),
  },
  {
    title: "LEDGER-7: a cut below the checkpoint is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /20 entries were signed/,
    harm: async (place) => truncate(segmentOf(place), lineStart((await readFile(segmentOf(place))).toString("latin1"), 12)),
  },
  {
    title: "LEDGER-7: a cut below what a follower has read is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /the search index/,
    options: { floors: [{ name: "the search index", next: 30 }] },
    harm: async (place) => truncate(segmentOf(place), lineStart((await readFile(segmentOf(place))).toString("latin1"), FIRST_UNSIGNED + 5)),
  },
  {
    title: "LEDGER-8: a missing segment with one behind it is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /65536 is missing/,
    harm: (place) => cp(segmentOf(place), segmentOf(place, 131_072)),
  },
  {
    title: "LEDGER-8: a checkpoint whose segments are gone is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    harm: (place) => rm(segmentOf(place)),
  },
  {
    title: "LEDGER-1: a stranger among the segments is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /notes\.txt/,
    harm: (place) => writeFile(join(place.directory, "segments/notes.txt"), ""),
  },
  {
    title: "LEDGER-9: a verifier key of another ledger is refused, and not one byte is changed",
    code: "SIGNING_KEY_FOREIGN",
    options: { signer: signerFromSeed(SIGNER.name, generateSeed()) },
    harm: async () => {},
  },
  {
    title: "LEDGER-9: a verifier key of another ledger that has nothing else yet is refused, and not one byte is changed",
    code: "SIGNING_KEY_FOREIGN",
    options: { signer: signerFromSeed(SIGNER.name, generateSeed()) },
    harm: async (place) => {
      await rm(segmentOf(place));
      await rm(join(place.directory, "checkpoint"));
    },
  },
  {
    title: "LEDGER-9: a missing verifier key is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /vkey/,
    harm: (place) => rm(join(place.directory, "vkey")),
  },
  {
    title: "LEDGER-7: a missing checkpoint is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /checkpoint is missing/,
    harm: (place) => rm(join(place.directory, "checkpoint")),
  },
  {
    title: "LEDGER-7: a checkpoint with one changed character is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    harm: (place) => edit(join(place.directory, "checkpoint"), (text) => text.replace("\n20\n", "\n21\n")),
  },
  {
    title: "LEDGER-5: a disclosure that was taken out without an erasure entry is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /content section of entry 0 is missing/,
    harm: (place) => edit(segmentOf(place), (text) => text.replace(/\t\[[^\t\n]*\n/, "\t\n")),
  },
  {
    title: "ERASE-3: a disclosure that only the derived file calls erased is refused, and not one byte is changed",
    code: "LEDGER_DAMAGED",
    message: /content section of entry 0 is missing/,
    harm: async (place) => {
      await edit(segmentOf(place), (text) => text.replace(/\t\[[^\t\n]*\n/, "\t\n"));
      const erasures = [{ index: 19, at: "", ranges: { content: [[0, 1]] }, isDone: true }];
      const saved = { format: "vouchtrail-erasures/1", origin: SIGNER.name, next: 20, erasures };
      await writeFile(join(place.data, "erasures.json"), JSON.stringify(saved));
    },
  },
];

test.each(REFUSALS.map((refusal) => [refusal.title, refusal] as const))("%s", async (_title, { code, message, options, harm }) => {
  const place = await makePlace(template.place.data);
  await harm(place);
  const before = await readTree(place.data);
  const refusal = await openIn(place, template.witness, undefined, { ...options, remembered: createWitness().remembered }).catch(
    (error: unknown) => error,
  );
  expect(refusal).toMatchObject({ code });
  if (message !== undefined) expect((refusal as Error).message).toMatch(message);
  expect(await readTree(place.data)).toEqual(before);
  await place.remove();
});

test("LEDGER-6: a bad group at the very end is moved aside, and the ledger goes on", async () => {
  const place = await makePlace(template.place.data);
  await edit(segmentOf(place), flipIn(FIRST_UNSIGNED + 12, 40));
  const ledger = await openIn(place, createWitness());
  expect(ledger.findings.torn).toMatchObject({ index: 28 });
  expect((await ledger.head()).treeSize).toBe(28);
  const [name = ""] = await readdir(join(place.data, "recovered"));
  expect((await readFile(join(place.data, "recovered", name), "latin1")).split("\n")).toHaveLength(6);
  await append(ledger, createWitness(), [entryOf(1)]);
  await ledger.close();
  await place.remove();
});

test("LEDGER-10: an older copy that was put back opens for reading only and says so", async () => {
  const place = await makePlace(older.data);
  const ledger = await openIn(place, template.witness);
  expect(ledger.findings.regression).toEqual({ kind: "shorter", rememberedSize: 32 });
  await expect(ledger.append([entryOf(1)])).rejects.toMatchObject({ code: "LEDGER_REGRESSED" });
  await expect(ledger.prune(0)).rejects.toMatchObject({ code: "LEDGER_REGRESSED" });
  expect((await ledger.head()).treeSize).toBe(10);
  await ledger.close();
  await place.remove();
});

test("LEDGER-10: a tree that differs from what is remembered opens for reading only and says so", async () => {
  const witness = createWitness();
  const text = formatCheckpoint({ origin: SIGNER.name, treeSize: 7, rootHash: sha256(Buffer.from("another history")) });
  await witness.remembered.save(SIGNER.name, signNote(text, SIGNER, sha256));
  const place = await makePlace(template.place.data);
  const ledger = await openIn(place, witness);
  expect(ledger.findings.regression).toEqual({ kind: "different", rememberedSize: 7 });
  await expect(ledger.append([entryOf(1)])).rejects.toMatchObject({ code: "LEDGER_REGRESSED" });
  await ledger.close();
  await place.remove();
});

test("LEDGER-10: a remembered checkpoint of another key opens for reading only", async () => {
  const other = signerFromSeed(SIGNER.name, generateSeed());
  const note = signNote(formatCheckpoint({ origin: SIGNER.name, treeSize: 7, rootHash: sha256(Buffer.from("x")) }), other, sha256);
  const place = await makePlace(template.place.data);
  const remembered = { ...createWitness().remembered, load: async () => note };
  const ledger = await openIn(place, template.witness, undefined, { remembered });
  expect(ledger.findings.regression).toEqual({ kind: "different", rememberedSize: 7 });
  await ledger.close();
  await place.remove();
});

test("LEDGER-10: everything deleted is noticed when a checkpoint is remembered", async () => {
  const place = await makePlace();
  const ledger = await openIn(place, template.witness);
  expect(ledger.findings.regression).toMatchObject({ kind: "shorter" });
  await ledger.close();
  await place.remove();
});

test("LEDGER-11: opening for reading only writes nothing, not even what a crash left undone", async () => {
  const place = await makePlace(template.place.data);
  const before = await readTree(place.data);
  const ledger = await openIn(place, template.witness, undefined, { isReadOnly: true });
  expect((await ledger.head()).treeSize).toBe(32);
  await expect(ledger.append([entryOf(1)])).rejects.toMatchObject({ code: "LEDGER_READ_ONLY" });
  await ledger.close();
  expect(await readTree(place.data)).toEqual(before);
  await place.remove();
});
