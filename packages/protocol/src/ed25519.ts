/** Ed25519 (RFC 8032) comes in as functions, because this package may import no cryptography. */

/** Answers whether a 64-byte signature is this 32-byte public key's signature over the message. Never throws for a bad one. */
export type Ed25519Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** Signs a message with the key it holds; 64 bytes. */
export type Ed25519Sign = (message: Uint8Array) => Uint8Array;

/** Bytes of an Ed25519 public key. */
export const ED25519_PUBLIC_KEY_BYTES = 32;

/** Bytes of an Ed25519 signature. */
export const ED25519_SIGNATURE_BYTES = 64;
