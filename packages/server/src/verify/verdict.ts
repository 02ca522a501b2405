import type { Trust } from "./trust.ts";
import { countText, type Findings, firstAlarmText, type VerifyReport } from "./verify-report.ts";

interface Outcome {
  readonly trust: Trust;
  readonly findings: Findings;
  readonly treeSize: number;
  /** Standard base64. */
  readonly rootHash: string;
  readonly signedSize: number;
  readonly entries: number;
  readonly erasedSections: number;
}

/** Makes the report and its one sentence, in the words local and anchored. Rules: VERDICT-1, VERDICT-2. */
export function summarize(outcome: Outcome): VerifyReport {
  const { trust, findings, treeSize, signedSize } = outcome;
  const { checkpoint, remembered } = trust;
  const isDamaged = findings.alarms > 0;
  const newest = [checkpoint, remembered].reduce(
    (most, next) => (next !== undefined && next.treeSize >= (most?.treeSize ?? 0) ? next : most),
    undefined,
  );
  const tail = treeSize > signedSize ? ` ${countText(treeSize - signedSize, "newer entry is", "newer entries are")} not signed yet.` : "";
  let summary: string;
  if (isDamaged) summary = firstAlarmText(findings);
  else if (remembered !== undefined) {
    const kept = countText(remembered.treeSize, "entry", "entries");
    summary =
      `Holds: ${countText(signedSize, "signed entry checks", "signed entries check")} and contain the checkpoint remembered at ${kept},` +
      ` so none of those was changed, removed or cut off since. Anchored, if that checkpoint was out of the operator's reach; else local.${tail}`;
  } else {
    summary =
      `Holds, local: ${countText(signedSize, "signed entry checks", "signed entries check")}, but no checkpoint was remembered,` +
      ` so a cut tail, an older copy put back or a rebuild with the key could not be detected.${tail}`;
  }
  return {
    verdict: isDamaged ? "damaged" : remembered === undefined ? "holds-unremembered" : "holds",
    origin: trust.origin,
    vkey: trust.vkey,
    treeSize,
    signedSize,
    rootHash: outcome.rootHash,
    remembered: remembered === undefined ? undefined : { size: remembered.treeSize },
    entries: outcome.entries,
    erasedSections: outcome.erasedSections,
    findings: findings.list(),
    newestNote: isDamaged ? undefined : newest?.note,
    summary,
  };
}
