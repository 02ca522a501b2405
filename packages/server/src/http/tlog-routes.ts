import { AuditError } from "@vouchtrail/events";
import { encodeBundle, parseCheckpoint, parseNote, parseTilePath, type TileName } from "@vouchtrail/protocol";
import type { FastifyInstance } from "fastify";
import type { FileLedger } from "../ledger/file-ledger.ts";
import type { Guard } from "./guard.ts";
import type { Reads } from "./reads.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

export interface TlogRouteDeps {
  readonly guard: Guard;
  readonly ledger: FileLedger;
  readonly name: string;
  readonly reads?: Reads;
}

/** The monitoring interface of C2SP tlog-tiles for one ledger, and its verifier key. */
export function addTlogRoutes(app: FastifyInstance, { guard, ledger, name, reads }: TlogRouteDeps): void {
  app.get(`/tlog/${name}/checkpoint`, async (_request, reply) =>
    reply
      .type("text/plain; charset=utf-8")
      .header("cache-control", "no-cache")
      .send(await ledger.checkpoint()),
  );

  app.get(`/tlog/${name}/vkey`, async (_request, reply) => reply.type("text/plain; charset=utf-8").send(`${ledger.vkey}\n`));

  app.get(`/tlog/${name}/tile/*`, async (request, reply) => {
    const { level, n, width } = tileName(tilePathOf(request.raw.url ?? ""));
    if (level !== "entries") {
      const tile = await ledger.tile(level, n, width);
      return reply.type("application/octet-stream").header("cache-control", IMMUTABLE).send(Buffer.from(tile));
    }
    // Leaves of all tenants.
    const principal = await guard.authorize(request, "read");
    if (principal.tenant !== undefined)
      throw new AuditError("SCOPE_MISSING", { message: "Entry bundles hold all tenants; this needs a key without a tenant." });
    const from = n * 256;
    const { treeSize } = parseCheckpoint(parseNote(await ledger.checkpoint()).text);
    if (from + width > treeSize) throw new AuditError("TILE_UNKNOWN");
    // Whoever copies a ledger walks from bundle to bundle: which one it is is a place, not another question.
    await reads?.note(principal, { route: `GET /tlog/${name}/tile/entries`, parameters: [] });
    const leaves: Uint8Array[] = [];
    for await (const batch of ledger.read(from, from + width)) for (const entry of batch) leaves.push(Buffer.from(entry.leaf));
    return reply
      .type("application/octet-stream")
      .header("cache-control", "private, max-age=31536000, immutable")
      .send(Buffer.from(encodeBundle(leaves)));
  });
}

/** As it was sent, not decoded: one tile has one name, or caches would keep it twice. */
function tilePathOf(url: string): string {
  const path = url.split("?", 1)[0] ?? "";
  return path.slice(path.indexOf("/tile/") + 1);
}

function tileName(path: string): TileName {
  try {
    return parseTilePath(path);
  } catch (cause) {
    throw new AuditError("TILE_UNKNOWN", { cause });
  }
}
