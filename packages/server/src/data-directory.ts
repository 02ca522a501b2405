import { randomBytes } from "node:crypto";
import { readdir, rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { decodeBase64, encodeBase64, formatVkey, KEY_TYPES, keyId, openCheckpoint, type Signer } from "@vouchtrail/protocol";
import { readFloors } from "./followers/cursor-file.ts";
import { parseIndexFileName } from "./followers/search/index-file.ts";
import { sealSystemEntry } from "./intake/seal.ts";
import { generateSeed, signerFromSeed, verifyEd25519 } from "./ledger/ed25519.ts";
import { type FileLedger, type FileLedgerOptions, openFileLedger } from "./ledger/file-ledger.ts";
import { type FileSystem, isMissing, nodeFileSystem, replaceFile } from "./ledger/file-system.ts";
import { sha256 } from "./ledger/hashing.ts";
import { CHECKPOINT_FILE, VKEY_FILE } from "./ledger/layout.ts";
import { type DataLock, type LockDirectory, lockDataDirectory } from "./ledger/lock.ts";
import type { RememberedCheckpoints } from "./ledger/remembered-checkpoint.ts";

/** The version of the folder's layout that this program reads and writes. */
const FORMAT = 1;
const FORMAT_FILE = "format";
const FORMAT_PATTERN = /^vouchtrail-data\/([1-9]\d*)\n$/;

/** The one ledger of a data directory, until there are several. */
export const LEDGER_NAME = "main";

/** Where things stand below a data directory. */
export interface DataPaths {
  readonly root: string;
  readonly ledger: string;
  readonly secrets: string;
  readonly signingKey: string;
  readonly ids: string;
  /** Files of the search index. */
  readonly search: string;
  readonly followers: string;
  readonly recovered: string;
  readonly erasures: string;
}

export function dataPaths(directory: string): DataPaths {
  const root = resolve(directory);
  return {
    root,
    ledger: join(root, "ledger", LEDGER_NAME),
    secrets: join(root, "secrets"),
    signingKey: join(root, "secrets", `${LEDGER_NAME}.key`),
    ids: join(root, "index", "ids"),
    search: join(root, "index"),
    followers: join(root, "followers"),
    recovered: join(root, "recovered"),
    erasures: join(root, "followers", "erasures.json"),
  };
}

/** Where a ledger keeps what it needs. */
function ledgerFiles(paths: DataPaths): Pick<FileLedgerOptions, "directory" | "idsDirectory" | "recoveredDirectory" | "erasuresFile"> {
  return { directory: paths.ledger, idsDirectory: paths.ids, recoveredDirectory: paths.recovered, erasuresFile: paths.erasures };
}

export interface OpenDataOptions {
  readonly directory: string;
  /** Name for a new ledger; must be the stored one for an existing ledger. */
  readonly origin?: string | undefined;
  readonly remembered?: RememberedCheckpoints;
  readonly fileSystem?: FileSystem;
  /** `lockDataDirectory` unless given. */
  readonly lock?: LockDirectory;
  readonly ledger?: Pick<FileLedgerOptions, "checkpointIntervalMs" | "onNotice" | "floors">;
}

export interface OpenData {
  readonly paths: DataPaths;
  readonly ledger: FileLedger;
  readonly lock: DataLock;
  /** True when the ledger was made just now. */
  readonly isNew: boolean;
}

/**
 * Opens a data directory for writing, or makes one. It is locked until the process ends or the lock is released.
 *
 * @throws {AuditError} `LEDGER_LOCKED`, `DATA_NEWER`, `DATA_UNREADABLE`, `DISK_FULL`, `SIGNING_KEY_MISSING`, `SIGNING_KEY_FOREIGN`,
 * `LEDGER_DAMAGED`.
 */
export async function openDataDirectory(options: OpenDataOptions): Promise<OpenData> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const paths = dataPaths(options.directory);
  return explainingFileErrors(paths.root, async () => {
    await fileSystem.makeDirectory(paths.root, 0o700);
    await checkFormat(fileSystem, paths.root);
    const lock = await (options.lock ?? lockDataDirectory)(paths.root);
    try {
      const isNew = await isMissingFile(fileSystem, join(paths.ledger, VKEY_FILE));
      const signer = await loadSigner(fileSystem, paths, isNew, options.origin);
      await fileSystem.makeDirectory(paths.followers, 0o700);
      const ledger = await openFileLedger({
        ...ledgerFiles(paths),
        signer,
        fileSystem,
        floors: await readFloors(fileSystem, paths.followers, signer.name),
        ...(options.remembered === undefined ? {} : { remembered: options.remembered }),
        ...options.ledger,
      });
      return { paths, ledger, lock, isNew };
    } catch (error) {
      lock.release();
      throw error;
    }
  });
}

/**
 * Makes an empty data directory, or checks that one of ours is there, without opening its ledger: API keys may be made before the first start.
 *
 * @throws {AuditError} `DATA_NEWER`, `DATA_UNREADABLE`, `DISK_FULL`.
 */
