import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign, verify } from "node:crypto";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { decodeBase64 } from "./base64.ts";
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { cosignatureMessage, countCosignatures, openCosignature } from "./cosignature.ts";
import type { Ed25519Verify } from "./ed25519.ts";
import { hashLeaf } from "./hash.ts";
import { formatNote, type NoteSignature, openNote, parseNote, type Signer, signNote } from "./note.ts";
import { formatTlogProof, parseTlogProof, verifyTlogProof } from "./tlog-proof.ts";
import { createTree } from "./tree.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";
import { formatVkey, KEY_TYPES, parseVkey } from "./vkey.ts";

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");
const ed25519Verify: Ed25519Verify = (publicKey, message, signature) => {
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  return verify(null, message, createPublicKey({ key: der, format: "der", type: "spki" }), signature);
};
const trust = { sha256, verify: ed25519Verify };

function signerOf(name: string, seed: Uint8Array): Signer {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return { name, publicKey, sign: (message) => sign(null, message, key) };
}

const EXAMPLE_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE_NOTE =
  "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

const GOLDEN_ORIGIN = "example.com/log/testdata";
const GOLDEN_VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
// A public test key of the golden log, printed in its repository.
const GOLDEN_SEED = decodeBase64("AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg").slice(1);
const GOLDEN_LEAVES = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten".split(" ");
const GOLDEN = [
  [
    0,
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "M9e0lhxJACzE1KoUdqKuPa+9p6R7dSW8BlEvrg/noo8FkGg6PbJoRNOcdjqjOq89wVvTA60eubCc4oufo5BvIVEgtQc=",
  ],
  [
    1,
    "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=",
    "M9e0lhr9kuLxGdAtaUrhm84TQffVsLdcy808sN0a3WyniNlfcr9+bywoiIke1YYciCNjJGkCgIlQ8b16jhsmg/SChAM=",
  ],
  [
    7,
    "IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=",
    "M9e0luA5JhTRUki/BBQD0QNiH6AEJ2pdtsA5CQjqJErViuuKrN6513RCTL2640wXJv0dCed3neRGI6dMzBq9uANf2Qc=",
  ],
  [
    15,
    "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=",
    "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=",
  ],
] as const;

const code = (expected: string) => expect.objectContaining({ code: expected });

let signer: Signer;
let vkey: string;
beforeAll(() => {
  const { privateKey } = generateKeyPairSync("ed25519");
  signer = signerOf("log.example/main", privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32));
  vkey = formatVkey(signer.name, signer.publicKey, sha256);
});

test("NOTE-2: the published verifier keys survive a round trip", () => {
  for (const text of [EXAMPLE_VKEY, GOLDEN_VKEY]) {
    const { name, publicKey } = parseVkey(text, sha256);
    expect(formatVkey(name, publicKey, sha256)).toBe(text);
  }
});

test("NOTE-2: every changed character of a verifier key is refused", () => {
  for (let i = 0; i < EXAMPLE_VKEY.length; i++) {
    const changed = `${EXAMPLE_VKEY.slice(0, i)}${EXAMPLE_VKEY[i] === "b" ? "c" : "b"}${EXAMPLE_VKEY.slice(i + 1)}`;
    expect(() => parseVkey(changed, sha256)).toThrow(code("VKEY_INVALID"));
  }
  expect(() => parseVkey(EXAMPLE_VKEY.replace("530d903a", "530D903A"), sha256)).toThrow(code("VKEY_INVALID"));
  expect(() => formatVkey("a b", new Uint8Array(32), sha256)).toThrow(code("VKEY_INVALID"));
  expect(() => formatVkey("a", new Uint8Array(31), sha256)).toThrow(code("VKEY_INVALID"));
});

test("NOTE-3: the published note opens", () => {
  const { text, signers } = openNote(EXAMPLE_NOTE, [parseVkey(EXAMPLE_VKEY, sha256)], ed25519Verify);
  expect(text).toBe("This is an example message.\n");
  expect(signers.map(({ name }) => name)).toEqual(["example.com/foo"]);
});

test("NOTE-3: every changed bit of a note is refused", () => {
  const verifiers = [parseVkey(EXAMPLE_VKEY, sha256)];
  const bytes = encodeUtf8(EXAMPLE_NOTE);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => openNote(decodeUtf8(changed), verifiers, ed25519Verify)).toThrow(
      /UTF8_INVALID|NOTE_INVALID|NOTE_UNSIGNED|SIGNATURE_INVALID/,
    );
  }
});

