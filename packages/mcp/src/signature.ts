import { createHash, createPublicKey, verify } from "node:crypto";

// DER prefix that turns the raw 32 bytes of an Ed25519 public key into what node:crypto reads (RFC 8410).
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Whether a 64-byte Ed25519 signature (RFC 8032) is this 32-byte key's over the message. Never throws for a bad one. */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
