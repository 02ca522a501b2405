/** Checks a bundle in this page, step by step, so that a fault can be pointed at. Rules: PAGE-10, PAGE-11, PAGE-12. */

import {
  encodeBase64,
  hashLeaf,
  openCheckpoint,
  ProtocolError,
  parseDisclosure,
  parseTlogProof,
  SECTION_NAMES,
  type SectionName,
  type SectionState,
  verifyBundle,
  verifyEntry,
  verifyInclusion,
} from "@vouchtrail/protocol";
import { firstDifference, isObject, type Json, sealedEvent } from "./sealed-event.ts";
import { sha256, verifyEd25519 } from "./signatures.ts";

/** In the order in which they are shown. */
export const STEP_NAMES = ["bundle", "leaf", "sections", "shown", "path", "signature", "whole"] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** One step. `open`: it was not reached, because what it needs did not hold. */
export interface ProofStep {
  readonly name: StepName;
  readonly title: string;
  readonly state: "good" | "bad" | "open";
  readonly values: readonly (readonly [name: string, value: string])[];
  /** What is wrong; only for a bad step. */
  readonly message?: string;
}

/** What the page shows as the event, and what it asked for. */
export interface ShownEntry {
  readonly id: string;
  readonly index: number;
  /** Standard base64. */
  readonly leafHash: string;
  readonly event: Json;
  readonly received: Json;
  readonly redactions?: Json;
  readonly system?: Json;
}

export interface ProofCheck {
  /** True when every step holds. */
  readonly isGood: boolean;
  readonly isKeyPinned: boolean;
  readonly steps: readonly ProofStep[];
  /** Proven states; absent when the bundle does not hold. */
  readonly sections?: Readonly<Partial<Record<SectionName, SectionState>>>;
  readonly treeSize?: number;
}

const TITLES: Readonly<Record<StepName, string>> = {
  bundle: "The bundle can be read",
  leaf: "The leaf has the hash that was told",
  sections: "Each section matches its digest in the leaf",
  shown: "What is shown here is what was sealed",
  path: "The path leads from the leaf to the root of the tree",
  signature: "The root is signed by the key of the ledger",
  whole: "Everything agrees with everything else",
};

/** A bundle as it came, with the parts that the steps look at. */
interface ReadBundle {
  readonly json: Json;
  readonly leaf: string;
  readonly vkey: string;
  readonly disclosures: Readonly<Partial<Record<SectionName, string>>>;
  readonly inclusionProof: string;
}

/**
 * Checks the text of a bundle.
 *
 * @param pinnedVkey The key that the reader got elsewhere. Without it the bundle's own key is used, which shows only that the bundle agrees with itself.
 */
export function checkProof(text: string, shown: ShownEntry, pinnedVkey?: string): ProofCheck {
  const trust = { sha256, verify: verifyEd25519 };
  const steps: ProofStep[] = [];
  function step<T>(name: StepName, run: () => { readonly result: T; readonly values: ProofStep["values"] }): T | undefined {
    const title = TITLES[name];
    try {
      const { result, values } = run();
      steps.push({ name, title, state: "good", values });
      return result;
    } catch (error) {
      steps.push({ name, title, state: "bad", values: [], message: messageOf(error) });
      return undefined;
    }
  }
  const leaveOpen = (name: StepName): void => void steps.push({ name, title: TITLES[name], state: "open", values: [] });
  const done = (more: Partial<ProofCheck> = {}): ProofCheck => ({
    ...more,
    isGood: steps.every(({ state }) => state === "good"),
    isKeyPinned: pinnedVkey !== undefined,
    steps: STEP_NAMES.flatMap((name) => steps.filter((made) => made.name === name)),
  });

  const bundle = step("bundle", () => {
    const read = readBundle(text);
    return { result: read, values: [["format", String(read.json.format)]] };
  });
  if (bundle === undefined) {
    for (const name of STEP_NAMES) if (name !== "bundle") leaveOpen(name);
    return done();
  }
  const leaf = new TextEncoder().encode(bundle.leaf);

  const leafHash = step("leaf", () => {
    const result = hashLeaf(leaf, sha256);
    const told = encodeBase64(result);
    if (told !== shown.leafHash) throw new Mismatch(`The leaf hashes to ${told}; ${shown.leafHash} was told.`);
    return {
      result,
      values: [
        ["leaf", `${leaf.length} bytes`],
        ["leaf hash", told],
      ],
    };
  });

  // Erasures are proven by the whole; without them an absent section cannot be told from a lost one.
  const whole = attempt(() => verifyBundle(bundle.json, pinnedVkey === undefined ? trust : { ...trust, vkey: pinnedVkey }));
  const entry = attempt(() => verifyEntry({ leaf, disclosures: bundle.disclosures }, sha256));
  const isMissing = entry.isGood && SECTION_NAMES.some((name) => entry.result.sections[name]?.state === "missing");
  if (isMissing && !whole.isGood) leaveOpen("sections");
  else {
    step("sections", () => {
      if (!entry.isGood) throw entry.error;
      const { frame, sections } = entry.result;
      const states = whole.isGood ? whole.result.sections : sections;
      const lost = SECTION_NAMES.find((name) => states[name]?.state === "missing");
      if (lost !== undefined) throw new Mismatch(`The section "${lost}" is missing, and no entry of the server erases it.`);
      return { result: undefined, values: frame.sections.map((name, i) => [sectionText(name, states[name]), frame.digests[i] ?? ""]) };
    });
  }

  step("shown", () => {
    assertShown(bundle, shown);
    return { result: undefined, values: [["event", shown.id]] };
  });

  const proof = attempt(() => parseTlogProof(bundle.inclusionProof));
  const checkpoint = step("signature", () => {
    if (!proof.isGood) throw proof.error;
    const vkey = pinnedVkey ?? bundle.vkey;
    const opened = openCheckpoint(proof.result.checkpoint, { ...trust, vkey });
    return {
      result: opened,
      values: [
        ["origin", opened.origin],
        ["verifier key", vkey],
        ["whose key", pinnedVkey === undefined ? "the one that the server gave out" : "the one that you pinned"],
      ],
    };
  });

  if (leafHash === undefined || checkpoint === undefined || !proof.isGood) leaveOpen("path");
  else {
    step("path", () => {
      const { index, path } = proof.result;
      const { treeSize, rootHash } = checkpoint;
      if (index !== shown.index) throw new Mismatch(`The path is for entry ${index}, and this is entry ${shown.index}.`);
      verifyInclusion({ index, treeSize, leafHash, path, rootHash }, sha256);
      return {
        result: undefined,
        values: [
          ["entry", `${index} of a tree of ${treeSize}`],
          ["path", `${path.length} hashes`],
          ["root hash", encodeBase64(rootHash)],
        ],
      };
    });
  }

  // What fails there for a reason that was pointed at already is not told twice.
  if (!whole.isGood && steps.some(({ state }) => state === "bad")) leaveOpen("whole");
  else {
    step("whole", () => {
      if (!whole.isGood) throw whole.error;
      return { result: undefined, values: [] };
    });
  }
  return done(whole.isGood ? { sections: whole.result.sections, treeSize: whole.result.checkpoint.treeSize } : {});
}