test("NOTE-3: unknown keys are ignored, a bad signature of a known key spoils a good one, no known key is not enough", () => {
  const { text, signatures } = parseNote(signNote("hello\n", signer, sha256));
  const [good] = signatures;
  const bad: NoteSignature = { ...good!, signature: good!.signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) };
  const stranger: NoteSignature = { name: "stranger", keyId: 0xfffffffe, signature: Uint8Array.of(1) };
  const verifiers = [parseVkey(vkey, sha256)];
  const open = (lines: readonly NoteSignature[]) => openNote(formatNote({ text, signatures: lines }), verifiers, ed25519Verify);
  expect(open([stranger, good!]).signatures[0]).toEqual(stranger);
  expect(() => open([good!, bad])).toThrow(code("SIGNATURE_INVALID"));
  expect(() => open([bad, good!])).toThrow(code("SIGNATURE_INVALID"));
  expect(() => open([stranger])).toThrow(code("NOTE_UNSIGNED"));
  expect(() => open([{ ...good!, signature: good!.signature.subarray(1) }])).toThrow(code("SIGNATURE_INVALID"));
});

test("NOTE-3: two known keys with one name and key id are refused", () => {
  const verifier = parseVkey(EXAMPLE_VKEY, sha256);
  const twin = { ...verifier, publicKey: new Uint8Array(32) };
  expect(() => openNote(EXAMPLE_NOTE, [verifier, twin], ed25519Verify)).toThrow(code("VKEY_INVALID"));
});

