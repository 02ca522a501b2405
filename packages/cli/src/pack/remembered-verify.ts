import type { Ed25519Verify } from "@vouchtrail/protocol";
import type { PackCrypto } from "./pack-chain.ts";

/** Good signatures that are remembered. Thousands of bundles in a row stand under the same few checkpoints. */
const REMEMBERED_MAX = 1_000;

/** The same verification, that computes each good signature once. Bad ones are computed every time. */
export function rememberVerified({ sha256, verify }: PackCrypto): Ed25519Verify {
  const good = new Set<string>();
  return (publicKey, message, signature) => {
    const name = [publicKey, sha256(message), signature].map((bytes) => Buffer.from(bytes).toString("base64")).join(" ");
    if (good.has(name)) return true;
    const isGood = verify(publicKey, message, signature);
    if (isGood) {
      if (good.size >= REMEMBERED_MAX) good.clear();
      good.add(name);
    }
    return isGood;
  };
}
