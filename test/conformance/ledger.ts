import { AuditError, DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import {
  cosignatureMessage,
  createTileTree,
  encodeBase64,
  formatCheckpoint,
  formatNote,
  hashLeaf,
  KEY_TYPES,
  keyId,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  type Signer,
  signNote,
  verifyInclusion,
} from "@vouchtrail/protocol";
import { v4 as uuidv4, v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { sealEvent, sealSystemEntry } from "../../packages/server/src/intake/seal.ts";
import { generateSeed, signerFromSeed, verifyEd25519 } from "../../packages/server/src/ledger/ed25519.ts";
import { sha256 } from "../../packages/server/src/ledger/hashing.ts";
import type { Ledger, SealedEntry } from "../../packages/server/src/ledger/ledger.ts";

/** A ledger under test: opens and reopens the same store, and knows its signer. */
export interface LedgerUnderTest {
  readonly vkey: string;
  readonly signer: Signer;
  open(): Promise<Ledger>;
  remove(): Promise<void>;
}

/** Seals a small event. */
export function sealedEntry(changes: { id?: string; tenant?: string; action?: string; status?: "success" | "failure" } = {}): SealedEntry {
  return sealEvent(
    {
      id: changes.id ?? uuidv7(),
      occurredAt: "2026-01-31T12:00:00.000Z",
      tenant: changes.tenant ?? "default",
      action: changes.action ?? "document.read",
      actor: { type: "user", id: "u-1" },
      target: { type: "document", id: "d-1" },
      outcome: { status: changes.status ?? "success" },
      details: { note: "a text with \u{1F512} and \u2028" },
    },
    { at: "2026-01-31T12:00:01.000Z", via: "http" },
    DEFAULT_PRIVACY_POLICY,
  );
}

const many = (count: number): SealedEntry[] => Array.from({ length: count }, () => sealedEntry());
const codeOf = (error: unknown): string | undefined => (error instanceof AuditError ? error.code : undefined);
const never = (): AbortSignal => new AbortController().signal;

async function leavesOf(ledger: Ledger, from: number, to: number): Promise<string[]> {
  const leaves: string[] = [];
  for await (const batch of ledger.read(from, to)) for (const entry of batch) leaves.push(entry.leaf);
  return leaves;
}

/** Resolves once a checkpoint covers that many entries: what `?wait=checkpoint` does. */
async function checkpointOver(ledger: Ledger, vkey: string, treeSize: number): Promise<ReturnType<typeof openCheckpoint>> {
  for (;;) {
    const checkpoint = openCheckpoint(await ledger.checkpoint(), { vkey, sha256, verify: verifyEd25519 });
    if (checkpoint.treeSize >= treeSize) return checkpoint;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The contract that every ledger keeps, whatever it is stored in. Rules: CONTRACT-1 to CONTRACT-12. */
export function testLedger(name: string, make: () => Promise<LedgerUnderTest>): void {
  const withLedger = (run: (ledger: Ledger, store: LedgerUnderTest) => Promise<void>) => async (): Promise<void> => {
    const store = await make();
    const ledger = await store.open();
    try {
      await run(ledger, store);
    } finally {
      await ledger.close();
      await store.remove();
    }
  };

  describe(`ledger ${name}`, () => {
    test(
      "CONTRACT-1: appends that run at once get consecutive indexes, each request in its own order",
      withLedger(async (ledger) => {
        const requests = Array.from({ length: 40 }, () => many(7));
        const answers = await Promise.all(requests.map((entries) => ledger.append(entries)));
        const indexes = answers.flat().map((answer) => ("receipt" in answer ? answer.receipt.index : -1));
        expect([...indexes].sort((left, right) => left - right)).toEqual(Array.from({ length: 280 }, (_, i) => i));
        for (const answer of answers) {
          const own = answer.map((result) => ("receipt" in result ? result.receipt.index : -1));
          expect(own).toEqual(own.map((_, i) => own[0]! + i));
        }
        const leaves = await leavesOf(ledger, 0, 280);
        requests.forEach((entries, r) => {
          entries.forEach((entry, i) => {
            const answer = answers[r]![i]!;
            expect("receipt" in answer && leaves[answer.receipt.index]).toBe(entry.leaf);
          });
        });
      }),
    );

    test(
      "CONTRACT-2: the same event again answers the first receipt, in one append, in a later one and after a restart",
      withLedger(async (ledger, store) => {
        const entry = sealedEntry();
        const sealedAgain = { ...sealedEntry({ id: entry.id }) };
        expect(sealedAgain.leaf).not.toBe(entry.leaf);
        const [first, twin] = await ledger.append([entry, sealedAgain]);
        expect(first).toMatchObject({ isDuplicate: false, receipt: { index: 0, leafHash: encodeBase64(entry.leafHash) } });
        expect(twin).toMatchObject({ isDuplicate: true, receipt: { index: 0, leafHash: encodeBase64(entry.leafHash) } });
        expect(await ledger.append([sealedAgain])).toEqual([twin]);
        await ledger.close();
        const reopened = await store.open();
        expect(await reopened.append([sealedAgain])).toEqual([twin]);
        expect((await reopened.head()).treeSize).toBe(1);
        await reopened.close();
      }),
    );

    test(
      "CONTRACT-3: the same id with another action, time or status is a conflict; in another tenant it is another event",
      withLedger(async (ledger) => {
        const entry = sealedEntry();
        await ledger.append([entry]);
        const results = await ledger.append([
          sealedEntry({ id: entry.id, action: "document.deleted" }),
          sealedEntry({ id: entry.id, status: "failure" }),
          { ...sealedEntry({ id: entry.id }), occurredAt: "2026-01-31T12:00:00.001Z" },
          sealedEntry({ id: entry.id, tenant: "other" }),
        ]);
        expect(results.slice(0, 3)).toEqual([{ conflictIndex: 0 }, { conflictIndex: 0 }, { conflictIndex: 0 }]);
        expect(results[3]).toMatchObject({ isDuplicate: false, receipt: { index: 1 } });
      }),
    );

    test(
      "CONTRACT-4: a read gives exactly the entries of its range, and refuses ranges outside of the ledger",
      withLedger(async (ledger) => {
        const entries = many(600);
        await ledger.append(entries);
        expect(await leavesOf(ledger, 250, 520)).toEqual(entries.slice(250, 520).map((entry) => entry.leaf));
        expect(await leavesOf(ledger, 600, 600)).toEqual([]);
        expect(await leavesOf(ledger, 590, 10_000)).toHaveLength(10);
        for (const [from, to] of [
          [-1, 3],
          [5, 4],
          [601, 700],
          [0.5, 2],
        ] as const) {
          const refused = await readRefusal(ledger, from, to);
          expect(refused).toBe("RANGE_INVALID");
        }
      }),
    );

    test(
      "CONTRACT-5: a look-up finds what is durable by tenant and id, and nothing else",
      withLedger(async (ledger) => {
        const entries = [...many(300), sealedEntry({ id: uuidv4(), tenant: "acme" })];
        await ledger.append(entries);
        const last = entries.at(-1)!;
        expect(await ledger.find([entries[7]!, last, { tenant: "default", id: last.id }, { tenant: "default", id: uuidv4() }])).toEqual([
          7,
          300,
          undefined,
          undefined,
        ]);
      }),
    );

    test(
      "CONTRACT-6: a follower sleeps until the ledger has grown, and wakes up when it gives up or the ledger closes",
      withLedger(async (ledger) => {
        await ledger.waitFor(0, never());
        const waiting = ledger.waitFor(3, never());
        await ledger.append(many(3));
        await waiting;
        expect((await ledger.head()).treeSize).toBe(3);
        const abort = new AbortController();
        const aborted = ledger.waitFor(4, abort.signal).catch((error: unknown) => error);
        abort.abort(new Error("enough"));
        expect(await aborted).toMatchObject({ message: "enough" });
        const closed = ledger.waitFor(4, never()).catch(codeOf);
        await ledger.close();
        expect(await closed).toBe("SHUTTING_DOWN");
      }),
    );

    test(
      "CONTRACT-7: a checkpoint covers durable entries, and its tiles prove each of them",
      withLedger(async (ledger, store) => {
        const entries = many(700);
        await ledger.append(entries);
        const checkpoint = await checkpointOver(ledger, store.vkey, 700);
        const tree = createTileTree({ sha256, readTile: (level, n, width) => ledger.tile(level, n, width) });
        for (const index of [0, 255, 256, 511, 699]) {
          const path = await tree.inclusionPath(index, checkpoint.treeSize);
          const leafHash = hashLeaf(Buffer.from(entries[index]!.leaf), sha256);
          verifyInclusion({ index, treeSize: checkpoint.treeSize, leafHash, path, rootHash: checkpoint.rootHash }, sha256);
        }
      }),
    );

    test(
      "CONTRACT-8: a tile that no checkpoint covers is unknown",
      withLedger(async (ledger, store) => {
        await ledger.append(many(300));
        await checkpointOver(ledger, store.vkey, 300);
        for (const [level, n, width] of [
          [0, 1, 45],
          [0, 2, 1],
          [1, 0, 2],
          [2, 0, 1],
          [0, 0, 257],
          [0, 0, 0],
        ] as const) {
          expect(await ledger.tile(level, n, width).catch(codeOf)).toBe("TILE_UNKNOWN");
        }
        expect(await ledger.tile(0, 1, 44)).toHaveLength(44 * 32);
      }),
    );

    test(
      "CONTRACT-9: a cosigned checkpoint takes the place of the same one; an older, another or a foreign one is refused",
      withLedger(async (ledger, store) => {
        const older = await ledger.checkpoint();
        await ledger.append(many(5));
        const checkpoint = await checkpointOver(ledger, store.vkey, 5);
        expect(await ledger.publish(older).catch(codeOf)).toBe("RANGE_INVALID");
        const other = formatCheckpoint({ ...checkpoint, rootHash: sha256(new Uint8Array([1])) });
        expect(await ledger.publish(signNote(other, store.signer, sha256)).catch(codeOf)).toBe("RANGE_INVALID");
        const foreign = signerFromSeed(store.signer.name, generateSeed());
        await expect(ledger.publish(signNote(formatCheckpoint(checkpoint), foreign, sha256))).rejects.toThrow();

        const witness = signerFromSeed("witness.example", generateSeed());
        const note = parseNote(await ledger.checkpoint());
        const time = Buffer.alloc(8);
        time.writeBigUInt64BE(1_800_000_000n);
        const signature = Buffer.concat([time, witness.sign(cosignatureMessage(note.text, 1_800_000_000))]);
        const cosigner = {
          name: witness.name,
          keyId: keyId(witness.name, KEY_TYPES.ed25519Cosignature, witness.publicKey, sha256),
          signature,
        };
        const cosigned = formatNote({ text: note.text, signatures: [...note.signatures, cosigner] });
        await ledger.publish(cosigned);
        expect(await ledger.checkpoint()).toBe(cosigned);
      }),
    );

    test(
      "CONTRACT-10: an erasure removes the named sections, keeps leaves and proofs, and is refused without its entry",
      withLedger(async (ledger, store) => {
        await ledger.append(many(10));
        const ranges = { content: [[2, 5]] as [number, number][] };
        expect(await ledger.erase(ranges, 10).catch(codeOf)).toBe("RANGE_INVALID");
        await ledger.append([
          sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges } }, "2026-02-01T00:00:00.000Z"),
        ]);
        const before = await ledger.head();
        await ledger.erase(ranges, 10);
        expect(encodeBase64((await ledger.head()).rootHash)).toBe(encodeBase64(before.rootHash));
        const present: boolean[] = [];
        for await (const batch of ledger.read(0, 10)) for (const entry of batch) present.push(entry.disclosures.content !== undefined);
        expect(present).toEqual([true, true, false, false, false, true, true, true, true, true]);
        await checkpointOver(ledger, store.vkey, 11);
      }),
    );

    test(
      "CONTRACT-11: closing finishes what was accepted and signs it; afterwards nothing is accepted",
      withLedger(async (ledger, store) => {
        const appending = [ledger.append(many(50)), ledger.append(many(50))];
        await ledger.close();
        await Promise.all(appending);
        expect(await ledger.append(many(1)).catch(codeOf)).toBe("SHUTTING_DOWN");
        const reopened = await store.open();
        expect(parseCheckpoint(parseNote(await reopened.checkpoint()).text).treeSize).toBe(100);
        await reopened.close();
      }),
    );

    test(
      "CONTRACT-12: an append of nothing stores nothing, and pruning what is not sealed removes nothing",
      withLedger(async (ledger, store) => {
        expect(await ledger.append([])).toEqual([]);
        await ledger.append(many(3));
        await checkpointOver(ledger, store.vkey, 3);
        expect(await ledger.prune(4).catch(codeOf)).toBe("RANGE_INVALID");
        await ledger.prune(3);
        expect(await leavesOf(ledger, 0, 3)).toHaveLength(3);
      }),
    );
  });
}

async function readRefusal(ledger: Ledger, from: number, to: number): Promise<string | undefined> {
  try {
    await leavesOf(ledger, from, to);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}
