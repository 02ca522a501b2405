import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import type { Signer } from "@vouchtrail/protocol";

// DER prefixes that turn the raw 32 bytes of an Ed25519 key into what node:crypto reads (RFC 8410).
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

const publicKeys = new Map<string, KeyObject>();

/** Verifies an Ed25519 signature (RFC 8032). Keys are kept, because a verifier sees the same one again and again. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const name = Buffer.from(publicKey).toString("hex");
  let key = publicKeys.get(name);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
    if (publicKeys.size < 64) publicKeys.set(name, key);
  }
  return verify(null, message, key, signature);
}

/** 32 random bytes that make a signing key. */
export function generateSeed(): Buffer {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ format: "der", type: "pkcs8" }).subarray(PKCS8_PREFIX.length);
}

/** @param seed 32 bytes. */
export function signerFromSeed(name: string, seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length);
  return { name, publicKey, sign: (message) => sign(null, message, key) };
}
