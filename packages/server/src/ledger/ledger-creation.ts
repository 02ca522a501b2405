import { dirname } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { formatCheckpoint, type Signer, signNote } from "@vouchtrail/protocol";
import { type FileSystem, listOrNone, readOrMissing, replaceFile, TEMPORARY_SUFFIX } from "./file-system.ts";
import { sha256 } from "./hashing.ts";
import { CHECKPOINT_FILE, SEGMENTS_FOLDER, TILES_FOLDER, VKEY_FILE } from "./layout.ts";

/** The ledger's folder, the one for all ledgers and the data directory: who makes the data directory makes that one durable. */
const FOLDERS_ABOVE = 3;

export interface LedgerCreation {
  readonly directory: string;
  readonly signer: Signer;
  readonly vkey: string;
  readonly fileSystem: FileSystem;
}

/**
 * Makes an empty ledger with a checkpoint over nothing, unless something of one is there. Begun again, it finishes what a crash cut off.
 *
 * @throws {AuditError} `SIGNING_KEY_FOREIGN` for the verifier key of another ledger. Rule: LEDGER-9.
 */
export async function createLedgerIfAbsent({ directory, signer, vkey, fileSystem }: LedgerCreation): Promise<void> {
  const segments = await listOrNone(fileSystem, `${directory}/${SEGMENTS_FOLDER}`);
  if (segments.some((name) => !name.endsWith(TEMPORARY_SUFFIX))) return;
  if ((await listOrNone(fileSystem, `${directory}/${TILES_FOLDER}`)).length > 0) return;
  if ((await readOrMissing(fileSystem, `${directory}/${CHECKPOINT_FILE}`)) !== undefined) return;
  const storedVkey = await readOrMissing(fileSystem, `${directory}/${VKEY_FILE}`);
  if (storedVkey !== undefined && storedVkey.toString("utf8").trim() !== vkey) throw new AuditError("SIGNING_KEY_FOREIGN");

  await fileSystem.makeDirectory(`${directory}/${SEGMENTS_FOLDER}`);
  await fileSystem.makeDirectory(`${directory}/${TILES_FOLDER}`);
  // A folder is an entry of the one above it: without this, a loss of power could take the whole ledger with it.
  for (let folder = directory, depth = 0; depth < FOLDERS_ABOVE; folder = dirname(folder), depth++) await fileSystem.syncDirectory(folder);
  await replaceFile(fileSystem, `${directory}/${VKEY_FILE}`, Buffer.from(`${vkey}\n`));
  const text = formatCheckpoint({ origin: signer.name, treeSize: 0, rootHash: sha256(new Uint8Array(0)) });
  await replaceFile(fileSystem, `${directory}/${CHECKPOINT_FILE}`, Buffer.from(signNote(text, signer, sha256)));
}
