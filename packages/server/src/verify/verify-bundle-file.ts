import { encodeBase64, hashesEqual, ProtocolError, parseVkey, type VerifiedBundle, verifyBundle } from "@vouchtrail/protocol";
import { verifyEd25519 } from "../ledger/ed25519.ts";
import { sha256 } from "../ledger/hashing.ts";
import { openTrust, reasonOf, type SignedCheckpoint } from "./trust.ts";
import { countText, createFindings, type Findings, firstAlarmText, type VerifyReport } from "./verify-report.ts";

export interface VerifyBundleOptions {
  /** A verifier key that came from elsewhere. Without it the bundle's own is used, which proves only that the bundle agrees with itself. */
  readonly vkey?: string;
  /** A signed checkpoint that was kept elsewhere. */
  readonly rememberedNote?: string;
}

/**
 * Verifies evidence bundles: one JSON object, an array of them, or one a line. `entries` of the report counts bundles; `treeSize` and
 * `rootHash` are those of the newest checkpoint in them.
 *
 * A bundle shows that its entry was signed, not that the log still holds it: the verdict is `holds` only when the remembered checkpoint has
 * the size of a checkpoint in the file and says the same. Rule: VERDICT-11.
 *
 * @throws {ProtocolError} `VKEY_INVALID` (the pinned key).
 */
export async function verifyBundleFile(text: string, options: VerifyBundleOptions = {}): Promise<VerifyReport> {
  const findings = createFindings();
  if (options.vkey !== undefined) parseVkey(options.vkey, sha256);
  const bundles = parseBundles(text, findings);
  const vkey = options.vkey ?? vkeyOf(bundles[0]);
  const checked: VerifiedBundle[] = [];
  let erasedSections = 0;
  for (const [position, json] of bundles.entries()) {
    const name = bundles.length === 1 ? "The bundle" : `Bundle ${position + 1}`;
    try {
      const bundle = verifyBundle(json, { ...(vkey === undefined ? {} : { vkey }), sha256, verify: verifyEd25519 });
      checked.push(bundle);
      erasedSections += judgeSections(bundle, findings);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const index = indexOf(json);
      findings.alarm(
        error.code,
        `${name}${index === undefined ? "" : ` (entry ${index})`} does not hold. ${reasonOf(error)}`,
        index === undefined ? {} : { index },
      );
    }
  }
  if (options.vkey === undefined && bundles.length > 0) {
    findings.note("KEY_NOT_PINNED", "The verifier key came with the bundle: compare it with the one that the log's operator published.");
  }
  const newest = compareCheckpoints(checked, findings);
  const remembered = openRememberedNote(vkey, options.rememberedNote, findings);
  const isCompared = remembered !== undefined && compareRemembered(checked, remembered, findings);
  const isDamaged = findings.alarms > 0;
  const count = countText(checked.length, "bundle checks", "bundles check");
  const summary = isDamaged
    ? firstAlarmText(findings)
    : isCompared
      ? `Holds: ${count} against the remembered checkpoint itself. Anchored, if that checkpoint was out of the operator's reach; else local.`
      : `Holds, local: ${count} against the signed checkpoint inside, but whether that checkpoint fits one remembered elsewhere could not be checked.`;
  return {
    verdict: isDamaged ? "damaged" : isCompared ? "holds" : "holds-unremembered",
    origin: newest?.origin ?? "",
    vkey: vkey ?? "",
    treeSize: newest?.checkpoint.treeSize ?? 0,
    signedSize: newest?.checkpoint.treeSize ?? 0,
    rootHash: newest === undefined ? "" : encodeBase64(newest.checkpoint.rootHash),
    remembered: remembered === undefined ? undefined : { size: remembered.treeSize },
    entries: checked.length,
    erasedSections,
    findings: findings.list(),
    // A bundle's checkpoint was not shown to extend anything, so it is nothing to remember.
    newestNote: undefined,
    summary,
  };
}

