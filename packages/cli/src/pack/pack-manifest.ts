/** The manifest of an evidence pack: what is in it, who made it, and the SHA-256 of every part. Rules: PACK-1, PACK-2. */

/** The format's name and version. */
export const PACK_FORMAT = "vouchtrail-pack/1";
export const MANIFEST_FILE = "manifest.json";

/** The parts of a pack, in the order in which the manifest lists them. */
export const PACK_PARTS = {
  bundles: "bundles.ndjson",
  checkpoints: "checkpoints.ndjson",
  vkey: "vkey",
  summary: "summary.html",
} as const;

export interface PackPart {
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** Size and root of a tree that was signed. */
export interface PackCheckpoint {
  readonly treeSize: number;
  /** Standard base64. */
  readonly rootHash: string;
}

/** What was asked for. */
export interface PackQuestion {
  /** Filters by name with their values, as the search takes them; empty for all entries. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  /** Entries with an index below it were searched. */
  readonly below: number;
}

/** The manifest, every member of it. What `made` says is a claim of whoever made the pack. */
export interface PackManifest {
  readonly format: typeof PACK_FORMAT;
  readonly origin: string;
  readonly vkey: string;
  readonly made: {
    /** RFC 3339 in UTC, by the clock of the machine that made it. */
    readonly at: string;
    readonly by: string;
    /** Program and version. */
    readonly with: string;
  };
  readonly question: PackQuestion;
  readonly entries: { readonly count: number; readonly first: number; readonly last: number };
  /** The newest checkpoint when the export began, and the one under which everything is one history. */
  readonly checkpoints: { readonly first: PackCheckpoint; readonly last: PackCheckpoint };
  /** Version of the form of the summary page: the same version writes the same page from the same entries. */
  readonly page: number;
  readonly parts: readonly PackPart[];
}

/** The bytes of a manifest: there is one spelling. */
export function formatManifest(manifest: PackManifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/**
 * Reads a manifest.
 *
 * @returns Undefined for anything but what {@link formatManifest} writes: another member, order, type or spelling.
 */
export function parseManifest(text: string): PackManifest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // The caller says that it is damaged.
  }
  const manifest = readManifest(json);
  return manifest !== undefined && formatManifest(manifest) === text ? manifest : undefined;
}

function readManifest(json: unknown): PackManifest | undefined {
  if (!isObject(json) || json.format !== PACK_FORMAT) return undefined;
  const { origin, vkey, made, question, entries, checkpoints, page, parts } = json;
  if (typeof origin !== "string" || typeof vkey !== "string" || !isCount(page)) return undefined;
  if (!isObject(made) || typeof made.at !== "string" || typeof made.by !== "string" || typeof made.with !== "string") return undefined;
  if (!isObject(question) || !isFilters(question.filters) || !isCount(question.below)) return undefined;
  if (!isObject(entries) || !isCount(entries.count) || !isCount(entries.first) || !isCount(entries.last)) return undefined;
  if (!isObject(checkpoints)) return undefined;
  const first = readCheckpoint(checkpoints.first);
  const last = readCheckpoint(checkpoints.last);
  const readParts = Array.isArray(parts) ? parts.map(readPart) : [undefined];
  if (first === undefined || last === undefined || !readParts.every((part) => part !== undefined)) return undefined;
  return {
    format: PACK_FORMAT,
    origin,
    vkey,
    made: { at: made.at, by: made.by, with: made.with },
    question: { filters: question.filters, below: question.below },
    entries: { count: entries.count, first: entries.first, last: entries.last },
    checkpoints: { first, last },
    page,
    parts: readParts,
  };
}

function readCheckpoint(json: unknown): PackCheckpoint | undefined {
  if (!isObject(json) || !isCount(json.treeSize) || typeof json.rootHash !== "string") return undefined;
  return { treeSize: json.treeSize, rootHash: json.rootHash };
}

function readPart(json: unknown): PackPart | undefined {
  if (!isObject(json) || typeof json.name !== "string" || !isCount(json.bytes) || typeof json.sha256 !== "string") return undefined;
  return { name: json.name, bytes: json.bytes, sha256: json.sha256 };
}

function isFilters(value: unknown): value is Record<string, readonly string[]> {
  return isObject(value) && Object.values(value).every((one) => Array.isArray(one) && one.every((text) => typeof text === "string"));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
