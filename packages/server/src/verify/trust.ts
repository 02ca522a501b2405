import { type Checkpoint, decodeUtf8, openCheckpoint, ProtocolError, parseCheckpoint, parseNote, parseVkey } from "@vouchtrail/protocol";
import { verifyEd25519 } from "../ledger/ed25519.ts";
import { sha256 } from "../ledger/hashing.ts";
import type { Findings } from "./verify-report.ts";

/** A checkpoint whose signature is good, with the note it came in. */
export interface SignedCheckpoint {
  readonly note: string;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

/** Who is believed, and what they signed. */
export interface Trust {
  /** Empty when nothing tells it. */
  readonly origin: string;
  /** Empty when there is no key to check with. */
  readonly vkey: string;
  readonly isPinned: boolean;
  readonly checkpoint: SignedCheckpoint | undefined;
  readonly remembered: SignedCheckpoint | undefined;
}

export interface TrustSources {
  /** The vkey that came with the ledger, as bytes of its file. */
  readonly vkeyFile: Uint8Array | undefined;
  /** The checkpoint that came with the ledger. */
  readonly checkpointFile: Uint8Array | undefined;
  /** A key that came from elsewhere; it outranks the one that came with the ledger. */
  readonly pinnedVkey: string | undefined;
  readonly rememberedNote: string | undefined;
  readonly rememberedOrigin: string | undefined;
}

/**
 * Decides which key is believed and opens both checkpoints with it. A pinned key outranks the ledger's own, which whoever changes the
 * ledger can change as well. Rules: VERDICT-4, VERDICT-5.
 *
 * @throws {ProtocolError} `VKEY_INVALID` for a malformed pinned key: that is the caller's mistake, not damage.
 */
export function openTrust(sources: TrustSources, findings: Findings): Trust {
  const { pinnedVkey, rememberedNote, rememberedOrigin } = sources;
  const pinned = pinnedVkey === undefined ? undefined : parseVkey(pinnedVkey, sha256);
  const found = openVkeyFile(sources, findings);
  const vkey = pinnedVkey ?? found?.vkey ?? "";
  const origin = pinned?.name ?? found?.origin ?? rememberedOrigin ?? "";
  if (rememberedOrigin !== undefined && rememberedOrigin !== origin) {
    findings.alarm(
      "ORIGIN_CHANGED",
      `Another ledger was here before: its origin was ${rememberedOrigin}, now it is ${origin || "unknown"}.`,
    );
  }
  const remembered = rememberedNote === undefined ? undefined : openRemembered(rememberedNote, vkey, origin, findings);
  const checkpoint = openCheckpointFile(sources.checkpointFile, vkey, findings);
  if (sources.checkpointFile === undefined) {
    if (remembered === undefined) {
      findings.alarm(
        "CHECKPOINT_MISSING",
        "There is no checkpoint, neither in the ledger nor remembered: nothing signed says what was recorded.",
      );
    } else {
      findings.note("CHECKPOINT_MISSING", "The ledger has no checkpoint of its own; the remembered one was used.", { file: "checkpoint" });
    }
  }
  return { origin, vkey, isPinned: pinned !== undefined, checkpoint, remembered };
}

function openVkeyFile({ vkeyFile, pinnedVkey }: TrustSources, findings: Findings): { vkey: string; origin: string } | undefined {
  const where = { file: "vkey" };
  if (vkeyFile === undefined) {
    if (pinnedVkey === undefined)
      findings.alarm("VKEY_MISSING", "The verifier key (vkey) is missing, so no signature can be checked.", where);
    else findings.note("VKEY_MISSING", "The ledger has no verifier key of its own; the pinned one was used.", where);
    return undefined;
  }
  let text: string;
  try {
    text = decodeUtf8(vkeyFile);
    if (!text.endsWith("\n")) throw new ProtocolError("VKEY_INVALID", { reason: "it does not end with one line feed" });
    const { name, keyType } = parseVkey(text.slice(0, -1), sha256);
    if (keyType !== 1) throw new ProtocolError("VKEY_INVALID", { reason: "it is not a key that signs checkpoints" });
    if (pinnedVkey !== undefined && pinnedVkey !== text.slice(0, -1)) {
      findings.alarm("VKEY_DIFFERS", "The verifier key in the ledger is not the one that was pinned.", where);
    }
    return { vkey: text.slice(0, -1), origin: name };
  } catch (error) {
    findings.alarm("VKEY_DAMAGED", `The verifier key (vkey) is damaged. ${reasonOf(error)}`, where);
    return undefined;
  }
}

function openCheckpointFile(bytes: Uint8Array | undefined, vkey: string, findings: Findings): SignedCheckpoint | undefined {
  if (bytes === undefined || vkey === "") return undefined;
  try {
    return openSigned(decodeUtf8(bytes), vkey);
  } catch (error) {
    const isSignature = error instanceof ProtocolError && (error.code === "SIGNATURE_INVALID" || error.code === "NOTE_UNSIGNED");
    const code = isSignature ? "SIGNATURE_INVALID" : "CHECKPOINT_DAMAGED";
    findings.alarm(code, `The checkpoint is not one that the key ${keyText(vkey)} signed. ${reasonOf(error)}`, { file: "checkpoint" });
    return undefined;
  }
}

function openRemembered(note: string, vkey: string, origin: string, findings: Findings): SignedCheckpoint | undefined {
  if (vkey === "") return undefined;
  try {
    return openSigned(note, vkey);
  } catch (error) {
    const rememberedOrigin = originOf(note);
    if (rememberedOrigin === undefined || (error instanceof ProtocolError && error.code === "SIGNATURE_INVALID")) {
      findings.alarm(
        "REMEMBERED_DAMAGED",
        `The remembered checkpoint is itself damaged, so nothing can be compared with it. ${reasonOf(error)}`,
      );
    } else if (rememberedOrigin !== origin) {
      findings.alarm("ORIGIN_CHANGED", `The remembered checkpoint is of ${rememberedOrigin}, but this ledger is ${origin}.`);
    } else {
      findings.alarm(
        "KEY_CHANGED",
        `The remembered checkpoint was signed by another key than ${keyText(vkey)}: the ledger was replaced or rebuilt.`,
      );
    }
    return undefined;
  }
}

function openSigned(note: string, vkey: string): SignedCheckpoint {
  const { treeSize, rootHash }: Checkpoint = openCheckpoint(note, { vkey, sha256, verify: verifyEd25519 });
  return { note, treeSize, rootHash };
}

function originOf(note: string): string | undefined {
  try {
    return parseCheckpoint(parseNote(note).text).origin;
  } catch {
    // Not a checkpoint at all: the caller says so.
    return undefined;
  }
}

/** Name and id of a key, short enough to compare by eye. */
function keyText(vkey: string): string {
  return vkey.split("+").slice(0, 2).join("+");
}

/** The words of a protocol error without its code, anything else as it is. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/^[A-Z0-9_]+: /, "");
}