export async function prepareDataDirectory(directory: string, options: { mustExist?: boolean } = {}): Promise<void> {
  const { root } = dataPaths(directory);
  await explainingFileErrors(root, async () => {
    if (options.mustExist === true) await nodeFileSystem.readFile(join(root, FORMAT_FILE));
    else await nodeFileSystem.makeDirectory(root, 0o700);
    await checkFormat(nodeFileSystem, root);
  });
}

/**
 * Opens a data directory for reading, without a lock and without writing anything. A checkpoint's signature is checked with the `vkey` beside it.
 */
export async function readDataDirectory(directory: string): Promise<FileLedger> {
  const paths = dataPaths(directory);
  return explainingFileErrors(paths.root, async () => {
    const vkey = (await nodeFileSystem.readFile(join(paths.ledger, VKEY_FILE))).toString("utf8").trim();
    await checkFormat(nodeFileSystem, paths.root, true);
    const { verifier } = parseStoredVkey(vkey);
    return openFileLedger({
      ...ledgerFiles(paths),
      signer: { ...verifier, sign: () => assertNeverSigns() },
      isReadOnly: true,
    });
  });
}

function assertNeverSigns(): never {
  throw new Error("A ledger that is opened for reading signs nothing.");
}

function parseStoredVkey(vkey: string): { verifier: { name: string; publicKey: Uint8Array } } {
  const [name = "", , ...key] = vkey.split("+");
  return { verifier: { name, publicKey: decodeBase64(key.join("+")).subarray(1) } };
}

async function checkFormat(fileSystem: FileSystem, root: string, isReadOnly = false): Promise<void> {
  const path = join(root, FORMAT_FILE);
  let text: string;
  try {
    text = (await fileSystem.readFile(path)).toString("utf8");
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (isReadOnly) return;
    const strangers = (await fileSystem.list(root)).filter((name) => name !== `${FORMAT_FILE}.tmp`);
    if (strangers.length > 0) {
      throw new AuditError("DATA_UNREADABLE", {
        message: `${root} is not empty and not a data directory of Vouchtrail (there is no file "${FORMAT_FILE}"). Name another one with --data.`,
      });
    }
    await replaceFile(fileSystem, path, Buffer.from(`vouchtrail-data/${FORMAT}\n`));
    return;
  }
  const version = Number(FORMAT_PATTERN.exec(text)?.[1]);
  if (version === FORMAT) return;
  if (version > FORMAT) {
    throw new AuditError("DATA_NEWER", {
      message: `${root} has layout ${version}, this version knows layout ${FORMAT}. Upgrade Vouchtrail.`,
    });
  }
  throw new AuditError("DATA_UNREADABLE", { message: `${path} does not say "vouchtrail-data/${FORMAT}". Restore it from a copy.` });
}

async function isMissingFile(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.readFile(path);
    return false;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}

