import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEvent, DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import type { Signer } from "@vouchtrail/protocol";
import { sealEvent } from "../../packages/server/src/intake/seal.ts";
import { generateSeed, signerFromSeed } from "../../packages/server/src/ledger/ed25519.ts";
import { type FileLedger, type FileLedgerOptions, openFileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import type { SealedEntry } from "../../packages/server/src/ledger/ledger.ts";
import { type VerifyFolderOptions, type VerifyReport, verifyLedgerFolder } from "../../packages/server/src/verify/index.ts";

export const ORIGIN = "example.org/tamper";

/** A data directory with a ledger that the real code wrote, and what an auditor kept elsewhere. */
export interface RealLedger {
  readonly root: string;
  /** `ledger/main` in it. */
  readonly folder: string;
  readonly signer: Signer;
  readonly vkey: string;
  /** The checkpoint as of closing: what was remembered elsewhere. */
  readonly note: string;
}

const roots: string[] = [];

export async function newRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-tamper-"));
  roots.push(root);
  return root;
}

export async function removeRoots(): Promise<void> {
  for (const root of roots.splice(0)) await rm(root, { recursive: true, force: true });
}

export function newSigner(origin = ORIGIN): Signer {
  return signerFromSeed(origin, generateSeed());
}

export function openAt(root: string, signer: Signer, changes: Partial<FileLedgerOptions> = {}): Promise<FileLedger> {
  return openFileLedger({
    directory: join(root, "ledger/main"),
    signer,
    idsDirectory: join(root, "index/ids"),
    recoveredDirectory: join(root, "recovered"),
    erasuresFile: join(root, "erasures.json"),
    ...changes,
  });
}

/** Ids are made from the number, so that a rebuilt ledger can hold the very same entries. */
export function sealNumber(i: number, changes: Partial<AuditEvent> = {}): SealedEntry {
  return sealEvent(
    {
      id: `00000000-0000-7000-8000-${String(i).padStart(12, "0")}`,
      occurredAt: "2026-01-31T12:00:00.000Z",
      tenant: "default",
      action: "document.read",
      actor: { type: "user", id: `user-${i % 7}` },
      target: { type: "document", id: `document-${i}` },
      outcome: { status: "success" },
      details: { i },
      ...changes,
    },
    { at: "2026-01-31T12:00:01.000Z", via: "http" },
    DEFAULT_PRIVACY_POLICY,
  );
}

export function sealNumbers(from: number, to: number): SealedEntry[] {
  return Array.from({ length: to - from }, (_, i) => sealNumber(from + i));
}

/** Builds a ledger, a group for each element of `groups`, closes it and remembers its checkpoint. */
export async function buildLedger(groups: Iterable<readonly SealedEntry[]>, signer: Signer = newSigner()): Promise<RealLedger> {
  const root = await newRoot();
  const ledger = await openAt(root, signer);
  for (const group of groups) await ledger.append(group);
  await ledger.idle();
  return closeAndRemember(root, ledger, signer);
}

export async function closeAndRemember(root: string, ledger: FileLedger, signer: Signer): Promise<RealLedger> {
  await ledger.close();
  const folder = join(root, "ledger/main");
  return { root, folder, signer, vkey: ledger.vkey, note: await readFile(join(folder, "checkpoint"), "utf8") };
}

/** A copy to attack. */
export async function copyOf(ledger: RealLedger): Promise<RealLedger> {
  const root = await newRoot();
  await cp(ledger.root, root, { recursive: true });
  return { ...ledger, root, folder: join(root, "ledger/main") };
}

/** A copy with nothing but segments and vkey: checkpoint and tiles are gone. */
export async function bareCopyOf(ledger: RealLedger): Promise<RealLedger> {
  const copy = await copyOf(ledger);
  await rm(join(copy.folder, "checkpoint"));
  await rm(join(copy.folder, "tile"), { recursive: true });
  return copy;
}

/** Puts an attacker's folder where a ledger was; what was remembered stays what it was. */
export async function replaceFolder(ledger: RealLedger, by: RealLedger): Promise<RealLedger> {
  const copy = await copyOf(ledger);
  await rm(copy.folder, { recursive: true });
  await mkdir(copy.folder, { recursive: true });
  await cp(by.folder, copy.folder, { recursive: true });
  return copy;
}

/** Verifies with the checkpoint that was remembered. */
export function verifyRemembered(ledger: RealLedger, changes: Partial<VerifyFolderOptions> = {}): Promise<VerifyReport> {
  return verifyLedgerFolder({ folder: ledger.folder, rememberedNote: ledger.note, ...changes });
}

export function alarmCodes(report: VerifyReport): string[] {
  return report.findings.filter(({ severity }) => severity === "alarm").map(({ code }) => code);
}

export function noteCodes(report: VerifyReport): string[] {
  return report.findings.filter(({ severity }) => severity === "note").map(({ code }) => code);
}

/** The text of a segment as lines, changed, and joined again. */
export function editLines(text: string, edit: (lines: string[]) => string[]): string {
  return `${edit(text.slice(0, -1).split("\n")).join("\n")}\n`;
}
