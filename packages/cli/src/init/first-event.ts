import { setTimeout as delay } from "node:timers/promises";
import { AuditError, type EntryView } from "@vouchtrail/events";
import type { Client } from "../client.ts";
import { UnreachableError } from "../command-error.ts";
import { loadServer } from "../load-server.ts";
import { textAt } from "../text-at.ts";
import { FIRST_PROOF_MS_MAX, FIRST_PROOF_POLL_MS } from "./limits.ts";

/** The first event that came by a hook, or why there is none. */
export type FirstEvent =
  | { readonly kind: "event"; readonly view: EntryView }
  | { readonly kind: "timeout" | "interrupted" | "disconnected" };

/**
 * Waits for the next entry that comes by a hook.
 *
 * @param onConnected Told once everything that comes from now on will be seen.
 * @param stop Aborts when somebody has seen enough.
 * @throws {AuditError} What the server says to it, such as that a key is needed.
 */
export async function waitForHook(
  client: Pick<Client, "tail">,
  waitMs: number,
  onConnected: () => void,
  stop: AbortSignal,
): Promise<FirstEvent> {
  const deadline = AbortSignal.timeout(waitMs);
  const signal = AbortSignal.any([deadline, stop]);
  try {
    for await (const { data } of client.tail(new URLSearchParams({ via: "hook" }), signal)) {
      // The first word of the server only says where the tail begins.
      if (data === "") onConnected();
      else return { kind: "event", view: JSON.parse(data) as EntryView };
    }
  } catch (error) {
    if (stop.aborted) return { kind: "interrupted" };
    if (deadline.aborted) return { kind: "timeout" };
    // A refusal is worth telling; a connection that breaks is told as what it is.
    if (error instanceof AuditError) throw error;
  }
  return { kind: stop.aborted ? "interrupted" : deadline.aborted ? "timeout" : "disconnected" };
}

/** What became of the proof of an entry. */
export interface FirstProof {
  readonly isProven: boolean;
  /** One sentence. */
  readonly summary: string;
}

/** Waits until a checkpoint covers an entry, and checks its evidence here, with the key that the server names. */
export async function proveEntry(client: Pick<Client, "bundle" | "vkey">, view: EntryView, stop: AbortSignal): Promise<FirstProof> {
  const id = textAt(view.event, "id") ?? "";
  const tenant = textAt(view.event, "tenant");
  const deadline = AbortSignal.any([AbortSignal.timeout(FIRST_PROOF_MS_MAX), stop]);
  while (!deadline.aborted) {
    try {
      const bundle = await client.bundle(id, tenant);
      const { verifyBundleFile } = await loadServer();
      const { verdict, entries, summary } = await verifyBundleFile(JSON.stringify(bundle), { vkey: await client.vkey() });
      return { isProven: verdict !== "damaged" && entries === 1, summary };
    } catch (error) {
      if (!(error instanceof AuditError) && !(error instanceof UnreachableError)) throw error;
    }
    // No checkpoint covers it yet.
    await delay(FIRST_PROOF_POLL_MS, undefined, { signal: deadline }).catch(() => {}); // The loop looks whether it is over.
  }
  return { isProven: false, summary: `No checkpoint covered it in time. Ask later: vouchtrail proof ${id}` };
}
