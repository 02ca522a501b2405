import { createHash, createPublicKey, generateKeyPairSync, hash, randomBytes, sign, verify } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCheckpoint } from "./checkpoint.ts";
import { disclosureDigest, encodeDisclosure, parseDisclosure, type SectionName } from "./disclosure.ts";
import { type ErasedBy, verifyEntry } from "./entry.ts";
import { isErased, parseErasures } from "./erasure.ts";
import { type EvidenceBundle, verifyBundle } from "./evidence-bundle.ts";
import { hashLeaf } from "./hash.ts";
import { encodeLeafFrame, parseLeafFrame } from "./leaf.ts";
import { type Signer, signNote } from "./note.ts";
import { createTileTree } from "./tile-tree.ts";
import { formatTlogProof } from "./tlog-proof.ts";
import { createTree } from "./tree.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";
import { formatVkey } from "./vkey.ts";

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");
const code = (expected: string) => expect.objectContaining({ code: expected });
const ID = "01932c07-209d-7e5a-b1de-3f4a5b6c7d8e";
const salt = (): string => randomBytes(16).toString("base64url");
const REST =
  '"tenant":"default","occurredAt":"2026-11-21T02:21:40.123Z","action":"ai.tool_call","outcome":{"status":"success","code":"ü😀"}';

interface Sealed {
  readonly leaf: Uint8Array;
  readonly disclosures: Partial<Record<SectionName, string>>;
}

function seal(values: Partial<Record<SectionName, string>>, more = "", id = ID): Sealed {
  const sections = (["personal", "content"] as const).filter((name) => values[name] !== undefined);
  const disclosures: Partial<Record<SectionName, string>> = {};
  for (const name of sections) disclosures[name] = encodeDisclosure(salt(), name, values[name]!);
  const digests = sections.map((name) => disclosureDigest(disclosures[name]!, sha256));
  return { leaf: encodeUtf8(`${encodeLeafFrame({ id, sections, digests })},${REST}${more}}`), disclosures };
}

const both = (): Sealed => seal({ personal: '{"actor":{"name":"Möbius"}}', content: '{"details":{"a":[1]}}' });

test("DISCLOSURE-2: the published digests come out", () => {
  expect(disclosureDigest('["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"]', sha256)).toBe(
    "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
  );
  expect(disclosureDigest(encodeUtf8('["lklxF5jMYlGTPUovMNIvCA", "FR"]'), sha256)).toBe("w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs");
});

test("DISCLOSURE-1: a disclosure survives a round trip, and its digest is RFC 9901's", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()), fc.constantFrom("personal", "content"), (given, name) => {
      const json = JSON.stringify(given);
      const value: unknown = JSON.parse(json);
      const text = encodeDisclosure("AAECAwQFBgcICQoLDA0ODw", name, json);
      expect(JSON.parse(text)).toEqual(["AAECAwQFBgcICQoLDA0ODw", name, value]);
      expect(parseDisclosure(text)).toEqual({ salt: "AAECAwQFBgcICQoLDA0ODw", name, value });
      const encoded = Buffer.from(text).toString("base64url");
      expect(disclosureDigest(text, sha256)).toBe(createHash("sha256").update(encoded).digest("base64url"));
    }),
  );
});

test.each([
  '["AAECAwQFBgcICQoLDA0ODx","content",{}]',
  '["AAECAwQFBgcICQoLDA0OD","content",{}]',
  '["AAECAwQFBgcICQoLDA0ODw","other",{}]',
  '["AAECAwQFBgcICQoLDA0ODw", "content",{}]',
  '["AAECAwQFBgcICQoLDA0ODw","content",[]]',
  '["AAECAwQFBgcICQoLDA0ODw","content",1]',
  '["AAECAwQFBgcICQoLDA0ODw","content",{},{}]',
  '["AAECAwQFBgcICQoLDA0ODw","content",{\n}]',
  '["AAECAwQFBgcICQoLDA0ODw","content",{}] ',
  '["AAECAwQFBgcICQoLDA0ODw","content",]',
  "",
])("DISCLOSURE-1: %j is refused", (text) => {
  expect(() => parseDisclosure(text)).toThrow(code("DISCLOSURE_INVALID"));
});

