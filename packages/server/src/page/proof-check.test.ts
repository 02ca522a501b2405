import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEvent, DEFAULT_PRIVACY_POLICY, type EntryView } from "@vouchtrail/events";
import { type EvidenceBundle, formatVkey } from "@vouchtrail/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealEvent, sealSystemEntry } from "../intake/seal.ts";
import { generateSeed, signerFromSeed, verifyEd25519 as verifyWithNode } from "../ledger/ed25519.ts";
import { openFileLedger } from "../ledger/file-ledger.ts";
import { viewEntry } from "../reading/entry-view.ts";
import { createProofs } from "../reading/proofs.ts";
import { checkCheckpoint, checkProof, type ProofCheck, type ShownEntry } from "./proof-check.ts";
import { sha256, verifyEd25519 } from "./signatures.ts";

const signer = signerFromSeed("example.org/page", generateSeed());
const other = signerFromSeed("example.org/page", generateSeed());
/** Of entry 2, whose content was erased, and of entry 1, which is whole. */
let erased: { bundle: EvidenceBundle; shown: ShownEntry };
let whole: { bundle: EvidenceBundle; shown: ShownEntry };
let note = "";
let vkey = "";
let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-page-"));
  const ledger = await openFileLedger({
    directory: join(root, "ledger/main"),
    signer,
    idsDirectory: join(root, "ids"),
    recoveredDirectory: join(root, "recovered"),
    erasuresFile: join(root, "erasures.json"),
  });
  vkey = ledger.vkey;
  const at = "2026-01-31T12:00:01.000Z";
  await ledger.append([0, 1, 2, 3].map((i) => sealEvent(eventOf(i), { at, via: "http" }, DEFAULT_PRIVACY_POLICY)));
  const erases = { content: [[2, 3]] as [number, number][] };
  await ledger.append([sealSystemEntry({ action: "sections.erased", ledger: "main", system: { erases } }, at)]);
  await ledger.erase(erases, 4);
  await ledger.waitForCheckpoint(5, AbortSignal.timeout(30_000));
  note = await ledger.checkpoint();
  const proofs = createProofs(ledger);
  const read = async (index: number): Promise<typeof whole> => {
    for await (const batch of ledger.read(index, index + 1))
      for (const entry of batch) return { bundle: await proofs.bundle(entry), shown: shownOf(viewEntry(ledger, entry)) };
    throw new Error("The entry is not there.");
  };
  whole = await read(1);
  erased = await read(2);
  await ledger.close();
});
afterAll(() => rm(root, { recursive: true, force: true }));

function eventOf(i: number): AuditEvent {
  return {
    id: `00000000-0000-7000-8000-00000000000${i}`,
    occurredAt: "2026-01-31T12:00:00.000Z",
    tenant: "default",
    action: "document.read",
    actor: { type: "user", id: "user-1", name: "Ümit 😀" },
    target: { type: "document", id: `document-${i}` },
    outcome: { status: "success" },
    details: { i, text: "\u2028 <b>" },
  };
}

function shownOf({ index, leafHash, event, received }: EntryView): ShownEntry {
  return { id: String(event.id), index, leafHash, event, received };
}

const check = (bundle: unknown, shown = whole.shown, pinned?: string): ProofCheck => checkProof(JSON.stringify(bundle), shown, pinned);
/** `leaf bad, path open`: everything that is not good. */
const faults = ({ steps }: ProofCheck): string =>
  steps
    .filter(({ state }) => state !== "good")
    .map(({ name, state }) => `${name} ${state}`)
    .join(", ");

test("PAGE-10: a bundle of the ledger holds, step by step, and the values are shown", () => {
  const result = check(whole.bundle);
  expect(faults(result)).toBe("");
  expect(result).toMatchObject({ isGood: true, isKeyPinned: false, treeSize: 5, sections: { personal: { state: "present" } } });
  expect(result.steps.map(({ name }) => name)).toEqual(["bundle", "leaf", "sections", "shown", "path", "signature", "whole"]);
  expect(result.steps[1]?.values).toContainEqual(["leaf hash", whole.shown.leafHash]);
});

test("PAGE-10: an erased section holds when the entry that erased it is proven, and is missing without it", () => {
  const result = check(erased.bundle, erased.shown);
  expect(result).toMatchObject({ isGood: true, sections: { content: { state: "erased", index: 4 }, personal: { state: "present" } } });
  const { erasures, ...without } = erased.bundle;
  expect(erasures).toHaveLength(1);
  expect(faults(check(without, erased.shown))).toBe("sections bad");
  const forged = { ...erased.bundle, erasures: [{ ...erasures?.[0], leaf: erased.bundle.leaf }] };
  expect(faults(check(forged, erased.shown))).toBe("sections open, whole bad");
});

