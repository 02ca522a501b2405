import { AuditError } from "@vouchtrail/events";
import {
  type AuthenticatedTiles,
  bundlePath,
  createAuthenticatedTiles,
  decodeBundle,
  encodeBase64,
  ProtocolError,
  parseLeafFrame,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from "@vouchtrail/protocol";
import { sha256 } from "../ledger/hashing.ts";
import { createSystemRecords, type SystemRecords } from "./erasure-cover.ts";
import { ANSWER_BYTES_MAX, FETCHES_AHEAD, REQUEST_MS_MAX } from "./limits.ts";
import { openTrust, reasonOf, type SignedCheckpoint } from "./trust.ts";
import { summarize } from "./verdict.ts";
import { createFindings, type Findings, type VerifyProgress, type VerifyReport } from "./verify-report.ts";

export interface VerifyServerOptions {
  /** Where the server is: `http://127.0.0.1:7431`. Its ledger is read below `/tlog/main/`. */
  readonly url: string;
  /** A verifier key that came from elsewhere. */
  readonly vkey?: string;
  /** A signed checkpoint that was kept elsewhere. */
  readonly rememberedNote?: string;
  /** The origin that was last seen at this place. */
  readonly rememberedOrigin?: string;
  /** Needs the right to read the leaves of all tenants; without it only hashes are checked. */
  readonly apiKey?: string;
  readonly fetch?: typeof fetch;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

type Get = (path: string) => Promise<Answer>;

/**
 * Verifies a running server over its C2SP monitoring interface, as any other client of such a log could: checkpoint, every tile
 * authenticated against it, every leaf of every entry bundle hashed, and the remembered checkpoint inside the same tree. The erasable sections
 * are not served there, so they are not checked. Rule: VERDICT-10.
 *
 * @throws {AuditError} `NOT_FOUND` (no log there), `KEY_INVALID`, `INTERNAL` (the server cannot be reached or fails).
 * @throws {ProtocolError} `VKEY_INVALID` (the pinned key).
 */
export async function verifyServer(options: VerifyServerOptions): Promise<VerifyReport> {
  const { onProgress, signal } = options;
  const findings = createFindings();
  const get = createGet(options);
  const checkpointFile = await get("checkpoint");
  const vkeyFile = await get("vkey");
  if (checkpointFile.status !== 200) {
    throw new AuditError("NOT_FOUND", {
      message: `${options.url} serves no ledger: /tlog/main/checkpoint answers ${checkpointFile.status}.`,
    });
  }
  const trust = openTrust(
    {
      vkeyFile: vkeyFile.status === 200 ? vkeyFile.bytes : undefined,
      checkpointFile: checkpointFile.bytes,
      pinnedVkey: options.vkey,
      rememberedNote: options.rememberedNote,
      rememberedOrigin: options.rememberedOrigin,
    },
    findings,
  );
  const { checkpoint, remembered } = trust;
  const outcome = { trust, findings, erasedSections: 0 };
  if (checkpoint === undefined) return summarize({ ...outcome, treeSize: 0, rootHash: "", signedSize: 0, entries: 0 });

  const { treeSize, rootHash } = checkpoint;
  const tiles = createAuthenticatedTiles({ treeSize, rootHash, sha256, readTile: (level, n, width) => readTile(get, level, n, width) });
  const system = createSystemRecords(findings);
  const entries = await checkEntries({ get, tiles, treeSize, findings, system, onProgress, signal });
  await compareRemembered(tiles, treeSize, remembered, findings);
  findings.note(
    "SECTIONS_NOT_CHECKED",
    "A server gives out leaves, not their erasable sections: whether those are complete shows only in the ledger folder.",
  );
  return summarize({ ...outcome, treeSize, rootHash: encodeBase64(rootHash), signedSize: treeSize, entries });
}

interface EntriesToCheck {
  readonly get: Get;
  readonly tiles: AuthenticatedTiles;
  readonly treeSize: number;
  readonly findings: Findings;
  readonly system: SystemRecords;
  readonly onProgress: ((progress: VerifyProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Hashes the leaves of every bundle, or, where they are not to be had, authenticates every tile. Resolves with how many leaves were hashed. */
async function checkEntries({ get, tiles, treeSize, findings, system, onProgress, signal }: EntriesToCheck): Promise<number> {
  const bundles = Math.ceil(treeSize / TILE_WIDTH);
  let entries = 0;
  let isRefused = false;
  let prunedEnd = 0;
  const ahead: Promise<Answer | Error>[] = [];
  let asked = 0;
  const ask = (): void => {
    const width = tileWidth(0, asked, treeSize);
    // Caught at once: an answer that is waited for later must not reject meanwhile.
    ahead.push(isRefused ? Promise.resolve({ status: 403, bytes: new Uint8Array(0) }) : get(bundlePath(asked, width)).catch(toError));
    asked += 1;
  };
  for (let n = 0; n < bundles; n++) {
    signal?.throwIfAborted();
    while (asked < bundles && ahead.length < FETCHES_AHEAD) ask();
    const answer = await ahead.shift()!;
    if (answer instanceof Error) throw answer;
    const first = n * TILE_WIDTH;
    try {
      if (answer.status === 200) {
        const leaves = decodeBundle(answer.bytes);
        await tiles.authenticateBundle(n, leaves);
        leaves.forEach((leaf, i) => {
          readLeaf(leaf, first + i, system, findings);
        });
        entries += leaves.length;
      } else {
        await tiles.leafHash(first); // Also without its leaves a tile must belong to the signed tree.
        if (answer.status === 401 || answer.status === 403) isRefused = true;
        else if (prunedEnd === first && (answer.status === 404 || answer.status === 410))
          prunedEnd = Math.min(first + TILE_WIDTH, treeSize);
        else
          findings.alarm("ENTRIES_MISSING", `The server does not give out the entries from ${first} on (status ${answer.status}).`, {
            index: first,
          });
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const index = typeof error.detail.index === "number" ? error.detail.index : first;
      const what = error.code === "ENTRY_BUNDLE_INVALID" ? "are not the entries that were signed" : "cannot be proven";
      findings.alarm(error.code, `The entries from ${index} on ${what}. ${reasonOf(error)}`, { index });
      return entries;
    }
    onProgress?.({ doneEntries: Math.min(first + TILE_WIDTH, treeSize), totalEntries: treeSize });
  }
  if (isRefused)
    findings.note("LEAVES_NOT_CHECKED", "The server does not give the entries to this key; only the tree of their hashes was checked.");
  else if (prunedEnd > system.prunedTo(treeSize)) {
    findings.alarm(
      "ENTRIES_MISSING",
      `The server does not give out the entries 0 to ${prunedEnd - 1}, and no entry says that they were pruned.`,
      { index: 0 },
    );
  }
  return entries;
}

function readLeaf(leaf: Uint8Array, index: number, system: SystemRecords, findings: Findings): void {
  try {
    if (parseLeafFrame(leaf).sections.length === 0) system.add(index, Buffer.from(leaf).toString("utf8"));
  } catch (error) {
    findings.alarm("ENTRY_INVALID", `Entry ${index}: its leaf cannot be read. ${reasonOf(error)}`, { index });
  }
}

async function compareRemembered(
  tiles: AuthenticatedTiles,
  treeSize: number,
  remembered: SignedCheckpoint | undefined,
  findings: Findings,
): Promise<void> {
  if (remembered === undefined) return;
  if (remembered.treeSize > treeSize) {
    const gone = `Entries ${treeSize} to ${remembered.treeSize - 1}, which were signed before, are gone.`;
    findings.alarm("SHORTER_THAN_REMEMBERED", gone, { index: treeSize });
    return;
  }
  try {
    if (encodeBase64(await tiles.rootHashAt(remembered.treeSize)) === encodeBase64(remembered.rootHash)) return;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    findings.alarm(error.code, `The tree up to the remembered checkpoint cannot be proven. ${reasonOf(error)}`);
    return;
  }
  findings.alarm(
    "DIFFERS_FROM_REMEMBERED",
    `The first ${remembered.treeSize} entries are not the ones that were signed before: at least one was changed, removed, added or moved.`,
  );
}

async function readTile(get: Get, level: number, n: number, width: number): Promise<Uint8Array> {
  const { status, bytes } = await get(tilePath(level, n, width));
  if (status === 200) return bytes;
  // A log may drop a partial tile once the full one is there (C2SP tlog-tiles).
  const full = width < TILE_WIDTH ? await get(tilePath(level, n)) : undefined;
  if (full?.status === 200) return full.bytes.subarray(0, width * 32);
  throw new ProtocolError("TILE_INVALID", { reason: `the server does not give it out (status ${status})`, level, n });
}

function createGet({ url, apiKey, fetch: request = fetch, signal }: VerifyServerOptions): Get {
  const base = `${url.replace(/\/+$/, "")}/tlog/main/`;
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  return async (path) => {
    const timeout = AbortSignal.timeout(REQUEST_MS_MAX);
    let status: number;
    let bytes: Uint8Array;
    try {
      const response = await request(base + path, { headers, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
      status = response.status;
      bytes = await readBounded(response);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof AuditError) throw error;
      throw new AuditError("INTERNAL", { message: `${base}${path} cannot be reached. Is the server running?`, cause: error });
    }
    const isEntries = path.startsWith("tile/entries/");
    if (status === 401 && !isEntries) throw new AuditError("KEY_INVALID");
    if (status >= 500 || status === 429)
      throw new AuditError("INTERNAL", { message: `${base}${path} answers ${status}. Try again later.` });
    return { status, bytes };
  };
}

/** A server that is checked is not trusted to stop sending. */
async function readBounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts);
    bytes += value.length;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw new AuditError("INTERNAL", { message: `The server's answer is longer than ${ANSWER_BYTES_MAX} bytes.` });
    }
    parts.push(value);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