test("DISCLOSURE-1: a salt of another length is refused when sealing", () => {
  expect(() => encodeDisclosure("AAAA", "content", "{}")).toThrow(code("DISCLOSURE_INVALID"));
});

test("LEAF-1: a frame survives a round trip as text, bytes and JSON", () => {
  for (const sections of [["personal", "content"], ["content"], ["personal"], []] as const) {
    const digests = sections.map((name) => sha256(encodeUtf8(name))).map((digest) => Buffer.from(digest).toString("base64url"));
    const leaf = `${encodeLeafFrame({ id: ID, sections, digests })},${REST},"x":"${"ü".repeat(600)}"}`;
    const frame = {
      id: ID,
      sections,
      digests,
      tenant: "default",
      occurredAt: "2026-11-21T02:21:40.123Z",
      action: "ai.tool_call",
      status: "success",
    };
    expect(parseLeafFrame(leaf)).toEqual({ schema: "vouchtrail/1", ...frame });
    expect(parseLeafFrame(encodeUtf8(leaf))).toEqual(parseLeafFrame(leaf));
    expect(JSON.parse(leaf)).toMatchObject({ schema: "vouchtrail/1", id: ID, sections, _sd: digests, tenant: "default" });
  }
});

test.each([
  ["vouchtrail/1", "vouchtrail/2"],
  ['{"schema"', '{ "schema"'],
  ['"id":', '"Id":'],
  [ID, "01932c07-209d-7e5a-b1de-3f4a5b6c7d8g"],
  ['["personal","content"]', '["content","personal"]'],
  ['["personal","content"]', '["personal", "content"]'],
  ['["personal","content"]', '["personal"]'],
  ['"default"', '""'],
  ['"default"', '"a b"'],
  ['"default"', `"${"a".repeat(65)}"`],
  ['"ai.tool_call"', `"${"a".repeat(129)}"`],
  ['"ai.tool_call"', '"a\\u0062"'],
  ['"2026-11-21T02:21:40.123Z"', '"2026\\u002d"'],
  ['"2026-11-21T02:21:40.123Z"', "17"],
  ['"success"', '"successful"'],
  ['"success"', '"success" '],
  ['"tenant"', '"action"'],
])("LEAF-2: a leaf with %s replaced by %s is refused", (from, to) => {
  const text = decodeUtf8(both().leaf);
  expect(text).toContain(from);
  expect(() => parseLeafFrame(text.replace(from, to))).toThrow(code("LEAF_INVALID"));
});

test("LEAF-2: the longest tenant and action fit, equal digests, spare bits, a cut end and 64 KiB do not", () => {
  const text = decodeUtf8(both().leaf);
  const long = text.replace('"default"', `"${"a".repeat(64)}"`).replace('"ai.tool_call"', `"${"a/".repeat(64)}"`);
  expect(parseLeafFrame(encodeUtf8(long))).toMatchObject({ tenant: "a".repeat(64), action: "a/".repeat(64) });
  const digest = "A".repeat(43);
  expect(() => encodeLeafFrame({ id: ID, sections: ["personal", "content"], digests: [digest, digest] })).toThrow(/twice/);
  expect(() => encodeLeafFrame({ id: ID, sections: ["content"], digests: [`${"A".repeat(42)}B`] })).toThrow(code("LEAF_INVALID"));
  expect(() => encodeLeafFrame({ id: ID, sections: ["content", "personal"], digests: [digest, digest] })).toThrow(/order/);
  expect(() => encodeLeafFrame({ id: "x", sections: [], digests: [] })).toThrow(/UUID/);
  expect(() => parseLeafFrame(text.slice(0, -1))).not.toThrow(); // The outcome's own brace is last: only the hash tells.
  expect(() => parseLeafFrame(text.slice(0, -2))).toThrow(/brace/);
  expect(() => parseLeafFrame(`${text.slice(0, -1)},"x":"${"a".repeat(65_535)}"}`)).toThrow(/too long/);
});