test.each<readonly [fault: string, change: (bundle: EvidenceBundle) => unknown, faults: string]>([
  ["another leaf", (b) => ({ ...b, leaf: b.leaf.replace("success", "failure") }), "leaf bad, shown bad, path open, whole open"],
  [
    "another disclosure",
    (b) => ({ ...b, disclosures: { ...b.disclosures, content: b.disclosures.content?.replace("document-1", "document-9") } }),
    "sections bad, shown bad, whole open",
  ],
  ["a missing section", ({ disclosures: { content: _, ...rest }, ...b }) => ({ ...b, disclosures: rest }), "sections bad, shown bad"],
  [
    "another path",
    (b) => ({ ...b, inclusionProof: b.inclusionProof.replace(/^(index 1\n)\S+$/m, `$1${"A".repeat(43)}=`) }),
    "path bad, whole open",
  ],
  ["another index", (b) => ({ ...b, inclusionProof: b.inclusionProof.replace("index 1\n", "index 0\n") }), "path bad, whole open"],
  [
    "another tree size",
    (b) => ({ ...b, inclusionProof: b.inclusionProof.replace("\n5\n", "\n6\n") }),
    "path open, signature bad, whole open",
  ],
  ["another key", (b) => ({ ...b, vkey: vkeyOf(other) }), "signature bad"],
  ["no proof", (b) => ({ ...b, inclusionProof: "" }), "path open, signature bad, whole open"],
  ["a member that nobody checks", (b) => ({ ...b, more: 1 }), "whole bad"],
  ["another index in the bundle", (b) => ({ ...b, index: 3 }), "whole bad"],
  ["another format", (b) => ({ ...b, format: "x" }), "whole bad"],
  ["no object", () => [], "bundle bad"],
  ["nothing", () => null, "bundle bad"],
  ["texts of other kinds", (b) => ({ ...b, leaf: 1 }), "bundle bad"],
])("PAGE-10: %s fails at its step", (_, change, expected) => {
  const result = check(change(whole.bundle));
  expect(result.isGood).toBe(false);
  expect(faults(result)).toContain(expected);
});

test("PAGE-10: every changed character of a bundle is found", () => {
  const text = JSON.stringify(whole.bundle);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom("A", "b", "0", "1", '"', " ", "ü"), (at, character) => {
      fc.pre(text[at] !== character);
      expect(checkProof(text.slice(0, at) + character + text.slice(at + 1), whole.shown).isGood).toBe(false);
    }),
    { numRuns: 400 },
  );
});

test("PAGE-11: a true bundle does not cover another event, or one that is shown otherwise", () => {
  const { shown } = whole;
  const cases: readonly (readonly [ShownEntry, string])[] = [
    [erased.shown, "leaf bad"],
    [{ ...shown, index: 3 }, "path bad"],
    [{ ...shown, id: erased.shown.id }, "shown bad"],
    [{ ...shown, event: { ...shown.event, outcome: { status: "failure" } } }, "shown bad"],
    [{ ...shown, event: { ...shown.event, more: 1 } }, "shown bad"],
    [{ ...shown, received: { ...shown.received, via: "sdk" } }, "shown bad"],
    [{ ...shown, redactions: { key: 1 } }, "shown bad"],
    [{ ...shown, system: {} }, "shown bad"],
  ];
  for (const [other, expected] of cases) expect(faults(check(whole.bundle, other))).toContain(expected);
  const named = check(whole.bundle, { ...shown, event: { ...shown.event, actor: { type: "user", id: "user-2", name: "Ümit 😀" } } });
  expect(named.steps.find(({ state }) => state === "bad")?.message).toBe('What is shown at "actor.id" is not what was sealed.');
});

test("PAGE-12: only the pinned key is believed once there is one", () => {
  expect(check(whole.bundle, whole.shown, vkey)).toMatchObject({ isGood: true, isKeyPinned: true });
  expect(faults(check(whole.bundle, whole.shown, vkeyOf(other)))).toBe("path open, signature bad, whole open");
  expect(faults(check(whole.bundle, whole.shown, "no key at all"))).toBe("path open, signature bad, whole open");
  expect(faults(check({ ...whole.bundle, vkey: vkeyOf(other) }, whole.shown, vkey))).toBe("");
});

test("PAGE-17: a checkpoint is checked with the key it is given", () => {
  expect(checkCheckpoint(note, `${vkey}\n`)).toMatchObject({ origin: signer.name, treeSize: 5 });
  expect(() => checkCheckpoint(note, vkeyOf(other))).toThrow(expect.objectContaining({ code: "NOTE_UNSIGNED" }));
  expect(() => checkCheckpoint(note.replace("\n5\n", "\n4\n"), vkey)).toThrow(expect.objectContaining({ code: "SIGNATURE_INVALID" }));
});

test("PAGE-10: signatures are checked as node:crypto does, and what is no signature is false", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(63), fc.nat(7), (message, at, bit) => {
      const signature = Uint8Array.from(signer.sign(message));
      expect(verifyEd25519(signer.publicKey, message, signature)).toBe(true);
      signature[at] = (signature[at] ?? 0) ^ (1 << bit);
      expect(verifyEd25519(signer.publicKey, message, signature)).toBe(verifyWithNode(signer.publicKey, message, signature));
    }),
    { numRuns: 30 },
  );
  expect(verifyEd25519(signer.publicKey, new Uint8Array(3), new Uint8Array(63))).toBe(false);
  expect(verifyEd25519(new Uint8Array(31), new Uint8Array(3), new Uint8Array(64))).toBe(false);
});

function vkeyOf(of: typeof signer): string {
  return formatVkey(of.name, of.publicKey, sha256);
}
