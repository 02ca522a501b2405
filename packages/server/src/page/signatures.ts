/** SHA-256 and Ed25519 for the browser, in JavaScript: a page that is served without TLS has no SubtleCrypto, and the protocol package calls them synchronously. */

import { hashes, verify } from "@noble/ed25519";
import { sha256 as nobleSha256, sha512 } from "@noble/hashes/sha2.js";
import type { Ed25519Verify, Sha256 } from "@vouchtrail/protocol";

hashes.sha512 = sha512;

export const sha256: Sha256 = (data) => nobleSha256(data);

/** As RFC 8032 has it, without the looser rules of ZIP 215. False for whatever is no signature, also of a wrong length. */
export const verifyEd25519: Ed25519Verify = (publicKey, message, signature) => {
  try {
    return verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
};