async function loadSigner(fileSystem: FileSystem, paths: DataPaths, isNew: boolean, origin: string | undefined): Promise<Signer> {
  let text: string | undefined;
  try {
    text = (await fileSystem.readFile(paths.signingKey)).toString("utf8");
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (text !== undefined) {
    const signer = parseSigningKey(text, paths.signingKey);
    if (origin !== undefined && origin !== signer.name) {
      throw new AuditError("CONFIG_INVALID", {
        path: "origin",
        message: `The ledger's origin is ${signer.name} and cannot be changed to ${origin}. Remove the option, or run vouchtrail ledger fork.`,
      });
    }
    return signer;
  }
  if (!isNew) {
    throw new AuditError("SIGNING_KEY_MISSING", {
      message: `The signing key ${paths.signingKey} is missing. Restore secrets/, or run vouchtrail ledger fork to go on under a new origin.`,
    });
  }
  return createSigningKey(fileSystem, paths, origin ?? randomOrigin());
}

function randomOrigin(): string {
  return `vouchtrail.local/${randomBytes(8).toString("hex")}/${LEDGER_NAME}`;
}

async function createSigningKey(fileSystem: FileSystem, paths: DataPaths, origin: string): Promise<Signer> {
  const seed = generateSeed();
  const signer = signerFromSeed(origin, seed);
  const id = keyId(signer.name, KEY_TYPES.ed25519, signer.publicKey, sha256).toString(16).padStart(8, "0");
  // The private form of the Go note package, so that other tools read it.
  const text = `PRIVATE+KEY+${origin}+${id}+${encodeBase64(Buffer.concat([Buffer.from([KEY_TYPES.ed25519]), seed]))}\n`;
  await fileSystem.makeDirectory(paths.secrets, 0o700);
  await replaceFile(fileSystem, paths.signingKey, Buffer.from(text), 0o600);
  return signer;
}

function parseSigningKey(text: string, path: string): Signer {
  const [label, kind, name = "", id = "", ...key] = text.trim().split("+");
  try {
    const bytes = decodeBase64(key.join("+"));
    if (label !== "PRIVATE" || kind !== "KEY" || bytes.length !== 33 || bytes[0] !== KEY_TYPES.ed25519)
      throw new Error("It has another form.");
    const signer = signerFromSeed(name, bytes.subarray(1));
    if (keyId(name, KEY_TYPES.ed25519, signer.publicKey, sha256) !== Number.parseInt(id, 16)) throw new Error("Its key id does not fit.");
    return signer;
  } catch (cause) {
    throw new AuditError("SIGNING_KEY_MISSING", { message: `${path} is not a signing key. Restore secrets/ from a copy.`, cause });
  }
}

/** What `ledger fork` did. */
export interface Fork {
  readonly oldOrigin: string;
  readonly oldTreeSize: number;
  readonly keptAs: string;
  readonly origin: string;
  readonly vkey: string;
}

/**
 * Goes on under a new origin: the ledger as it stands is kept aside, and the first entry of the new one names its checkpoint and what was
 * remembered of it. For a ledger that regressed, or whose key is lost.
 */
export async function forkLedger(options: {
  directory: string;
  origin?: string;
  remembered: RememberedCheckpoints;
  at: string;
  reason: string;
}): Promise<Fork> {
  const paths = dataPaths(options.directory);
  return explainingFileErrors(paths.root, async () => {
    await checkFormat(nodeFileSystem, paths.root, true);
    const lock = await lockDataDirectory(paths.root);
    try {
      const vkey = (await nodeFileSystem.readFile(join(paths.ledger, VKEY_FILE))).toString("utf8").trim();
      const note = (await nodeFileSystem.readFile(join(paths.ledger, CHECKPOINT_FILE))).toString("utf8");
      const old = openCheckpoint(note, { vkey, sha256, verify: verifyEd25519 });
      const rememberedNote = await options.remembered.load(old.origin);
      const rememberedSize =
        rememberedNote === undefined ? undefined : openCheckpoint(rememberedNote, { vkey, sha256, verify: verifyEd25519 }).treeSize;

      const taken = new Set(await readdir(join(paths.root, "ledger")));
      let number = 1;
      while (taken.has(`${LEDGER_NAME}-${number}`)) number += 1;
      const keptAs = join(paths.root, "ledger", `${LEDGER_NAME}-${number}`);
      await rename(paths.ledger, keptAs);
      await nodeFileSystem.syncDirectory(join(paths.root, "ledger"));
      await renameIfThere(paths.signingKey, join(paths.secrets, `${LEDGER_NAME}-${number}.key`));
      // All of them are derived from the ledger that was there before.
      for (const name of await listIfThere(paths.ids)) await nodeFileSystem.remove(join(paths.ids, name));
      for (const name of await listIfThere(paths.search))
        if (parseIndexFileName(name.replace(/\.wal$/, "")) !== undefined) await nodeFileSystem.remove(join(paths.search, name));
      await nodeFileSystem.remove(paths.erasures);

      const signer = await createSigningKey(nodeFileSystem, paths, options.origin ?? randomOrigin());
      await nodeFileSystem.makeDirectory(join(paths.root, "followers"), 0o700);
      const ledger = await openFileLedger({
        ...ledgerFiles(paths),
        signer,
        remembered: options.remembered,
      });
      const forks = { origin: old.origin, treeSize: old.treeSize, rootHash: encodeBase64(old.rootHash), reason: options.reason };
      await ledger.append([
        sealSystemEntry(
          {
            action: "ledger.forked",
            ledger: LEDGER_NAME,
            system: { forks: rememberedSize === undefined ? forks : { ...forks, rememberedSize } },
          },
          options.at,
        ),
      ]);
      await ledger.close();
      return {
        oldOrigin: old.origin,
        oldTreeSize: old.treeSize,
        keptAs,
        origin: signer.name,
        vkey: formatVkey(signer.name, signer.publicKey, sha256),
      };
    } finally {
      lock.release();
    }
  });
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function listIfThere(path: string): Promise<readonly string[]> {
  try {
    return await nodeFileSystem.list(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Turns what the file system says into an error that tells what to do. */
async function explainingFileErrors<T>(root: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof AuditError || !(error instanceof Error) || !("code" in error)) throw error;
    const where = "path" in error && typeof error.path === "string" ? error.path : root;
    if (error.code === "ENOSPC" || error.code === "EDQUOT") {
      throw new AuditError("DISK_FULL", { message: `There is no space left for ${where}. Free some and start again.`, cause: error });
    }
    if (error.code === "ENOENT") {
      throw new AuditError("DATA_UNREADABLE", {
        message: `${where} does not exist. Is ${root} a data directory of Vouchtrail?`,
        cause: error,
      });
    }
    throw new AuditError("DATA_UNREADABLE", {
      message: `${where} cannot be used (${error.code}). Check owner and permissions.`,
      cause: error,
    });
  }
}