function parseBundles(text: string, findings: Findings): readonly unknown[] {
  const whole = parseJson(text);
  if (Array.isArray(whole)) {
    if (whole.length === 0) findings.alarm("BUNDLE_INVALID", "The file holds no bundle.");
    return whole;
  }
  if (whole !== undefined) return [whole];
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const bundles: unknown[] = [];
  for (const [position, line] of lines.entries()) {
    const json = parseJson(line);
    if (json !== undefined) bundles.push(json);
    else {
      findings.alarm("BUNDLE_INVALID", `Line ${position + 1} is not JSON.`);
      return bundles;
    }
  }
  if (bundles.length === 0) findings.alarm("BUNDLE_INVALID", "The file holds no bundle.");
  return bundles;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The caller tries another form, and says so when none fits.
    return undefined;
  }
}

function judgeSections({ index, sections }: VerifiedBundle, findings: Findings): number {
  let erased = 0;
  for (const [section, answer] of Object.entries(sections)) {
    if (answer.state === "erased") erased += 1;
    else if (answer.state === "missing") {
      findings.alarm(
        "SECTION_MISSING",
        `The ${section} section of entry ${index} is missing, and the bundle holds no entry that erases it.`,
        { index },
      );
    } else if (answer.state === "unfinished") {
      findings.note(
        "ERASURE_UNFINISHED",
        `The ${section} section of entry ${index} is in the bundle although entry ${answer.index} erases it.`,
        { index },
      );
    }
  }
  return erased;
}

/** One size with two roots, or two logs in one file, is an alarm. Returns the bundle with the newest checkpoint. */
function compareCheckpoints(bundles: readonly VerifiedBundle[], findings: Findings): VerifiedBundle | undefined {
  const roots = new Map<number, Uint8Array>();
  let newest = bundles[0];
  for (const bundle of bundles) {
    const { treeSize, rootHash } = bundle.checkpoint;
    const known = roots.get(treeSize);
    if (known === undefined) roots.set(treeSize, rootHash);
    else if (!hashesEqual(known, rootHash))
      findings.alarm("FORKED", `Two roots were signed for ${treeSize} entries: the log shows different histories.`);
    if (bundle.origin !== newest?.origin)
      findings.alarm("ORIGIN_CHANGED", `The file holds bundles of ${newest?.origin} and of ${bundle.origin}.`);
    if (newest === undefined || treeSize > newest.checkpoint.treeSize) newest = bundle;
  }
  return newest;
}

function openRememberedNote(
  vkey: string | undefined,
  rememberedNote: string | undefined,
  findings: Findings,
): SignedCheckpoint | undefined {
  if (vkey === undefined || rememberedNote === undefined) return undefined;
  const vkeyFile = new TextEncoder().encode(`${vkey}\n`);
  return openTrust(
    { vkeyFile, checkpointFile: undefined, pinnedVkey: undefined, rememberedNote, rememberedOrigin: undefined },
    onlyRemembered(findings),
  ).remembered;
}

/** A bundle comes without a ledger, so that a checkpoint of its own is missing is nothing to report. */
function onlyRemembered(findings: Findings): Findings {
  return {
    ...findings,
    alarm(code, message, where) {
      if (code !== "CHECKPOINT_MISSING") findings.alarm(code, message, where);
    },
    note() {},
  };
}

function compareRemembered(bundles: readonly VerifiedBundle[], remembered: SignedCheckpoint, findings: Findings): boolean {
  let isEqual = false;
  let isOther = false;
  for (const { checkpoint } of bundles) {
    if (checkpoint.treeSize !== remembered.treeSize) isOther = true;
    else if (hashesEqual(checkpoint.rootHash, remembered.rootHash)) isEqual = true;
    else
      findings.alarm(
        "DIFFERS_FROM_REMEMBERED",
        `For ${checkpoint.treeSize} entries another root was signed before: the log shows different histories.`,
      );
  }
  if (!isOther) return isEqual;
  findings.note(
    "CONSISTENCY_NOT_CHECKED",
    `A bundle cannot show that its tree and the remembered one (${remembered.treeSize} entries) belong together when their sizes differ; verify the ledger or the server.`,
  );
  return false;
}

function vkeyOf(json: unknown): string | undefined {
  return isObject(json) && typeof json.vkey === "string" ? json.vkey : undefined;
}

function indexOf(json: unknown): number | undefined {
  return isObject(json) && typeof json.index === "number" ? json.index : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
