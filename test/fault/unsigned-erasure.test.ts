import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTree, encodeBase64 } from "@vouchtrail/protocol";
import { expect, test } from "vitest";
import { sealSystemEntry } from "../../packages/server/src/intake/seal.ts";
import { hashLeafText, sha256 } from "../../packages/server/src/ledger/hashing.ts";
import { append, createWitness, entriesOf, makePlace, openIn } from "./ledger-witness.ts";

test("ERASE-3: an erasure entry that nobody signed, in a group that recomputes, excuses nothing", async () => {
  const place = await makePlace();
  const witness = createWitness();
  const ledger = await openIn(place, witness);
  await append(ledger, witness, entriesOf(20));
  const tree = createTree(sha256);
  for await (const batch of ledger.read(0, 20)) for (const { leaf } of batch) tree.append(hashLeafText(leaf));
  await ledger.close();

  const forged = sealSystemEntry(
    { action: "ledger.erased", ledger: "main", system: { erases: { content: [[0, 1]] } } },
    "2026-02-01T00:00:00.000Z",
  );
  tree.append(forged.leafHash);
  const path = join(place.directory, "segments", "000000000000000.seg");
  const text = (await readFile(path, "utf8")).replace(/\t\[[^\t\n]*\n/, "\t\n");
  await writeFile(path, `${text}${forged.leaf}\t\t\n# ${tree.size} ${encodeBase64(tree.root())}\n`);
  await expect(openIn(place, witness)).rejects.toMatchObject({
    code: "LEDGER_DAMAGED",
    message: expect.stringContaining("the content section of entry 0 is missing and no signed entry erases it"),
  });
  await place.remove();
});
