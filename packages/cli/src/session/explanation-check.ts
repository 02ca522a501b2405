import { isDeepStrictEqual } from "node:util";
import { type Explanation, type ExplanationLink, type JsonObject, joinEvent } from "@vouchtrail/events";
import { type Ed25519Verify, encodeBase64, ProtocolError, parseTlogProof, type Sha256, verifyBundle } from "@vouchtrail/protocol";

/** Who is believed, and what checks. */
export interface ExplanationTrust {
  readonly vkey: string;
  readonly sha256: Sha256;
  readonly verify: Ed25519Verify;
}

/** What checking one link found. `reason` is absent when all holds. */
export interface LinkCheck {
  readonly index: number;
  readonly isGood: boolean;
  readonly reason?: string;
}

/**
 * Checks every link of an explanation here, whatever the server says: the checkpoint is signed, each entry is included under it, its sections match its
 * leaf, and what is shown is what was proved. Rule: EXPLAIN-9.
 *
 * @returns One check for each link, in its order.
 */
export function checkExplanation({ chain, checkpoint }: Explanation, trust: ExplanationTrust): LinkCheck[] {
  return chain.map((link) => {
    const { index } = link.entry;
    try {
      const reason = faultOf(link, checkpoint, trust);
      return { index, isGood: reason === undefined, ...(reason === undefined ? {} : { reason }) };
    } catch (error) {
      if (error instanceof ProtocolError) return { index, isGood: false, reason: error.message };
      throw error;
    }
  });
}

function faultOf({ entry, bundle, inclusionProof }: ExplanationLink, checkpoint: string, trust: ExplanationTrust): string | undefined {
  const verified = verifyBundle(bundle, trust);
  if (parseTlogProof(bundle.inclusionProof).checkpoint !== checkpoint || inclusionProof !== bundle.inclusionProof)
    return "it is proved under another checkpoint than the explanation names";
  const shown = joinEvent(JSON.parse(bundle.leaf) as JsonObject, sectionsOf(bundle.disclosures));
  const isSame =
    verified.index === entry.index && encodeBase64(verified.leafHash) === entry.leafHash && isDeepStrictEqual(shown, entry.event);
  if (!isSame) return "what is shown is not what is proved";
  const broken = Object.entries(verified.sections).find(([, { state }]) => state === "missing");
  return broken === undefined ? undefined : `the section ${broken[0]} is missing without an entry that erased it`;
}

/** The values of disclosures: `[salt, section, value]` each. They were verified before. */
function sectionsOf({ personal, content }: ExplanationLink["bundle"]["disclosures"]): Parameters<typeof joinEvent>[1] {
  const parsed = (disclosure: string): JsonObject => (JSON.parse(disclosure) as [string, string, JsonObject])[2];
  return {
    ...(personal === undefined ? {} : { personal: parsed(personal) }),
    ...(content === undefined ? {} : { content: parsed(content) }),
  };
}
