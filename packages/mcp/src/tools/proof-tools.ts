import { EventIdSchema, TenantSchema } from "@vouchtrail/events";
import { encodeBase64, openCheckpoint, ProtocolError, verifyBundle } from "@vouchtrail/protocol";
import { z } from "zod";
import { NOTE_CHARS_MAX } from "../limits.ts";
import { sha256, verifySignature } from "../signature.ts";
import { addTool, readerOf, type ToolPlace } from "./tool.ts";

const NOT_PINNED =
  "The key came from the server itself: this shows that its answer agrees with itself. Give a vkey that you got elsewhere to know whose it is.";

interface Verification {
  readonly isGood: boolean;
  readonly findings: readonly string[];
  readonly isKeyPinned: boolean;
  readonly checkpoint: string;
  readonly treeSize?: number;
  readonly rootHash?: string;
}

/** `verify` and `inclusion_proof`. Rules: MCP-29 to MCP-31. */
export function addProofTools(place: ToolPlace): void {
  const { caller } = place;
  const reading = { scope: "read", isIdempotent: true } as const;

  addTool(
    place,
    {
      ...reading,
      name: "inclusion_proof",
      title: "Inclusion proof of an event",
      description:
        "The proof (c2sp.org/tlog-proof@v1) that an event is in the ledger, for handing to somebody who checks it offline. It may take some seconds for an event that was just written.",
      input: z.strictObject({ id: EventIdSchema, tenant: TenantSchema.optional() }),
      output: z.looseObject({ id: z.string(), inclusionProof: z.string() }),
    },
    async ({ id, tenant }) => ({ id, inclusionProof: await readerOf(caller).inclusionProof(id, tenant) }),
  );

  addTool(
    place,
    {
      ...reading,
      name: "verify",
      title: "Verify",
      description:
        "Checks the signature of the trail's newest checkpoint; with an id also that this event is unchanged and in the ledger; with a checkpoint that you kept, that the ledger did not shrink or change since. Checking the whole ledger is the work of: vouchtrail verify.",
      input: z.strictObject({
        id: EventIdSchema.optional(),
        tenant: TenantSchema.optional(),
        vkey: z.string().max(1_024).optional().describe("Verifier key of the ledger, from somebody other than the server."),
        remembered: z.string().max(NOTE_CHARS_MAX).optional().describe("A signed checkpoint that an earlier call returned."),
      }),
      output: z.looseObject({
        isGood: z.boolean(),
        findings: z.array(z.string()).describe("What is wrong; empty when nothing is."),
        isKeyPinned: z.boolean(),
        checkpoint: z.string().describe("Keep it, and give it as remembered next time."),
        treeSize: z.number().optional(),
        rootHash: z.string().optional(),
        note: z.string().optional(),
      }),
    },
    async ({ id, tenant, vkey, remembered }) => {
      const reader = readerOf(caller);
      const key = vkey ?? (await reader.vkey());
      // What is said about the event is taken first: the checkpoint then covers it.
      const bundle = id === undefined ? undefined : await reader.bundle(id, tenant);
      const checkpoint = await reader.checkpoint();
      const verification = verifyAll({ checkpoint, bundle, id, key, isKeyPinned: vkey !== undefined, remembered });
      return verification.isKeyPinned ? verification : { ...verification, note: NOT_PINNED };
    },
  );
}

interface ToVerify {
  readonly checkpoint: string;
  readonly bundle: unknown;
  readonly id: string | undefined;
  readonly key: string;
  readonly isKeyPinned: boolean;
  readonly remembered: string | undefined;
}

function verifyAll({ checkpoint, bundle, id, key, isKeyPinned, remembered }: ToVerify): Verification {
  const trust = { vkey: key, sha256, verify: verifySignature };
  const findings: string[] = [];
  const checking = <Result>(what: string, check: () => Result): Result | undefined => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      findings.push(`${what}: ${error.message}`);
      return undefined;
    }
  };
  const now = checking("The checkpoint", () => openCheckpoint(checkpoint, trust));
  if (bundle !== undefined) {
    const verified = checking("The event", () => verifyBundle(bundle, trust));
    if (verified !== undefined && verified.frame.id.toLowerCase() !== id?.toLowerCase())
      findings.push("The event: the server gave the proof of another event.");
  }
  const before = remembered === undefined ? undefined : checking("The remembered checkpoint", () => openCheckpoint(remembered, trust));
  if (now !== undefined && before !== undefined) {
    if (now.origin !== before.origin) findings.push("The remembered checkpoint is one of another ledger.");
    else if (now.treeSize < before.treeSize)
      findings.push(`The ledger shrank: it has ${now.treeSize} entries and had ${before.treeSize} before.`);
    else if (now.treeSize === before.treeSize && encodeBase64(now.rootHash) !== encodeBase64(before.rootHash))
      findings.push("The ledger was changed: at the same size it has another root hash than the remembered checkpoint.");
  }
  return {
    isGood: findings.length === 0,
    findings,
    isKeyPinned,
    checkpoint,
    ...(now === undefined ? {} : { treeSize: now.treeSize, rootHash: encodeBase64(now.rootHash) }),
  };
}
