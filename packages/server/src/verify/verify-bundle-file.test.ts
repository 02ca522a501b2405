import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { BUNDLE_FORMAT, createTileTree, type EvidenceBundle, formatTlogProof } from "@vouchtrail/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealEvent } from "../intake/seal.ts";
import { generateSeed, signerFromSeed } from "../ledger/ed25519.ts";
import { openFileLedger } from "../ledger/file-ledger.ts";
import { sha256 } from "../ledger/hashing.ts";
import { verifyBundleFile } from "./verify-bundle-file.ts";

const signer = signerFromSeed("example.org/bundles", generateSeed());
const bundles: EvidenceBundle[] = [];
let note = "";
let earlier = "";
let vkey = "";
let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-bundles-"));
  const ledger = await openFileLedger({
    directory: join(root, "ledger/main"),
    signer,
    idsDirectory: join(root, "ids"),
    recoveredDirectory: join(root, "recovered"),
    erasuresFile: join(root, "erasures.json"),
  });
  vkey = ledger.vkey;
  for (const to of [3, 6]) {
    for (let i = to - 3; i < to; i++) {
      await ledger.append([
        sealEvent(
          {
            id: `00000000-0000-7000-8000-00000000000${i}`,
            occurredAt: "2026-01-31T12:00:00.000Z",
            tenant: "default",
            action: "document.read",
            actor: { type: "user", id: "user-1" },
            target: { type: "document", id: `document-${i}` },
            outcome: { status: "success" },
            details: { i },
          },
          { at: "2026-01-31T12:00:01.000Z", via: "http" },
          DEFAULT_PRIVACY_POLICY,
        ),
      ]);
    }
    await ledger.waitForCheckpoint(to, AbortSignal.timeout(30_000));
    earlier = note;
    note = await ledger.checkpoint();
  }
  const tree = createTileTree({ sha256, readTile: (level, n, width) => ledger.tile(level, n, width) });
  for await (const batch of ledger.read(0, 6)) {
    for (const { index, leaf, disclosures } of batch) {
      const inclusionProof = formatTlogProof({ index, path: await tree.inclusionPath(index, 6), checkpoint: note });
      bundles.push({ format: BUNDLE_FORMAT, origin: signer.name, vkey, index, leaf, disclosures, inclusionProof });
    }
  }
  await ledger.close();
});
afterAll(() => rm(root, { recursive: true, force: true }));

const codes = ({ findings }: { findings: readonly { code: string }[] }): string[] => findings.map(({ code }) => code);

test("VERDICT-11: one bundle, an array and one a line hold, and the report says what a bundle cannot show", async () => {
  for (const [text, count] of [
    [JSON.stringify(bundles[2], null, 2), 1],
    [JSON.stringify(bundles), 6],
    [`${bundles.map((bundle) => JSON.stringify(bundle)).join("\n")}\n`, 6],
  ] as const) {
    const report = await verifyBundleFile(text, { vkey });
    expect(report).toMatchObject({ verdict: "holds-unremembered", entries: count, treeSize: 6, origin: signer.name, findings: [] });
    expect(report.summary).toMatch(/could not be checked/);
  }
  expect(codes(await verifyBundleFile(JSON.stringify(bundles)))).toEqual(["KEY_NOT_PINNED"]);
});

test("VERDICT-11: a bundle holds against a remembered checkpoint of the same size only", async () => {
  const text = JSON.stringify(bundles[0]);
  expect(await verifyBundleFile(text, { vkey, rememberedNote: note })).toMatchObject({
    verdict: "holds",
    remembered: { size: 6 },
    findings: [],
  });
  const other = await verifyBundleFile(text, { vkey, rememberedNote: earlier });
  expect(other.verdict).toBe("holds-unremembered");
  expect(codes(other)).toEqual(["CONSISTENCY_NOT_CHECKED"]);
});

test("VERDICT-11: a changed bundle, a foreign key, a lost section and a file without bundles are damage", async () => {
  const [first, second] = bundles as [EvidenceBundle, EvidenceBundle];
  const damaged: readonly (readonly [unknown, string])[] = [
    [{ ...first, leaf: first.leaf.replace("document.read", "document.view") }, "PROOF_INVALID"],
    [{ ...first, disclosures: second.disclosures }, "DISCLOSURE_INVALID"],
    [{ ...first, disclosures: { personal: first.disclosures.personal } }, "SECTION_MISSING"],
    [{ ...first, inclusionProof: second.inclusionProof }, "PROOF_INVALID"],
    [{ ...first, index: 1 }, "BUNDLE_INVALID"],
    [{ something: "else" }, "BUNDLE_INVALID"],
    [[], "BUNDLE_INVALID"],
    [7, "BUNDLE_INVALID"],
  ];
  for (const [json, code] of damaged) {
    const report = await verifyBundleFile(JSON.stringify(json), { vkey });
    expect(report.verdict, code).toBe("damaged");
    expect(report.findings[0]?.code, code).toBe(code);
  }
  for (const text of ["", "not JSON", `${JSON.stringify(first)}\nnot JSON`])
    expect(codes(await verifyBundleFile(text, { vkey }))).toEqual(["BUNDLE_INVALID"]);
  const foreign = signerFromSeed(signer.name, generateSeed());
  const { formatVkey } = await import("@vouchtrail/protocol");
  const pinned = formatVkey(foreign.name, foreign.publicKey, sha256);
  expect(codes(await verifyBundleFile(JSON.stringify(first), { vkey: pinned }))).toEqual(["NOTE_UNSIGNED"]);
  await expect(verifyBundleFile(JSON.stringify(first), { vkey: "no key" })).rejects.toMatchObject({ code: "VKEY_INVALID" });
});
