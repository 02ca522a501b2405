import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type EvidenceBundle, parseCheckpoint, parseNote, type Signer } from "@vouchtrail/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CommandError } from "../../packages/cli/src/command-error.ts";
import { formatManifest, type PackManifest, parseManifest } from "../../packages/cli/src/pack/pack-manifest.ts";
import type { PackReport } from "../../packages/cli/src/pack/verify-pack.ts";
import { sealSystemEntry } from "../../packages/server/src/intake/seal.ts";
import type { FileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import type { SealedEntry } from "../../packages/server/src/ledger/ledger.ts";
import { alarmCodes, newRoot, newSigner, noteCodes, openAt, removeRoots, sealNumber, sealNumbers } from "./real-ledger.ts";
import { checkPack, exportPack, filterOf, newPath, readerOf, removePaths } from "./real-pack.ts";

const PARTS = ["bundles.ndjson", "checkpoints.ndjson", "vkey", "summary.html"];

let signer: Signer;
let ledger: FileLedger;
let root: string;
beforeEach(async () => {
  signer = newSigner();
  root = await newRoot();
  ledger = await openAt(root, signer);
});
afterEach(async () => {
  await ledger.close();
  await removeRoots();
  await removePaths();
});

async function append(entries: readonly SealedEntry[]): Promise<void> {
  await ledger.append(entries);
  const { treeSize } = await ledger.head();
  await ledger.waitForCheckpoint(treeSize, AbortSignal.timeout(10_000));
}

/** A pack of the entries of one user, made while the ledger grows, so that it stands under several checkpoints. */
async function growingPack(): Promise<string> {
  await append(sealNumbers(0, 40));
  const folder = await newPath();
  const reader = readerOf(ledger, 2);
  let grown = 40;
  await exportPack(ledger, folder, {
    filter: filterOf({ actor: "user-3" }),
    reader: {
      ...reader,
      async bundles(query) {
        const page = await reader.bundles(query);
        await append(sealNumbers(grown, grown + 3));
        grown += 3;
        return page;
      },
    },
  });
  return folder;
}

const lines = (text: string): string[] => text.trimEnd().split("\n");
const text = (folder: string, name: string): Promise<string> => readFile(join(folder, name), "utf8");

/** What somebody does who changes parts and then makes the manifest fit them. */
async function resign(folder: string, change: (manifest: PackManifest) => PackManifest = (same) => same): Promise<void> {
  const manifest = parseManifest(await text(folder, "manifest.json"))!;
  const parts = await Promise.all(
    manifest.parts.map(async ({ name }) => {
      const bytes = await readFile(join(folder, name));
      return { name, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    }),
  );
  await writeFile(join(folder, "manifest.json"), formatManifest(change({ ...manifest, parts })));
}

async function copyOf(folder: string): Promise<string> {
  const copy = await newPath();
  await cp(folder, copy, { recursive: true });
  return copy;
}

async function editBundles(folder: string, edit: (lines: string[]) => string[]): Promise<void> {
  const edited = edit(lines(await text(folder, "bundles.ndjson")));
  await writeFile(join(folder, "bundles.ndjson"), edited.map((line) => `${line}\n`).join(""));
}

function expectDamaged(report: PackReport, code: string): void {
  expect(report.verdict).toBe("damaged");
  expect(alarmCodes(report)).toContain(code);
  expect(report.newestNote).toBeUndefined();
}

test("PACK-1: a pack holds five files, which only its owner can read, and its manifest lists length and SHA-256 of the others", async () => {
  const folder = await growingPack();
  expect((await readdir(folder)).sort()).toEqual([...PARTS, "manifest.json"].sort());
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  const manifest = parseManifest(await text(folder, "manifest.json"))!;
  expect(manifest.parts.map(({ name }) => name)).toEqual(PARTS);
  for (const { name, bytes, sha256 } of manifest.parts) {
    const found = await readFile(join(folder, name));
    expect({ bytes, sha256 }).toEqual({ bytes: found.length, sha256: createHash("sha256").update(found).digest("hex") });
  }
  expect(manifest).toMatchObject({
    format: "vouchtrail-pack/1",
    vkey: ledger.vkey,
    question: { filters: { actor: ["user-3"] }, below: 40 },
    entries: { count: 6, first: 3, last: 38 },
  });
  // Nothing unfinished is left beside it.
  expect(await readdir(dirname(folder))).toEqual(["pack"]);
});

test("PACK-3 PACK-4: a pack that was made while the trail grew holds, offline and with the key alone", async () => {
  const folder = await growingPack();
  const checkpoints = lines(await text(folder, "checkpoints.ndjson")).map(
    (line) => JSON.parse(line) as { checkpoint: string; toLast: string[] },
  );
  expect(checkpoints.length).toBeGreaterThan(2);
  expect(checkpoints.at(-1)?.toLast).toEqual([]);
  const report = await checkPack(folder, { vkey: ledger.vkey });
  expect(report).toMatchObject({ verdict: "holds-unremembered", entries: 6, findings: [], origin: ledger.origin, newestNote: undefined });
  expect(report.pack).toMatchObject({ isContiguous: false, question: { filters: { actor: ["user-3"] }, below: 40 } });
  // The hash that names the pack is that of its manifest: any tool gives it.
  expect(report.pack?.sha256).toBe(
    createHash("sha256")
      .update(await readFile(join(folder, "manifest.json")))
      .digest("hex"),
  );
});

test("PACK-4: with a remembered checkpoint of its history a pack is anchored, with another one it is damaged", async () => {
  const folder = await growingPack();
  const { checkpoint } = JSON.parse(lines(await text(folder, "checkpoints.ndjson"))[1]!) as { checkpoint: string };
  const anchored = await checkPack(folder, { vkey: ledger.vkey, rememberedNote: checkpoint });
  expect(anchored).toMatchObject({ verdict: "holds", remembered: { size: parseCheckpoint(parseNote(checkpoint).text).treeSize } });
  expect(anchored.summary).toMatch(/^Holds: 6 entries check, and the remembered checkpoint is of the same history\. Anchored/);

  // The same key signed another history of the same size.
  const other = await openAt(await newRoot(), signer);
  await other.append(sealNumbers(100, 100 + parseCheckpoint(parseNote(checkpoint).text).treeSize));
  await other.close();
  expectDamaged(await checkPack(folder, { rememberedNote: await other.checkpoint() }), "DIFFERS_FROM_REMEMBERED");

  const stranger = await openAt(await newRoot(), newSigner());
  await stranger.append(sealNumbers(0, 3));
  await stranger.close();
  expectDamaged(await checkPack(folder, { rememberedNote: await stranger.checkpoint() }), "KEY_CHANGED");
  expectDamaged(await checkPack(folder, { rememberedNote: checkpoint.replace(/.{8}\n$/, "AAAAAAAA\n") }), "REMEMBERED_DAMAGED");

  await append(sealNumbers(500, 501));
  const newer = await checkPack(folder, { rememberedNote: await ledger.checkpoint() });
  expect(newer.verdict).toBe("holds-unremembered");
  expect(noteCodes(newer)).toContain("CONSISTENCY_NOT_CHECKED");
});

test("PACK-7: what a pack proves of completeness is told as far as it reaches", async () => {
  await append(sealNumbers(0, 20));
  const whole = await newPath();
  await exportPack(ledger, whole);
  const complete = await checkPack(whole);
  expect(complete.pack).toMatchObject({ isContiguous: true });
  expect(complete.summary).toContain("No entry from 0 to 19 is left out; whether others match cannot be shown.");
  expect(noteCodes(complete)).toEqual(["KEY_NOT_PINNED"]);
  const some = await newPath();
  await exportPack(ledger, some, { filter: filterOf({ actor: ["user-1", "user-2"] }) });
  expect((await checkPack(some)).summary).toContain("That no other entry matches cannot be shown: ask the trail itself.");

  // Honest about its limits: leaving out an entry and making everything else fit is not found by the pack alone.
  const left = await copyOf(some);
  await editBundles(left, (all) => all.slice(1));
  await resign(left, (manifest) => ({ ...manifest, entries: { ...manifest.entries, count: 5, first: 2 } }));
  expect(alarmCodes(await checkPack(left))).toEqual(["SUMMARY_DIFFERS"]);
});

test("PACK-2: a flipped bit in any file is found, wherever it is", async () => {
  const folder = await growingPack();
  for (const name of [...PARTS, "manifest.json"]) {
    const bytes = await readFile(join(folder, name));
    // The start, the end, and places spread over the file.
    const places = new Set([0, 1, bytes.length - 1, ...Array.from({ length: 40 }, (_, i) => Math.floor((i * bytes.length) / 40))]);
    for (const place of places) {
      const flipped = Buffer.from(bytes);
      flipped[place] = flipped[place]! ^ (1 << (place % 7));
      await writeFile(join(folder, name), flipped);
      const report = await checkPack(folder, { vkey: ledger.vkey });
      expect(report.verdict, `${name} at ${place}`).toBe("damaged");
    }
    await writeFile(join(folder, name), bytes);
  }
  expect((await checkPack(folder)).verdict).toBe("holds-unremembered");
});

test("PACK-1: a part that is missing, empty, cut, a link or a folder is found, and so is one that does not belong there", async () => {
  const folder = await growingPack();
  for (const name of [...PARTS, "manifest.json"]) {
    const missing = await copyOf(folder);
    await rm(join(missing, name));
    expectDamaged(await checkPack(missing), "PART_MISSING");

    const empty = await copyOf(folder);
    await writeFile(join(empty, name), "");
    expectDamaged(await checkPack(empty), name === "manifest.json" ? "MANIFEST_DAMAGED" : "PART_DIFFERS");

    const cut = await copyOf(folder);
    await writeFile(join(cut, name), (await readFile(join(folder, name))).subarray(0, -1));
    expect((await checkPack(cut)).verdict).toBe("damaged");

    const longer = await copyOf(folder);
    await writeFile(join(longer, name), `${await text(folder, name)}\n`);
    expect((await checkPack(longer)).verdict).toBe("damaged");

    const linked = await copyOf(folder);
    await rm(join(linked, name));
    await symlink(join(folder, name), join(linked, name));
    expectDamaged(await checkPack(linked), "STRANGE_FILE");
  }
  const added = await copyOf(folder);
  await writeFile(join(added, "README.txt"), "Trust me.");
  expectDamaged(await checkPack(added), "STRANGE_FILE");
  const looked = await copyOf(folder);
  await writeFile(join(looked, ".DS_Store"), "");
  const report = await checkPack(looked);
  expect(report.verdict).toBe("holds-unremembered");
  expect(noteCodes(report)).toContain("SYSTEM_FILE");
});

test("PACK-3: bundles that were changed, doubled, swapped or taken from another pack are found though the manifest fits them", async () => {
  const folder = await growingPack();
  const attack = async (edit: (lines: string[]) => string[]): Promise<PackReport> => {
    const copy = await copyOf(folder);
    await editBundles(copy, edit);
    await resign(copy);
    return checkPack(copy, { vkey: ledger.vkey });
  };
  const change = (line: string, edit: (bundle: { -readonly [Name in keyof EvidenceBundle]: EvidenceBundle[Name] }) => void): string => {
    const bundle = JSON.parse(line) as EvidenceBundle;
    edit(bundle);
    return JSON.stringify(bundle);
  };
  expectDamaged(await attack(([first = "", ...rest]) => [first, first, ...rest]), "ENTRY_TWICE");
  expectDamaged(await attack(([first = "", second = "", ...rest]) => [second, first, ...rest]), "ENTRY_ORDER");
  expectDamaged(await attack((all) => all.slice(0, -1)), "COUNT_DIFFERS");
  expectDamaged(await attack(([first = "", ...rest]) => [first.replace("document.read", "document.rear"), ...rest]), "PROOF_INVALID");
  expectDamaged(
    await attack(([first = "", ...rest]) => [change(first, (bundle) => (bundle.disclosures = {})), ...rest]),
    "SECTION_MISSING",
  );
  expectDamaged(await attack(([first = "", ...rest]) => [change(first, (bundle) => (bundle.index += 1)), ...rest]), "BUNDLE_INVALID");
  expectDamaged(
    await attack(([first = "", ...rest]) => [change(first, (bundle) => (bundle.vkey = "else+00000000+AA==")), ...rest]),
    "MANIFEST_DIFFERS",
  );
  expectDamaged(await attack((all) => ["not json", ...all]), "BUNDLE_INVALID");
  expectDamaged(await attack((all) => ["[]", ...all]), "BUNDLE_INVALID");
  // A member that stands twice: a parser sees the last one, a reader the first.
  expectDamaged(await attack(([first = "", ...rest]) => [`{"leaf":"all is well",${first.slice(1)}`, ...rest]), "BUNDLE_INVALID");
  expectDamaged(await attack(([first = "", ...rest]) => [`${first} `, ...rest]), "BUNDLE_INVALID");
  expectDamaged(await attack((all) => ["null", ...all]), "BUNDLE_INVALID");
  expectDamaged(await attack((all) => ["", ...all]), "BUNDLE_INVALID");
  expectDamaged(await attack(() => []), "COUNT_DIFFERS");
  // An entry of another user, genuine and proved, that nobody asked for.
  const other = await newPath();
  await append(sealNumbers(700, 701));
  await exportPack(ledger, other, { filter: filterOf({ actor: "user-2" }) });
  const stranger = lines(await text(other, "bundles.ndjson"))[0] ?? "";
  const report = await attack((all) => [stranger, ...all]);
  expectDamaged(report, "ENTRY_NOT_ASKED_FOR");
  expect(alarmCodes(report)).toContain("CHECKPOINT_UNKNOWN");
});

test("PACK-4: checkpoints that are swapped, left out, forged or not connected are found though the manifest fits them", async () => {
  const folder = await growingPack();
  const attack = async (edit: (lines: string[]) => string[], changes: Parameters<typeof checkPack>[1] = {}): Promise<PackReport> => {
    const copy = await copyOf(folder);
    const edited = edit(lines(await text(copy, "checkpoints.ndjson")));
    await writeFile(join(copy, "checkpoints.ndjson"), edited.map((line) => `${line}\n`).join(""));
    await resign(copy);
    return checkPack(copy, changes);
  };
  expectDamaged(await attack(([first = "", second = "", ...rest]) => [second, first, ...rest]), "CHECKPOINT_INVALID");
  expectDamaged(await attack(([first = "", ...rest]) => [first, first, ...rest]), "CHECKPOINT_INVALID");
  expectDamaged(await attack(([first = "", , ...rest]) => [first, ...rest]), "CHECKPOINT_UNKNOWN");
  expectDamaged(await attack((all) => all.slice(0, -1)), "PROOF_INVALID");
  expectDamaged(await attack(() => []), "CHECKPOINT_INVALID");
  expectDamaged(await attack((all) => [...all, "{}"]), "CHECKPOINT_INVALID");
  expectDamaged(await attack((all) => [` ${all[0]}`, ...all.slice(1)]), "CHECKPOINT_INVALID");
  expectDamaged(await attack(([first = "", ...rest]) => [first.replace(/"toLast":\[.*\]/, '"toLast":[]'), ...rest]), "PROOF_INVALID");
  expectDamaged(await attack(([first = "", ...rest]) => [first.replace(/"toLast":\["./, '"toLast":["*'), ...rest]), "BASE64_INVALID");
  expectDamaged(await attack((all) => all, { vkey: (await openAt(await newRoot(), newSigner())).vkey }), "VKEY_DIFFERS");
});

test("PACK-4: a pack is asked to fit a checkpoint that was kept elsewhere, and one that the trail denies stops the export", async () => {
  await append(sealNumbers(0, 10));
  const kept = await ledger.checkpoint();
  await append(sealNumbers(10, 20));
  const folder = await newPath();
  await exportPack(ledger, folder, { keptCheckpoints: [kept] });
  expect(await checkPack(folder, { rememberedNote: kept })).toMatchObject({ verdict: "holds", remembered: { size: 10 } });

  const other = await openAt(await newRoot(), signer);
  await other.append(sealNumbers(50, 65));
  await other.close();
  await expect(exportPack(ledger, await newPath(), { keptCheckpoints: [await other.checkpoint()] })).rejects.toMatchObject({
    code: "PROOF_INVALID",
  });
  const longer = await openAt(await newRoot(), signer);
  await longer.append(sealNumbers(0, 30));
  await longer.close();
  await expect(exportPack(ledger, await newPath(), { keptCheckpoints: [await longer.checkpoint()] })).rejects.toThrow(/its trail was cut/);
  await expect(exportPack(ledger, await newPath(), { keptCheckpoints: ["nonsense"] })).rejects.toMatchObject({ code: "NOTE_INVALID" });
});

test("PACK-4: an operator who shows two histories cannot put both into one pack", async () => {
  await append(sealNumbers(0, 10));
  const fork = await openAt(await newRoot(), signer);
  await fork.append([...sealNumbers(0, 9), sealNumber(999), sealNumber(1_000)]);
  await fork.waitForCheckpoint(11, AbortSignal.timeout(10_000));
  const [honest, forked] = [readerOf(ledger), readerOf(fork)];
  const folder = await newPath();
  const mixed = { ...honest, checkpoint: () => forked.checkpoint() };
  await expect(
    exportPack(ledger, folder, { reader: mixed, readTile: (level, n, width) => fork.tile(level, n, width) }),
  ).rejects.toMatchObject({
    code: "PROOF_INVALID",
  });
  await expect(stat(folder)).rejects.toMatchObject({ code: "ENOENT" });
  expect(await readdir(dirname(folder))).toEqual([]);
  await fork.close();
});

test("PACK-2: a manifest that says something else than the pack, or is written in another way, is found", async () => {
  const folder = await growingPack();
  const attack = async (change: (manifest: PackManifest) => PackManifest): Promise<PackReport> => {
    const copy = await copyOf(folder);
    await resign(copy, change);
    return checkPack(copy);
  };
  expectDamaged(await attack((manifest) => ({ ...manifest, entries: { ...manifest.entries, count: 7 } })), "COUNT_DIFFERS");
  expectDamaged(await attack((manifest) => ({ ...manifest, entries: { ...manifest.entries, last: 39 } })), "COUNT_DIFFERS");
  expectDamaged(await attack((manifest) => ({ ...manifest, origin: "example.org/else" })), "MANIFEST_DIFFERS");
  expectDamaged(await attack((manifest) => ({ ...manifest, vkey: "nonsense" })), "VKEY_DAMAGED");
  expectDamaged(await attack((manifest) => ({ ...manifest, question: { ...manifest.question, below: 30 } })), "ENTRY_NOT_ASKED_FOR");
  expectDamaged(
    await attack((manifest) => ({ ...manifest, question: { ...manifest.question, filters: { actor: ["user-4"] } } })),
    "ENTRY_NOT_ASKED_FOR",
  );
  expectDamaged(await attack((manifest) => ({ ...manifest, made: { ...manifest.made, by: "somebody else" } })), "SUMMARY_DIFFERS");
  expectDamaged(await attack((manifest) => ({ ...manifest, parts: manifest.parts.toReversed() })), "MANIFEST_DIFFERS");
  expectDamaged(await attack((manifest) => ({ ...manifest, parts: [...manifest.parts, manifest.parts[0]!] })), "MANIFEST_DIFFERS");
  expectDamaged(await attack((manifest) => ({ ...manifest, parts: manifest.parts.slice(1) })), "MANIFEST_DIFFERS");
  expectDamaged(
    await attack((manifest) => ({ ...manifest, checkpoints: { ...manifest.checkpoints, last: manifest.checkpoints.first } })),
    "MANIFEST_DIFFERS",
  );
  for (const spelled of [
    (written: string) => ` ${written}`,
    (written: string) => JSON.stringify(JSON.parse(written)),
    () => "[]",
    () => "null",
    () => "{}",
  ]) {
    const copy = await copyOf(folder);
    await writeFile(join(copy, "manifest.json"), spelled(await text(copy, "manifest.json")));
    expectDamaged(await checkPack(copy), "MANIFEST_DAMAGED");
  }
  const extra = await copyOf(folder);
  await writeFile(join(extra, "manifest.json"), (await text(extra, "manifest.json")).replace("{\n", '{\n  "approved": true,\n'));
  expectDamaged(await checkPack(extra), "MANIFEST_DAMAGED");
});

test("PACK-6: the summary page says what the entries say, or it is found", async () => {
  const folder = await growingPack();
  const lie = await copyOf(folder);
  await writeFile(join(lie, "summary.html"), (await text(lie, "summary.html")).replace("document-3", "document-8"));
  await resign(lie);
  expectDamaged(await checkPack(lie), "SUMMARY_DIFFERS");
  // Whoever claims that another version wrote it gains a note that says not to rely on it.
  await resign(lie, (manifest) => ({ ...manifest, page: 2 }));
  const report = await checkPack(lie);
  expect(report.verdict).toBe("holds-unremembered");
  expect(noteCodes(report)).toContain("SUMMARY_NOT_COMPARED");
});

test("PACK-6: nothing that an event says is markup, runs, or loads anything", async () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>\u001b[2J\u202e]]>--></pre></details>`;
  await append([
    sealNumber(1, {
      actor: { type: "agent", id: hostile, name: hostile },
      target: { type: "document", id: hostile, name: hostile },
      outcome: { status: "failure", message: hostile },
      labels: { [hostile.slice(0, 20)]: hostile },
      context: { sessionId: hostile },
      details: { [hostile]: hostile },
    }),
  ]);
  const folder = await newPath();
  await exportPack(ledger, folder, { made: { at: hostile, by: hostile, with: hostile } });
  expect((await checkPack(folder)).verdict).toBe("holds-unremembered");
  const page = await text(folder, "summary.html");
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(page).not.toMatch(/<script|<img|<\/pre><\/details>\w|\u001b|\u202e/i);
  expect(page.replace(/>[^<]*</g, "><")).not.toMatch(/(?:src|href|url)\s*[=(]/i);
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  const tags = [...page.matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag);
  const opened = page.match(/<(?:bdi|td|tr|tbody|details|pre)\b/g)?.length;
  expect(opened).toBe(page.match(/<\/(?:bdi|td|tr|tbody|details|pre)>/g)?.length);
  expect(tags).not.toContain("script");
});

test("PACK-5: whether an entry with erased sections fits can no longer be told, and is not held against it", async () => {
  await append(sealNumbers(0, 8));
  const folder = await newPath();
  const reader = readerOf(ledger);
  const bundles: typeof reader.bundles = async (query) => {
    // The search index found it by its actor; before it is read, the actor is erased.
    const erases = { personal: [[3, 4]], content: [[3, 4]] } as const;
    await append([sealSystemEntry({ action: "audit.erasure", ledger: "main", system: { erases } }, "2026-02-01T00:00:00.000Z")]);
    await ledger.erase(erases, 8);
    await ledger.idle();
    const page = await reader.bundles({ ...query, filter: filterOf() });
    return { ...page, bundles: page.bundles.filter(({ index }) => index === 3) };
  };
  await exportPack(ledger, folder, { filter: filterOf({ actor: "user-3" }), reader: { ...reader, bundles } });
  const report = await checkPack(folder, { vkey: ledger.vkey });
  expect(report).toMatchObject({ verdict: "holds-unremembered", erasedSections: 2 });
  expect(noteCodes(report)).toEqual(["QUESTION_UNDECIDED"]);

  // The entry that erases comes with it: without that one, sections are simply missing.
  await editBundles(folder, ([line = ""]) => [JSON.stringify({ ...(JSON.parse(line) as object), erasures: undefined })]);
  await resign(folder);
  expectDamaged(await checkPack(folder), "SECTION_MISSING");
});

test("PACK-5: a question that this version does not understand is not checked, and that is said", async () => {
  const folder = await growingPack();
  await resign(folder, (manifest) => ({ ...manifest, question: { ...manifest.question, filters: { mood: ["good"] } } }));
  const report = await checkPack(folder);
  expect(noteCodes(report)).toContain("QUESTION_NOT_CHECKED");
  expect(alarmCodes(report)).toEqual(["SUMMARY_DIFFERS"]);
});

test("PACK-1: nothing is written over, and nothing is left behind by an export that fails", async () => {
  await append(sealNumbers(0, 5));
  const folder = await newPath();
  await mkdir(folder);
  await expect(exportPack(ledger, folder)).rejects.toBeInstanceOf(CommandError);
  await rm(folder, { recursive: true });
  await expect(exportPack(ledger, folder, { filter: filterOf({ actor: "nobody" }) })).rejects.toThrow(/No entry matches/);
  await expect(exportPack(ledger, folder, { vkey: "else+00000000+AA==" })).rejects.toThrow(/another verifier key/);
  await expect(exportPack(ledger, join(folder, "deep", "down"))).rejects.toThrow(/cannot be written: ENOENT/);
  const reader = readerOf(ledger, 2);
  let pages = 0;
  const breaking = {
    ...reader,
    bundles: (query: Parameters<typeof reader.bundles>[0]) => {
      pages += 1;
      return pages < 2 ? reader.bundles(query) : Promise.reject(new CommandError("gone"));
    },
  };
  await expect(exportPack(ledger, folder, { reader: breaking })).rejects.toThrow("gone");
  expect(await readdir(dirname(folder))).toEqual([]);
  // Stopped while a page is under way that never comes.
  const stop = new AbortController();
  const waiting = {
    ...reader,
    bundles: (query: Parameters<typeof reader.bundles>[0]) => {
      if (query.cursor === undefined) return reader.bundles(query);
      queueMicrotask(() => stop.abort(new CommandError("stopped")));
      return new Promise<never>(() => {});
    },
  };
  await expect(exportPack(ledger, folder, { reader: waiting, signal: stop.signal })).rejects.toThrow("stopped");
  await expect(exportPack(ledger, folder, { signal: AbortSignal.abort(new CommandError("stopped before")) })).rejects.toThrow(
    "stopped before",
  );
  expect(await readdir(dirname(folder))).toEqual([]);
});

test("PACK-3: an export refuses what the server gives twice, out of order, or unproved", async () => {
  await append(sealNumbers(0, 5));
  const reader = readerOf(ledger);
  const exporting = (edit: (bundles: EvidenceBundle[]) => EvidenceBundle[]): Promise<unknown> =>
    newPath().then((folder) =>
      exportPack(ledger, folder, {
        reader: {
          ...reader,
          bundles: async (query) => ({ ...(await reader.bundles(query)), bundles: edit([...(await reader.bundles(query)).bundles]) }),
        },
      }),
    );
  await expect(exporting((bundles) => [...bundles, bundles[0]!])).rejects.toThrow(/twice or out of order/);
  await expect(exporting((bundles) => bundles.toReversed())).rejects.toThrow(/twice or out of order/);
  await expect(exporting(([first, ...rest]) => [{ ...first!, leaf: first!.leaf.replace("read", "rear") }, ...rest])).rejects.toMatchObject({
    code: "PROOF_INVALID",
  });
  await expect(exporting(([first, ...rest]) => [{ ...first!, disclosures: {} }, ...rest])).rejects.toMatchObject({
    code: "BUNDLE_INVALID",
  });
});

test("PACK-3: entries that arrive while the export runs are no part of it", async () => {
  const folder = await growingPack();
  const { question, entries } = parseManifest(await text(folder, "manifest.json"))!;
  expect(question.below).toBe(40);
  expect(entries.last).toBeLessThan(40);
  expect((await ledger.head()).treeSize).toBeGreaterThan(40);
});

test("PACK-1: the page lists every code that a finding of a pack can have, and none that no finding has", () => {
  const repository = fileURLToPath(new URL("../..", import.meta.url));
  const sources = join(repository, "packages/cli/src/pack");
  const code = readdirSync(sources)
    .map((name) => readFileSync(join(sources, name), "utf8"))
    .join("\n");
  const raised = new Set([...code.matchAll(/\b(?:alarm|note)\(\s*"([A-Z_]+)"/g)].map(([, name]) => name));
  const page = readFileSync(join(repository, "docs/spec/pack.md"), "utf8");
  const listed = [...page.matchAll(/^\| (`[A-Z_]+`[^|]*)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  );
  expect(raised.size).toBeGreaterThan(20);
  expect([...raised].filter((name) => !listed.includes(name))).toEqual([]);
  expect(listed.filter((name) => !code.includes(`"${name}"`))).toEqual([]);
});