test("LEAF-3: erasures are read from the top-level member system, and only there", () => {
  const leaf = (more: string): Uint8Array => seal({}, more).leaf;
  expect(parseErasures(leaf(',"system":{"erases":{"content":[[3,5],[9,10]]},"why":"request"}'))).toEqual({
    content: [
      [3, 5],
      [9, 10],
    ],
  });
  expect(parseErasures(leaf(""))).toBeUndefined();
  expect(parseErasures(leaf(',"system":{"heartbeat":true}'))).toBeUndefined();
  expect(parseErasures(leaf(',"details":{"system":{"erases":{"content":[[0,9]]}}}'))).toBeUndefined();
  expect(parseErasures(leaf(',"details":"\\"system\\":{\\"erases\\":{}}"'))).toBeUndefined();
  const erasures = { content: [[3, 5]] } as const;
  expect([2, 3, 4, 5].map((index) => isErased(erasures, "content", index))).toEqual([false, true, true, false]);
  expect(isErased(erasures, "personal", 3)).toBe(false);
});

test.each([
  '{"content":[[5,3]]}',
  '{"content":[[3,3]]}',
  '{"content":[[-1,3]]}',
  '{"content":[[0,1.5]]}',
  '{"content":[["0",1]]}',
  '{"content":[[0]]}',
])("LEAF-3: the range in %s is refused", (erases) => {
  expect(() => parseErasures(seal({}, `,"system":{"erases":${erases}}`).leaf)).toThrow(code("LEAF_INVALID"));
});

test.each(['{"other":[]}', '{"content":{}}', '{"content":[[0,1,2]]}', "[]", "null", '{"__proto__":[]}'])(
  "LEAF-3: erases %s is refused",
  (erases) => {
    expect(() => parseErasures(seal({}, `,"system":{"erases":${erases}}`).leaf)).toThrow(code("LEAF_INVALID"));
  },
);

test("VERIFY-1: each section has one of four answers", () => {
  const { leaf, disclosures } = both();
  const { personal } = disclosures;
  const by: ErasedBy = { index: 9, at: "2026-11-21T03:00:00Z" };
  const erasedBy = (section: SectionName): ErasedBy | undefined => (section === "content" ? by : undefined);
  expect(verifyEntry({ leaf, disclosures }, sha256).sections).toEqual({ personal: { state: "present" }, content: { state: "present" } });
  expect(verifyEntry({ leaf, disclosures: { personal } }, sha256).sections).toEqual({
    personal: { state: "present" },
    content: { state: "missing" },
  });
  expect(verifyEntry({ leaf, disclosures: { personal }, erasedBy }, sha256).sections.content).toEqual({ state: "erased", ...by });
  expect(verifyEntry({ leaf, disclosures, erasedBy }, sha256).sections.content).toEqual({ state: "unfinished", ...by });
  expect(verifyEntry(seal({ content: "{}" }), sha256).sections).toEqual({ content: { state: "present" } });
});

test("VERIFY-2: every changed bit of a leaf or a disclosure is refused", () => {
  const { leaf, disclosures } = both();
  const expectedLeafHash = hashLeaf(leaf, sha256);
  const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    return changed;
  };
  for (let bit = 0; bit < leaf.length * 8; bit++) {
    expect(() => verifyEntry({ leaf: flip(leaf, bit), disclosures, expectedLeafHash }, sha256)).toThrow(code("LEAF_INVALID"));
  }
  for (const name of ["personal", "content"] as const) {
    const bytes = encodeUtf8(disclosures[name]!);
    expect(verifyEntry({ leaf, disclosures: { ...disclosures, [name]: bytes } }, sha256).sections[name]).toEqual({ state: "present" });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(() => verifyEntry({ leaf, disclosures: { ...disclosures, [name]: flip(bytes, bit) } }, sha256)).toThrow(
        code("DISCLOSURE_INVALID"),
      );
    }
  }
});

