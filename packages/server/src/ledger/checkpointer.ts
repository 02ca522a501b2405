import { AuditError } from "@vouchtrail/events";
import { formatCheckpoint, hashesEqual, openCheckpoint, type Signer, signNote } from "@vouchtrail/protocol";
import { verifyEd25519 } from "./ed25519.ts";
import { type FileSystem, replaceFile } from "./file-system.ts";
import type { TreeHead } from "./group-writer.ts";
import { sha256 } from "./hashing.ts";
import { CHECKPOINT_FILE } from "./layout.ts";
import type { WriteGate } from "./ledger-state.ts";
import type { RememberedCheckpoints } from "./remembered-checkpoint.ts";
import { createSizeWaiters } from "./size-waiters.ts";
import type { TileLevels } from "./tile-levels.ts";

/** The checkpoint on disk. */
export interface PublishedCheckpoint extends TreeHead {
  readonly note: string;
}

/**
 * Signs checkpoints, and puts them where others find them.
 *
 * Modes: `idle` --schedule--> `due` --interval is over, or request--> `signing` --> `idle`.
 *
 * Invariants: a checkpoint is signed only over durable entries; every full tile below it is durable before it is written; notes are written
 * one at a time, so that an older one never takes the place of a newer one. Rules: LEDGER-4, LEDGER-14.
 */
export interface Checkpointer {
  published(): PublishedCheckpoint;
  /** Signs over what is durable now, whatever state the ledger is in: for opening it, when nothing else runs. */
  sign(): Promise<void>;
  /** Signs over what is durable now. A failure ends acceptance. */
  request(): Promise<void>;
  /** Signs within the interval. */
  schedule(): void;
  /** Puts a note with more signatures in the place of the published one. @throws {AuditError} `RANGE_INVALID` unless it is over the same tree. */
  publish(note: string): Promise<void>;
  /** Resolves once a checkpoint covers that many entries; asks for one at once when they are durable. */
  waitFor(treeSize: number, signal: AbortSignal): Promise<void>;
  /** Resolves when no note is being written any more. */
  settled(): Promise<void>;
  /** Forgets the schedule and wakes up everybody who waits. */
  stop(error: AuditError): void;
}

export interface CheckpointerOptions {
  readonly directory: string;
  readonly signer: Signer;
  readonly vkey: string;
  readonly fileSystem: FileSystem;
  readonly remembered: Pick<RememberedCheckpoints, "save"> | undefined;
  /** Longest time that a durable entry stays unsigned, in milliseconds. */
  readonly intervalMs: number;
  readonly published: PublishedCheckpoint;
  readonly levels: Pick<TileLevels, "save">;
  /** The durable head. */
  readonly head: () => TreeHead;
  readonly gate: WriteGate;
  readonly onSigned: (treeSize: number) => void;
  readonly onRememberFailed: (error: unknown) => void;
}

export function createCheckpointer(options: CheckpointerOptions): Checkpointer {
  const { directory, signer, vkey, fileSystem, remembered, levels, head, gate } = options;
  const origin = signer.name;
  const waiters = createSizeWaiters();
  let published = options.published;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function sign(): Promise<void> {
    const { size, root } = head();
    await levels.save();
    const note = signNote(formatCheckpoint({ origin, treeSize: size, rootHash: root }), signer, sha256);
    // Last on purpose: a checkpoint on disk promises that every tile below it is durable.
    await replaceFile(fileSystem, `${directory}/${CHECKPOINT_FILE}`, Buffer.from(note));
    published = { size, root, note };
    await remember(note);
    waiters.reached(size);
    options.onSigned(size);
  }

  async function remember(note: string): Promise<void> {
    try {
      await remembered?.save(origin, note);
    } catch (error) {
      // The trail is whole without it; only the notice of an older copy put back is lost, and the operator is told.
      options.onRememberFailed(error);
    }
  }

  /** One at a time: otherwise an older note could take the place of a newer one. */
  function inTurn(job: () => Promise<void>): Promise<void> {
    const result = writing.then(async () => {
      gate.assertAccepting();
      await job();
    });
    writing = result.catch(() => {});
    return result;
  }

  function request(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    return inTurn(async () => {
      try {
        if (head().size > published.size) await sign();
      } catch (error) {
        gate.fail(error);
        throw error;
      }
    });
  }

  return {
    published: () => published,
    sign,
    request,
    schedule() {
      if (timer !== undefined || !gate.isOpen()) return;
      timer = setTimeout(() => {
        request().catch(() => {
          // The gate has told.
        });
      }, options.intervalMs);
    },
    publish: (note) =>
      inTurn(async () => {
        const cosigned = openCheckpoint(note, { vkey, sha256, verify: verifyEd25519 });
        if (cosigned.origin !== origin || cosigned.treeSize !== published.size || !hashesEqual(cosigned.rootHash, published.root)) {
          throw new AuditError("RANGE_INVALID", {
            message: "The note is not over the published checkpoint: it is older, newer or inconsistent.",
            detail: { treeSize: cosigned.treeSize, published: published.size },
          });
        }
        await replaceFile(fileSystem, `${directory}/${CHECKPOINT_FILE}`, Buffer.from(note));
        published = { ...published, note };
        await remember(note);
      }),
    async waitFor(treeSize, signal) {
      if (published.size >= treeSize) return;
      gate.assertAccepting();
      const waiting = waiters.wait(treeSize, signal);
      if (head().size >= treeSize) request().catch(() => {});
      await waiting;
    },
    settled: () => writing,
    stop(error) {
      clearTimeout(timer);
      waiters.rejectAll(error);
    },
  };
}
