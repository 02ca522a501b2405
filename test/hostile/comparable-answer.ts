import type { JsonObject } from "@vouchtrail/events";
import type { Answer } from "./running-server.ts";

/*
 * Answers of two ledgers that hold the same events of one tenant: what is left of an answer when everything is taken out that tells where in the
 * ledger an entry stands and what its hashes are. The public checkpoint tells those as well.
 */

/** Members that are positions in a ledger, hashes or proofs, wherever they stand in a JSON answer. */
const POSITIONS: ReadonlySet<string> = new Set([
  "index",
  "treeSize",
  "searchedTo",
  "leafHash",
  "inclusionProof",
  "checkpoint",
  "vkey",
  "requestId",
]);
/** Headers that tell positions or the moment; the length of a body that holds positions is one. */
const POSITION_HEADERS: ReadonlySet<string> = new Set(["date", "etag", "content-length"]);
/** Columns of CSV that are positions or hashes. */
const POSITION_COLUMNS: ReadonlySet<string> = new Set(["index", "leafHash"]);

const KEEP = "kept";

export interface Comparable {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/**
 * @param known Ids that both ledgers were given. Others were made by the server: entries that tell of reads.
 */
export function comparable(answer: Answer, known: ReadonlySet<string>): Comparable {
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, POSITION_HEADERS.has(name) ? KEEP : value]),
  );
  return { status: answer.status, headers, body: comparableBody(answer, known) };
}

function comparableBody({ headers, text }: Answer, known: ReadonlySet<string>): unknown {
  const type = String(headers["content-type"] ?? "");
  if (text === "") return "";
  if (type.startsWith("application/json")) return plain(JSON.parse(text), known);
  if (type.startsWith("application/x-ndjson")) {
    const lines = text.split("\n");
    return lines.map((line) => (line === "" ? "" : plain(JSON.parse(line), known)));
  }
  if (type.startsWith("text/csv")) {
    const [names = [], ...rows] = parseCsv(text.replace(/^\ufeff/, ""));
    return rows.map((row) =>
      row.map((cell, at) => {
        const name = names[at] ?? "";
        if (POSITION_COLUMNS.has(name)) return KEEP;
        return name === "id" ? plainId(cell, known) : cell;
      }),
    );
  }
  // The proof of an inclusion: index, path and checkpoint.
  if (type.startsWith("text/plain")) return text.split("\n", 1);
  throw new Error(`An answer of type ${type} cannot be compared.`);
}

function plain(value: unknown, known: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((one) => plain(one, known));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (POSITIONS.has(name) || name === "nextCursor") return [name, KEEP];
      if (name === "id" && typeof member === "string" && "action" in value) return [name, plainId(member, known)];
      if (name === "checkpoints") return [name, Object.keys(member as object)];
      if (name === "leaf") return [name, plainLeaf(JSON.parse(String(member)) as JsonObject, known)];
      if (name === "disclosures") return [name, plainDisclosures(member as Record<string, string>)];
      return [name, plain(member, known)];
    }),
  );
}

/** A leaf without digests, which are salted, and without the ranges of an erasure. */
function plainLeaf({ _sd, system, ...leaf }: JsonObject, known: ReadonlySet<string>): unknown {
  return plain({ ...leaf, digests: (_sd as unknown[] | undefined)?.length, system: Object.keys((system ?? {}) as object) }, known);
}

function plainDisclosures(disclosures: Readonly<Record<string, string>>): unknown {
  return Object.entries(disclosures).map(([name, text]) => [name, (JSON.parse(text) as unknown[]).slice(1)]);
}

function plainId(id: string, known: ReadonlySet<string>): string {
  return known.has(id) ? id : "made by the server";
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)?.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === "\r\n") rows.push([]);
  }
  return rows;
}