test("VERIFY-2: a disclosure swapped, unasked for, misnamed, cut, or with a lone surrogate is refused", () => {
  const { leaf, disclosures } = both();
  const invalid = code("DISCLOSURE_INVALID");
  const { personal, content } = disclosures;
  expect(() => verifyEntry({ leaf, disclosures: { personal: content, content: personal } }, sha256)).toThrow(invalid);
  expect(() => verifyEntry({ leaf: seal({ content: "{}" }).leaf, disclosures: { personal } }, sha256)).toThrow(invalid);
  expect(() => verifyEntry({ leaf, disclosures: { personal: personal!.slice(0, -1) } }, sha256)).toThrow(invalid);
  expect(() => verifyEntry({ leaf, disclosures: { personal: "" } }, sha256)).toThrow(invalid);
  // Sealed wrongly on purpose: the digest matches, the name does not.
  const digests = [disclosureDigest(content!, sha256)];
  const misnamed = encodeUtf8(`${encodeLeafFrame({ id: ID, sections: ["personal"], digests })},${REST}}`);
  expect(() => verifyEntry({ leaf: misnamed, disclosures: { personal: content } }, sha256)).toThrow(/not that section/);
  const replaced = encodeDisclosure(salt(), "content", '{"a":"\ufffd"}');
  const withReplaced = encodeUtf8(
    `${encodeLeafFrame({ id: ID, sections: ["content"], digests: [disclosureDigest(replaced, sha256)] })},${REST}}`,
  );
  expect(() => verifyEntry({ leaf: withReplaced, disclosures: { content: replaced.replace("\ufffd", "\ud800") } }, sha256)).toThrow(
    /surrogate/,
  );
});

const { privateKey, publicKey: publicKeyObject } = generateKeyPairSync("ed25519");
const publicKey = publicKeyObject.export({ format: "der", type: "spki" }).subarray(-32);
const signer: Signer = { name: "log.example/main", publicKey, sign: (message) => sign(null, message, privateKey) };
const vkey = formatVkey(signer.name, publicKey, sha256);
const trust = {
  sha256,
  verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    verify(
      null,
      message,
      createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]), format: "der", type: "spki" }),
      signature,
    ),
};

/** A log of five entries: the bundled one at 1, an erasure at 3 (or what is given instead). */
async function makeBundle(erases: string, isErasedNow: boolean, erasureIndex = 3): Promise<EvidenceBundle> {
  const entry = both();
  const erasing = seal({}, `,"system":{"erases":${erases}}`);
  const entries = Array.from({ length: 5 }, (_, i) => (i === 1 ? entry : i === erasureIndex ? erasing : seal({ content: "{}" })));
  const hashes = entries.map(({ leaf }) => hashLeaf(leaf, sha256));
  const tree = createTree(sha256);
  for (const leafHash of hashes) tree.append(leafHash);
  const checkpoint = signNote(formatCheckpoint({ origin: signer.name, treeSize: 5, rootHash: tree.root() }), signer, sha256);
  const tiles = createTileTree({ sha256, readTile: () => Buffer.concat(hashes) });
  const proofOf = async (index: number): Promise<string> =>
    formatTlogProof({ index, path: await tiles.inclusionPath(index, 5), checkpoint });
  const { personal, content } = entry.disclosures;
  return {
    format: "vouchtrail-bundle/1",
    origin: signer.name,
    vkey,
    index: 1,
    leaf: decodeUtf8(entry.leaf),
    disclosures: isErasedNow ? { personal: personal! } : { personal: personal!, content: content! },
    erasures: [{ index: erasureIndex, leaf: decodeUtf8(erasing.leaf), inclusionProof: await proofOf(erasureIndex) }],
    inclusionProof: await proofOf(1),
  };
}

test("BUNDLE-1: a bundle verifies with and without a pinned key, and with its erasure", async () => {
  const bundle = await makeBundle('{"content":[[0,2]]}', true);
  const verified = verifyBundle(JSON.parse(JSON.stringify(bundle)), { vkey, ...trust });
  expect(verified).toMatchObject({ index: 1, origin: signer.name, isKeyPinned: true, checkpoint: { treeSize: 5 } });
  expect(verified.sections).toEqual({
    personal: { state: "present" },
    content: { state: "erased", index: 3, at: "2026-11-21T02:21:40.123Z" },
  });
  expect(verifyBundle(bundle, trust).isKeyPinned).toBe(false);
  expect(verifyBundle(await makeBundle('{"content":[[0,2]]}', false), trust).sections.content).toMatchObject({ state: "unfinished" });
});

