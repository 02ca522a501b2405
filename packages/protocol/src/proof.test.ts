import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ProtocolError } from "./errors.ts";
import { verifyConsistency, verifyInclusion } from "./proof.ts";

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");
const bytes = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"));
const VECTORS = fileURLToPath(new URL("../../../../shared/vectors/rfc6962", import.meta.url));

interface Vector {
  readonly leafIdx: string;
  readonly treeSize: string;
  readonly leafHash: string;
  readonly root: string;
  readonly size1: string;
  readonly size2: string;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

function readVectors(kind: string): readonly { readonly file: string; readonly vector: Vector }[] {
  const folder = join(VECTORS, kind);
  if (!existsSync(folder)) {
    console.warn(`The public vectors are not beside this checkout (shared/vectors/rfc6962/${kind}); nothing was compared.`);
    return [];
  }
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"))
    .map((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      // Two of the numbers do not fit a JavaScript number: quoted first, they are read as BigInt.
      const quoted = text.replaceAll(/"(leafIdx|treeSize|size1|size2)":\s*([0-9]+)/g, '"$1":"$2"');
      return { file, vector: JSON.parse(quoted) as Vector };
    });
}

/** The verifiers take numbers. Numbers above 2^53 - 1 stay too large for them when converted, and must be refused. */
const toNumber = (digits: string): number => Number(BigInt(digits));

function isAccepted(verify: () => void): boolean {
  try {
    verify();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toEqual(expect.objectContaining({ code: "PROOF_INVALID" }));
    return false;
  }
}

test("PROOF-1: all public inclusion vectors are judged as published", () => {
  const vectors = readVectors("inclusion");
  for (const { file, vector } of vectors) {
    const proof = {
      index: toNumber(vector.leafIdx),
      treeSize: toNumber(vector.treeSize),
      leafHash: bytes(vector.leafHash),
      path: (vector.proof ?? []).map(bytes),
      rootHash: bytes(vector.root),
    };
    expect({ file, accepted: isAccepted(() => verifyInclusion(proof, sha256)) }).toEqual({ file, accepted: !vector.wantErr });
  }
  expect([0, 98]).toContain(vectors.length);
});

test("PROOF-2: all public consistency vectors are judged as published, but for roots of 12 bytes", () => {
  const vectors = readVectors("consistency");
  for (const { file, vector } of vectors) {
    const proof = {
      oldSize: toNumber(vector.size1),
      newSize: toNumber(vector.size2),
      oldRoot: bytes(vector.root1),
      newRoot: bytes(vector.root2),
      path: (vector.proof ?? []).map(bytes),
    };
    // The one exception: a good vector whose two roots are the same 12 bytes. We require hashes of 32.
    const wanted = file.endsWith("sizes-are-equal-one-and-proof-is-empty.json") ? false : !vector.wantErr;
    expect({ file, accepted: isAccepted(() => verifyConsistency(proof, sha256)) }).toEqual({ file, accepted: wanted });
  }
  expect([0, 98]).toContain(vectors.length);
});

test("PROOF-2: one size has one root, an old size of 0 proves nothing", () => {
  const root = new Uint8Array(32);
  const other = new Uint8Array(32).fill(1);
  expect(() => verifyConsistency({ oldSize: 5, newSize: 5, oldRoot: root, newRoot: root, path: [] }, sha256)).not.toThrow();
  expect(() => verifyConsistency({ oldSize: 5, newSize: 5, oldRoot: root, newRoot: other, path: [] }, sha256)).toThrow(/two roots/);
  expect(() => verifyConsistency({ oldSize: 5, newSize: 5, oldRoot: root, newRoot: root, path: [root] }, sha256)).toThrow(/too long/);
  expect(() => verifyConsistency({ oldSize: 0, newSize: 5, oldRoot: root, newRoot: root, path: [] }, sha256)).toThrow(ProtocolError);
});

test("PROOF-1: indexes and sizes that are no exact integers are refused", () => {
  const zero = new Uint8Array(32);
  for (const [index, treeSize] of [
    [-1, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [0, 2 ** 53],
    [1, 1],
    [0, Number.POSITIVE_INFINITY],
  ] as const) {
    expect(() => verifyInclusion({ index, treeSize, leafHash: zero, path: [], rootHash: zero }, sha256)).toThrow(/outside the tree/);
  }
});
