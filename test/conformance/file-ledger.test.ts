import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatVkey } from "@vouchtrail/protocol";
import { generateSeed, signerFromSeed } from "../../packages/server/src/ledger/ed25519.ts";
import { openFileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import { sha256 } from "../../packages/server/src/ledger/hashing.ts";
import { testLedger } from "./ledger.ts";

testLedger("in files", async () => {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-contract-"));
  const signer = signerFromSeed("example.org/contract", generateSeed());
  return {
    signer,
    vkey: formatVkey(signer.name, signer.publicKey, sha256),
    open: () =>
      openFileLedger({
        directory: join(root, "ledger/main"),
        signer,
        idsDirectory: join(root, "ids"),
        recoveredDirectory: join(root, "recovered"),
        erasuresFile: join(root, "erasures.json"),
        checkpointIntervalMs: 50,
      }),
    remove: () => rm(root, { recursive: true, force: true }),
  };
});