/** What a note says when its signature holds. @throws {ProtocolError} As `openCheckpoint`. */
export function checkCheckpoint(
  note: string,
  vkey: string,
): { readonly origin: string; readonly treeSize: number; readonly rootHash: string } {
  const { origin, treeSize, rootHash } = openCheckpoint(note, { vkey: vkey.trim(), sha256, verify: verifyEd25519 });
  return { origin, treeSize, rootHash: encodeBase64(rootHash) };
}

/** A fault that this page found itself. Its message is made of fixed words, ids and hashes. */
class Mismatch extends Error {}

function messageOf(error: unknown): string {
  if (error instanceof ProtocolError || error instanceof Mismatch) return error.message;
  return "It does not have the form of a bundle.";
}

type Attempt<T> = { readonly isGood: true; readonly result: T } | { readonly isGood: false; readonly error: unknown };

function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { isGood: true, result: run() };
  } catch (error) {
    return { isGood: false, error };
  }
}

function readBundle(text: string): ReadBundle {
  const json: unknown = JSON.parse(text);
  if (!isObject(json)) throw new Mismatch("It is not a JSON object.");
  const { leaf, vkey, disclosures, inclusionProof } = json;
  if (typeof leaf !== "string" || typeof vkey !== "string" || typeof inclusionProof !== "string" || !isObject(disclosures))
    throw new Mismatch("A member of the bundle is missing.");
  const texts: Partial<Record<SectionName, string>> = {};
  for (const name of SECTION_NAMES) {
    const disclosure = disclosures[name];
    if (typeof disclosure === "string") texts[name] = disclosure;
  }
  return { json, leaf, vkey, disclosures: texts, inclusionProof };
}

/** The page shows what the server answers for an id; the proof is worth nothing for anything but exactly that. */
function assertShown(bundle: ReadBundle, shown: ShownEntry): void {
  const leaf: unknown = JSON.parse(bundle.leaf);
  if (!isObject(leaf)) throw new Mismatch("The leaf is not a JSON object.");
  const sections = SECTION_NAMES.flatMap((name) => {
    const disclosure = bundle.disclosures[name];
    return disclosure === undefined ? [] : [parseDisclosure(disclosure).value as unknown];
  }).filter(isObject);
  const sealed = sealedEvent(leaf, sections);
  if (sealed.id !== shown.id) throw new Mismatch("The bundle is for another event.");
  const pairs = [
    ["", sealed, shown.event],
    ["received", leaf.received, shown.received],
    ["redactions", leaf.redactions, shown.redactions],
    ["system", leaf.system, shown.system],
  ] as const;
  for (const [name, inLeaf, here] of pairs) {
    const path = firstDifference(inLeaf, here, name);
    if (path !== undefined) throw new Mismatch(`What is shown at "${path.slice(0, 100)}" is not what was sealed.`);
  }
}

function sectionText(name: SectionName, state: SectionState | undefined): string {
  if (state === undefined || state.state === "present") return `${name}, present`;
  if (state.state === "missing") return `${name}, missing`;
  const by = `by entry ${state.index} at ${state.at}`;
  return state.state === "erased" ? `${name}, erased ${by}` : `${name}, still there although erased ${by}`;
}