test("NOTE-4: a signed text survives a round trip, empty lines in it too", () => {
  const verifiers = [parseVkey(vkey, sha256)];
  const line = fc.string({ unit: fc.constantFrom("a", "—", " ", "ö", "😀", "+"), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
      const text = `${lines.join("\n")}\n`;
      expect(openNote(signNote(text, signer, sha256), verifiers, ed25519Verify).text).toBe(text);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ["", "nothing"],
  ["text\n", "no signature"],
  ["text\n\n", "an empty signature block"],
  ["text\n\n\u2014 a AAAAAAE=", "no last line feed"],
  ["text\n\n- a AAAAAAE=\n", "another dash"],
  ["text\n\n\u2014 a AAAAAA==\n", "no byte behind the key id"],
  ["text\n\n\u2014 a AAAAAAF=\n", "spare bits"],
  ["text\n\n\u2014 a  AAAAAAE=\n", "two spaces"],
  ["text\n\n\u2014 a+b AAAAAAE=\n", "a plus in the name"],
  ["te\txt\n\n\u2014 a AAAAAAE=\n", "a tab"],
  ["te\rxt\n\n\u2014 a AAAAAAE=\n", "a carriage return"],
  ["te\ud800xt\n\n\u2014 a AAAAAAE=\n", "a lone surrogate"],
  [`text\n\n${"\u2014 a AAAAAAE=\n".repeat(101)}`, "101 signatures"],
])("NOTE-1: a malformed note is refused (%#)", (note) => {
  expect(() => parseNote(note)).toThrow(code("NOTE_INVALID"));
});

test("NOTE-1: a hundred signatures are read", () => {
  expect(parseNote(`text\n\n${"\u2014 a AAAAAAE=\n".repeat(100)}`).signatures).toHaveLength(100);
});

test("CHECKPOINT-1: the golden log's checkpoints come out byte for byte", () => {
  const golden = signerOf(GOLDEN_ORIGIN, GOLDEN_SEED);
  const tree = createTree(sha256);
  for (const [treeSize, root, signature] of GOLDEN) {
    while (tree.size < treeSize) tree.append(hashLeaf(encodeUtf8(GOLDEN_LEAVES[tree.size]!), sha256));
    const note = signNote(formatCheckpoint({ origin: GOLDEN_ORIGIN, treeSize, rootHash: tree.root() }), golden, sha256);
    expect(note).toBe(`${GOLDEN_ORIGIN}\n${treeSize}\n${root}\n\n\u2014 ${GOLDEN_ORIGIN} ${signature}\n`);
    expect(openCheckpoint(note, { vkey: GOLDEN_VKEY, ...trust })).toMatchObject({ origin: GOLDEN_ORIGIN, treeSize });
  }
});

test.each([
  `\n1\n${"A".repeat(43)}=\n`,
  `o\n01\n${"A".repeat(43)}=\n`,
  `o\n+1\n${"A".repeat(43)}=\n`,
  `o\n1e3\n${"A".repeat(43)}=\n`,
  `o\n\n${"A".repeat(43)}=\n`,
  `o\n9007199254740992\n${"A".repeat(43)}=\n`,
  `o\n1\n${"A".repeat(42)}B=\n`,
  `o\n1\n${"A".repeat(44)}\n`,
  `o\n1\n${"A".repeat(43)}=\n\n`,
  `o\n1\n${"A".repeat(43)}=`,
  "o\n1\n",
])("CHECKPOINT-1: %j is refused", (text) => {
  expect(() => parseCheckpoint(text)).toThrow(code("CHECKPOINT_INVALID"));
});

test("CHECKPOINT-1: extension lines survive, a line feed in one is refused", () => {
  const rootHash = new Uint8Array(32);
  expect(parseCheckpoint(formatCheckpoint({ origin: "o", treeSize: 3, rootHash, extensions: ["x 1", "y"] })).extensions).toEqual([
    "x 1",
    "y",
  ]);
  expect(() => formatCheckpoint({ origin: "o", treeSize: 3, rootHash, extensions: ["x\ny"] })).toThrow(code("CHECKPOINT_INVALID"));
  expect(() => formatCheckpoint({ origin: "o\n7", treeSize: 3, rootHash })).toThrow(code("CHECKPOINT_INVALID"));
});

test("CHECKPOINT-2: a checkpoint of another origin, or an empty tree with a root, is refused", () => {
  const other = signNote(formatCheckpoint({ origin: "other", treeSize: 1, rootHash: new Uint8Array(32) }), signer, sha256);
  expect(() => openCheckpoint(other, { vkey, ...trust })).toThrow(code("CHECKPOINT_INVALID"));
  const empty = signNote(formatCheckpoint({ origin: signer.name, treeSize: 0, rootHash: new Uint8Array(32) }), signer, sha256);
  expect(() => openCheckpoint(empty, { vkey: [GOLDEN_VKEY, vkey], ...trust })).toThrow(code("CHECKPOINT_INVALID"));
});

function cosign(text: string, witness: Signer, timestamp: number): NoteSignature {
  const blob = new Uint8Array(72);
  new DataView(blob.buffer).setBigUint64(0, BigInt(timestamp));
  blob.set(witness.sign(Buffer.from(`cosignature/v1\ntime ${timestamp}\n${text}`)), 8);
  const id = createHash("sha256").update(`${witness.name}\n\x04`).update(witness.publicKey).digest().readUInt32BE(0);
  return { name: witness.name, keyId: id, signature: blob };
}

test("COSIGNATURE-1: the published framing is read: 76 bytes and their time", () => {
  const line =
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
  const [signature] = parseNote(`text\n\n${line}`).signatures;
  const witness = { name: signature!.name, keyId: signature!.keyId, keyType: KEY_TYPES.ed25519Cosignature, publicKey: new Uint8Array(32) };
  // No key is published for it: the message that would be verified is what can be compared.
  let seen = "";
  const opened = openCosignature(signature!, "text\n", witness, (_, message) => {
    seen = decodeUtf8(message);
    return true;
  });
  expect(opened).toEqual({ witness: "witness.example.com/w1", timestamp: 1_679_315_147 });
  expect(seen).toBe("cosignature/v1\ntime 1679315147\ntext\n");
  expect(decodeUtf8(cosignatureMessage("text\n", 7))).toBe("cosignature/v1\ntime 7\ntext\n");
});

test("COSIGNATURE-2: each known witness counts once, unknown ones never, a bad one spoils the count", () => {
  const text = formatCheckpoint({ origin: signer.name, treeSize: 1, rootHash: new Uint8Array(32) });
  const [a, b, c] = [1, 2, 3].map((i) => signerOf(`witness.example/${i}`, new Uint8Array(32).fill(i))) as [Signer, Signer, Signer];
  const [va, vb] = [a, b].map(({ name, publicKey }) => formatVkey(name, publicKey, sha256, KEY_TYPES.ed25519Cosignature)) as [
    string,
    string,
  ];
  const signatures = [cosign(text, a, 100), cosign(text, a, 200), cosign(text, c, 100)];
  const count = (lines: readonly NoteSignature[], witnesses = [va, vb]) =>
    countCosignatures({ text, signatures: lines }, { witnesses, ...trust });
  expect(count(signatures)).toEqual([{ witness: a.name, timestamp: 200 }]);
  expect(count([...signatures, cosign(text, b, 5)])).toHaveLength(2);
  expect(() => count([...signatures, cosign(`${text}x\n`, b, 5)])).toThrow(code("COSIGNATURE_INVALID"));
  const late = cosign(text, b, 5);
  late.signature[7]! ^= 1;
  expect(() => count([late])).toThrow(code("COSIGNATURE_INVALID"));
  late.signature[0] = 0x7f;
  expect(() => count([late])).toThrow(/out of range/);
  expect(() => count([{ ...late, signature: late.signature.subarray(1) }])).toThrow(/wrong length/);
  const alias = formatVkey("witness.example/alias", a.publicKey, sha256, KEY_TYPES.ed25519Cosignature);
  expect(() => count(signatures, [va, alias])).toThrow(code("VKEY_INVALID"));
  expect(() => count(signatures, [vkey])).toThrow(code("VKEY_INVALID"));
});

function makeProof(): { text: string; leafHash: Uint8Array } {
  const [first, second, third] = ["a", "b", "c"].map((leaf) => hashLeaf(encodeUtf8(leaf), sha256)) as [Uint8Array, Uint8Array, Uint8Array];
  const tree = createTree(sha256);
  for (const leaf of [first, second, third]) tree.append(leaf);
  const checkpoint = signNote(formatCheckpoint({ origin: signer.name, treeSize: 3, rootHash: tree.root() }), signer, sha256);
  return { text: formatTlogProof({ index: 1, path: [first, third], checkpoint }), leafHash: second };
}

test("PROOF-4: a proof survives a round trip, with and without extra data, and without a path", () => {
  const { checkpoint, ...proof } = parseTlogProof(makeProof().text);
  for (const given of [
    { ...proof, checkpoint },
    { ...proof, checkpoint, extra: Uint8Array.of(1, 2) },
    { index: 0, path: [], checkpoint },
  ]) {
    expect(parseTlogProof(formatTlogProof(given))).toEqual(given);
  }
  expect(formatTlogProof({ index: 0, path: [], checkpoint })).toBe(`c2sp.org/tlog-proof@v1\nindex 0\n\n${checkpoint}`);
});

test.each([
  ["v1\n", "v2\n"],
  ["index 1\n", "index 01\n"],
  ["index 1\n", "index -1\n"],
  ["index 1\n", "index 9007199254740992\n"],
  ["index 1\n", "Index 1\n"],
  ["index 1\n", "extra AA==\nextra AA==\nindex 1\n"],
  ["index 1\n", "index 1\nAAAA\n"],
  ["index 1\n", "index 1\n\n"],
  ["index 1\n", `index 1\n${`${"A".repeat(43)}=\n`.repeat(62)}`],
])("PROOF-4: a proof with %j replaced by %j is refused", (from, to) => {
  const { text } = makeProof();
  expect(text).toContain(from);
  expect(() => parseTlogProof(text.replace(from, to))).toThrow(code("TLOG_PROOF_INVALID"));
});

test("PROOF-5: a proof verifies, with as many witnesses as were asked for", () => {
  const { text, leafHash } = makeProof();
  const verified = verifyTlogProof(text, { leafHash, vkey, ...trust });
  expect(verified).toMatchObject({ index: 1, checkpoint: { treeSize: 3 }, cosignatures: [] });
  const { checkpoint, ...proof } = parseTlogProof(text);
  const note = parseNote(checkpoint);
  const witness = signerOf("witness.example/1", new Uint8Array(32).fill(1));
  const cosigned = formatTlogProof({
    ...proof,
    checkpoint: formatNote({ ...note, signatures: [...note.signatures, cosign(note.text, witness, 9)] }),
  });
  const witnesses = [formatVkey(witness.name, witness.publicKey, sha256, KEY_TYPES.ed25519Cosignature)];
  expect(verifyTlogProof(cosigned, { leafHash, vkey, witnesses, cosignaturesMin: 1, ...trust }).cosignatures).toHaveLength(1);
  expect(() => verifyTlogProof(text, { leafHash, vkey, witnesses, cosignaturesMin: 1, ...trust })).toThrow(code("COSIGNATURES_MISSING"));
});

test("PROOF-5: every changed bit of a proof, and another leaf, is refused", () => {
  const { text, leafHash } = makeProof();
  const bytes = encodeUtf8(text);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => verifyTlogProof(decodeUtf8(changed), { leafHash, vkey, ...trust })).toThrow(/UTF8_|PROOF_|NOTE_|SIGNATURE_|CHECKPOINT_/);
  }
  expect(() => verifyTlogProof(text, { leafHash: sha256(leafHash), vkey, ...trust })).toThrow(code("PROOF_INVALID"));
});