test("VERIFY-3: only a later, included entry that names the section and the index excuses a missing section", async () => {
  const bundle = await makeBundle('{"content":[[0,2]]}', true);
  const { erasures, ...without } = bundle;
  expect(verifyBundle(without, trust).sections.content).toEqual({ state: "missing" });
  expect(verifyBundle(await makeBundle('{"content":[[2,3]]}', true), trust).sections.content).toEqual({ state: "missing" });
  expect(verifyBundle(await makeBundle('{"personal":[[0,2]]}', true), trust).sections.content).toEqual({ state: "missing" });
  const early = await makeBundle('{"content":[[0,2]]}', true, 0);
  expect(() => verifyBundle(early, trust)).toThrow(/older than the entry/);
  const [erasure] = erasures!;
  const widened = { ...erasure!, leaf: erasure!.leaf.replace("[0,2]", "[0,9]") };
  expect(() => verifyBundle({ ...bundle, erasures: [widened] }, trust)).toThrow(code("PROOF_INVALID"));
  expect(() => verifyBundle({ ...bundle, erasures: [{ ...erasure!, index: 4 }] }, trust)).toThrow(code("BUNDLE_INVALID"));
});

test("BUNDLE-2: a bundle changed anywhere is refused", async () => {
  const bundle = await makeBundle('{"content":[[0,2]]}', false);
  const otherKey = formatVkey(
    signer.name,
    generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).subarray(-32),
    sha256,
  );
  expect(() => verifyBundle(bundle, { vkey: otherKey, ...trust })).toThrow(code("NOTE_UNSIGNED"));
  const changes: readonly (readonly [object, string])[] = [
    [{ format: "vouchtrail-bundle/2" }, "BUNDLE_INVALID"],
    [{ index: 2 }, "BUNDLE_INVALID"],
    [{ index: "1" }, "BUNDLE_INVALID"],
    [{ origin: "other" }, "BUNDLE_INVALID"],
    [{ note: "unchecked" }, "BUNDLE_INVALID"],
    [{ disclosures: { other: "" } }, "BUNDLE_INVALID"],
    [{ disclosures: [] }, "BUNDLE_INVALID"],
    [{ erasures: {} }, "BUNDLE_INVALID"],
    [{ leaf: bundle.leaf.replace("success", "failure") }, "PROOF_INVALID"],
    [{ disclosures: { content: bundle.disclosures.personal } }, "DISCLOSURE_INVALID"],
    [{ inclusionProof: bundle.inclusionProof.replace("index 1", "index 2") }, "PROOF_INVALID"],
    [{ inclusionProof: bundle.inclusionProof.replace("\n5\n", "\n6\n") }, "SIGNATURE_INVALID"],
  ];
  for (const [change, expected] of changes)
    expect(() => verifyBundle({ ...bundle, ...change }, { vkey, ...trust })).toThrow(code(expected));
  for (const json of [null, [], "x", 1, {}]) expect(() => verifyBundle(json, trust)).toThrow(code("BUNDLE_INVALID"));
});

test("BUNDLE-2: a leaf whose fixed member stands twice is refused, though its hash is right", () => {
  const leaf = `${decodeUtf8(seal({ content: "{}" }).leaf).slice(0, -1)},"id":"another"}`;
  const leafHash = hashLeaf(encodeUtf8(leaf), sha256);
  const checkpoint = signNote(formatCheckpoint({ origin: signer.name, treeSize: 1, rootHash: leafHash }), signer, sha256);
  const bundle = {
    format: "vouchtrail-bundle/1",
    origin: signer.name,
    vkey,
    index: 0,
    leaf,
    disclosures: {},
    inclusionProof: formatTlogProof({ index: 0, path: [], checkpoint }),
  };
  expect(() => verifyBundle(bundle, trust)).toThrow(/stands twice/);
});
