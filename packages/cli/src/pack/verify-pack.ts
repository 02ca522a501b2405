import { type Checkpoint, encodeBase64, hashesEqual, openCheckpoint, ProtocolError, parseVkey } from "@vouchtrail/protocol";
import type { VerifyProgress, VerifyReport } from "@vouchtrail/server";
import { messageOf } from "../command-context.ts";
import { countText } from "../terminal.ts";
import { openChain, type PackCrypto } from "./pack-chain.ts";
import type { PackFacts } from "./pack-facts.ts";
import { createPackFindings, type PackFindings } from "./pack-findings.ts";
import { MANIFEST_FILE, PACK_PARTS, type PackCheckpoint, type PackManifest } from "./pack-manifest.ts";
import { formatPackPage, PACK_PAGE_VERSION } from "./pack-page.ts";
import { openParts, type PackParts } from "./pack-parts.ts";
import { rememberVerified } from "./remembered-verify.ts";
import { verifyEntries } from "./verify-pack-entries.ts";

export interface VerifyPackOptions {
  readonly crypto: PackCrypto;
  /** A verifier key that came from elsewhere. Without it the pack's own is used, which proves only that the pack agrees with itself. */
  readonly vkey?: string;
  /** A signed checkpoint that was kept elsewhere. */
  readonly rememberedNote?: string;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** The report of a pack: that of every verification, and what the pack says of itself. */
export interface PackReport extends VerifyReport {
  readonly pack:
    | {
        /** SHA-256 of the manifest, hexadecimal: tells this pack from any other. */
        readonly sha256: string;
        readonly made: PackManifest["made"];
        readonly question: PackManifest["question"];
        /** Whether no index between the first and the last is missing. */
        readonly isContiguous: boolean;
      }
    | undefined;
}

/**
 * Verifies an evidence pack without any network: manifest, files, checkpoints and their consistency, every bundle, that each entry fits the
 * question, and that the summary page says what the entries say. Reads one bundle at a time. Rules: PACK-1 to PACK-7.
 *
 * @throws {ProtocolError} `VKEY_INVALID` (the pinned key). @throws {CommandError} When the folder cannot be read.
 */
export async function verifyPack(folder: string, options: VerifyPackOptions): Promise<PackReport> {
  const findings = createPackFindings();
  if (options.vkey !== undefined) parseVkey(options.vkey, options.crypto.sha256);
  const parts = await openParts(folder, findings);
  if (parts === undefined) return damagedReport(findings);
  const { manifest } = parts;
  const vkey = await believedKey(parts, options, findings);
  if (vkey === undefined) return damagedReport(findings);

  const crypto = { sha256: options.crypto.sha256, verify: rememberVerified(options.crypto) };
  const chain = await readChain(parts, vkey, crypto, findings);
  const total = manifest.entries.count;
  const facts = await verifyEntries({
    records: parts.records(PACK_PARTS.bundles),
    manifest,
    vkey,
    crypto,
    chain,
    findings,
    onProgress: (doneEntries) => options.onProgress?.({ doneEntries, totalEntries: total }),
  });
  compareCounts(manifest, facts, findings);
  await comparePage(parts, facts, findings);
  const remembered = openRemembered(options.rememberedNote, vkey, crypto, findings);
  const isCompared = remembered !== undefined && compareRemembered(chain ?? [], remembered, findings);
  return reportOf({ parts, vkey, facts, findings, remembered, isCompared });
}

/** The pinned key, else the pack's own. */
async function believedKey(parts: PackParts, { vkey, crypto }: VerifyPackOptions, findings: PackFindings): Promise<string | undefined> {
  const { manifest } = parts;
  const file = await parts.text(PACK_PARTS.vkey);
  if (file !== undefined && file !== `${manifest.vkey}\n`) {
    findings.alarm("VKEY_DIFFERS", "The file vkey and the manifest name different keys.", { file: PACK_PARTS.vkey });
  }
  if (vkey !== undefined && vkey !== manifest.vkey) findings.alarm("VKEY_DIFFERS", "The key of the pack is not the one that was pinned.");
  if (vkey === undefined) {
    findings.note("KEY_NOT_PINNED", "The verifier key came with the pack: compare it with the one that the log's operator published.");
  }
  try {
    const { name, keyType } = parseVkey(manifest.vkey, crypto.sha256);
    if (keyType !== 1) throw new ProtocolError("VKEY_INVALID", { reason: "it is not a key that signs checkpoints" });
    if (name !== manifest.origin)
      findings.alarm("MANIFEST_DIFFERS", "The key of the pack bears another name than its log.", { file: MANIFEST_FILE });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    findings.alarm("VKEY_DAMAGED", `The key of the pack is not a key. ${messageOf(error)}`, { file: MANIFEST_FILE });
    return vkey;
  }
  return vkey ?? manifest.vkey;
}

async function readChain(
  parts: PackParts,
  vkey: string,
  crypto: PackCrypto,
  findings: PackFindings,
): Promise<readonly Checkpoint[] | undefined> {
  const text = await parts.text(PACK_PARTS.checkpoints);
  if (text === undefined) return undefined;
  let chain: readonly Checkpoint[];
  try {
    chain = openChain(text, vkey, crypto);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    findings.alarm(error.code, `The checkpoints of the pack do not hold. ${messageOf(error)}`, { file: PACK_PARTS.checkpoints });
    return undefined;
  }
  const { first, last } = parts.manifest.checkpoints;
  const isThere = ({ treeSize, rootHash }: PackCheckpoint): boolean =>
    chain.some((one) => one.treeSize === treeSize && encodeBase64(one.rootHash) === rootHash);
  // The empty tree is no link of the chain: every tree extends it.
  if ((first.treeSize > 0 && !isThere(first)) || !isThere(last) || last.treeSize !== chain.at(-1)?.treeSize) {
    findings.alarm("MANIFEST_DIFFERS", "The manifest names other checkpoints than the pack holds.", { file: MANIFEST_FILE });
  }
  return chain;
}

function compareCounts({ entries }: PackManifest, { count, first, last }: PackFacts, findings: PackFindings): void {
  if (entries.count === count && entries.first === first && entries.last === last) return;
  findings.alarm(
    "COUNT_DIFFERS",
    `The manifest tells of ${entries.count} entries from ${entries.first} to ${entries.last}; ${count} from ${first} to ${last} hold.`,
    { file: PACK_PARTS.bundles },
  );
}

/** Writes the page again from the entries. Only then does it say what they say. */
async function comparePage(parts: PackParts, facts: PackFacts, findings: PackFindings): Promise<void> {
  const text = await parts.text(PACK_PARTS.summary);
  if (text === undefined) return;
  const { parts: _, ...head } = parts.manifest;
  const where = { file: PACK_PARTS.summary };
  if (head.page !== PACK_PAGE_VERSION) {
    findings.note(
      "SUMMARY_NOT_COMPARED",
      "The summary page was written by another version, so it could not be compared with the entries: do not rely on it.",
      where,
    );
  } else if (formatPackPage(head, facts) !== text) {
    findings.alarm("SUMMARY_DIFFERS", "The summary page does not say what the entries and the manifest say.", where);
  }
}

function openRemembered(note: string | undefined, vkey: string, crypto: PackCrypto, findings: PackFindings): Checkpoint | undefined {
  if (note === undefined) return undefined;
  try {
    return openCheckpoint(note, { vkey, ...crypto });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    if (error.code === "NOTE_UNSIGNED")
      findings.alarm("KEY_CHANGED", "The remembered checkpoint was signed by another key than the pack's.");
    else
      findings.alarm(
        "REMEMBERED_DAMAGED",
        `The remembered checkpoint is itself damaged, so nothing can be compared with it. ${messageOf(error)}`,
      );
    return undefined;
  }
}

function compareRemembered(chain: readonly Checkpoint[], remembered: Checkpoint, findings: PackFindings): boolean {
  const same = chain.find(({ treeSize }) => treeSize === remembered.treeSize);
  if (same !== undefined && hashesEqual(same.rootHash, remembered.rootHash)) return true;
  if (same !== undefined) {
    findings.alarm(
      "DIFFERS_FROM_REMEMBERED",
      `For ${same.treeSize} entries another root was signed before: the log shows different histories.`,
    );
  } else {
    findings.note(
      "CONSISTENCY_NOT_CHECKED",
      `The pack holds no checkpoint over ${remembered.treeSize} entries, the size of the remembered one, so the two could not be compared; verify the ledger or the server.`,
    );
  }
  return false;
}

interface Outcome {
  readonly parts: PackParts;
  readonly vkey: string;
  readonly facts: PackFacts;
  readonly findings: PackFindings;
  readonly remembered: Checkpoint | undefined;
  readonly isCompared: boolean;
}

function reportOf({ parts, vkey, facts, findings, remembered, isCompared }: Outcome): PackReport {
  const { manifest, sha256 } = parts;
  const { last } = manifest.checkpoints;
  const isDamaged = findings.alarms > 0;
  const isContiguous = facts.runs === 1;
  return {
    verdict: isDamaged ? "damaged" : isCompared ? "holds" : "holds-unremembered",
    origin: manifest.origin,
    vkey,
    treeSize: last.treeSize,
    signedSize: last.treeSize,
    rootHash: last.rootHash,
    remembered: remembered === undefined ? undefined : { size: remembered.treeSize },
    entries: facts.count,
    erasedSections: facts.erasedSections,
    findings: findings.list(),
    // A pack's checkpoint was not shown to extend anything, so it is nothing to remember.
    newestNote: undefined,
    summary: isDamaged ? damageText(findings) : `${holdsText(facts, isCompared)} ${completenessText(facts)}`,
    pack: { sha256, made: manifest.made, question: manifest.question, isContiguous },
  };
}

function holdsText({ count }: PackFacts, isCompared: boolean): string {
  const entries = count === 1 ? "1 entry checks" : `${countText(count)} entries check`;
  return isCompared
    ? `Holds: ${entries}, and the remembered checkpoint is of the same history. Anchored, if that checkpoint was out of the operator's reach; else local.`
    : `Holds, local: ${entries} against signed checkpoints of one history, but whether that fits a checkpoint remembered elsewhere could not be checked.`;
}

/** What a pack cannot show is said, each time. */
function completenessText({ runs, count, first, last }: PackFacts): string {
  if (runs === 1 && count > 1) return `No entry from ${first} to ${last} is left out; whether others match cannot be shown.`;
  return "That no other entry matches cannot be shown: ask the trail itself.";
}

function damageText(findings: PackFindings): string {
  const [first] = findings.list();
  const more = findings.alarms === 1 ? "" : ` (and ${findings.alarms - 1} more alarm${findings.alarms === 2 ? "" : "s"})`;
  return `Damaged: ${first?.message ?? "unknown"}${more}`;
}

/** Nothing could be read that names the log. */
function damagedReport(findings: PackFindings): PackReport {
  return {
    verdict: "damaged",
    origin: "",
    vkey: "",
    treeSize: 0,
    signedSize: 0,
    rootHash: "",
    remembered: undefined,
    entries: 0,
    erasedSections: 0,
    findings: findings.list(),
    newestNote: undefined,
    summary: damageText(findings),
    pack: undefined,
  };
}
