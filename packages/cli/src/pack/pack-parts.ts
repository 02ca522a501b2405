import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { decodeUtf8, ProtocolError } from "@vouchtrail/protocol";
import { CommandError } from "../command-error.ts";
import { PACK_PART_BYTES_MAX } from "../limits.ts";
import { readRecords, type SourceRecord } from "../record-source.ts";
import type { PackFindings } from "./pack-findings.ts";
import { readPart } from "./pack-folder.ts";
import { MANIFEST_FILE, PACK_PARTS, type PackManifest, type PackPart, parseManifest } from "./pack-manifest.ts";

/** Files that operating systems leave in folders which people look into. */
const LEFT_BY_SYSTEMS: ReadonlySet<string> = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

/** The files of a pack, as they are checked against its manifest. */
export interface PackParts {
  readonly manifest: PackManifest;
  /** SHA-256 of the manifest, hexadecimal. */
  readonly sha256: string;
  /** A small part as text; undefined when it is missing, too large or not UTF-8, which is then told already. */
  text(name: string): Promise<string | undefined>;
  /** Lines of a large part, with memory for one. That the file is the one of the manifest is told after the last. */
  records(name: string): AsyncGenerator<SourceRecord>;
}

/**
 * Looks at the folder of a pack: the manifest, the five files and nothing else. Rules: PACK-1, PACK-2.
 *
 * @returns Undefined when there is no manifest that can be read: then nothing else means anything.
 * @throws {CommandError} When the folder cannot be read.
 */
export async function openParts(folder: string, findings: PackFindings): Promise<PackParts | undefined> {
  const there = await checkNames(folder, findings);
  if (!there.has(MANIFEST_FILE)) return undefined;
  const { text, sha256 } = await readSmall(folder, MANIFEST_FILE, findings);
  const manifest = text === undefined ? undefined : parseManifest(text);
  if (manifest === undefined) {
    findings.alarm("MANIFEST_DAMAGED", "The manifest is not one that this version of the format has.", { file: MANIFEST_FILE });
    return undefined;
  }
  if (manifest.parts.map(({ name }) => name).join() !== Object.values(PACK_PARTS).join()) {
    findings.alarm("MANIFEST_DIFFERS", "The manifest does not list the parts of a pack, each once and in their order.", {
      file: MANIFEST_FILE,
    });
  }
  const parts = new Map(manifest.parts.map((part) => [part.name, part]));

  return {
    manifest,
    sha256,
    async text(name) {
      if (!there.has(name)) return undefined;
      const small = await readSmall(folder, name, findings);
      compare(parts.get(name), { name, ...small }, findings);
      return small.text;
    },
    async *records(name) {
      if (!there.has(name)) return;
      const hash = createHash("sha256");
      let bytes = 0;
      async function* chunks(): AsyncGenerator<Buffer> {
        for await (const chunk of createReadStream(join(folder, name)) as AsyncIterable<Buffer>) {
          hash.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      }
      yield* readRecords(chunks(), "lines");
      compare(parts.get(name), { name, bytes, sha256: hash.digest("hex") }, findings);
    },
  };
}

/** Every part is a plain file, and there is nothing else. Returns the names that can be read. */
async function checkNames(folder: string, findings: PackFindings): Promise<ReadonlySet<string>> {
  const known: readonly string[] = [MANIFEST_FILE, ...Object.values(PACK_PARTS)];
  const readable = new Set<string>();
  const names = await reading(folder, () => readdir(folder));
  for (const name of names.sort()) {
    const found: Stats = await reading(join(folder, name), () => lstat(join(folder, name)));
    if (known.includes(name) && found.isFile()) readable.add(name);
    else if (known.includes(name)) findings.alarm("STRANGE_FILE", "A part of the pack is not a plain file.", { file: name });
    else if (LEFT_BY_SYSTEMS.has(name))
      findings.note("SYSTEM_FILE", "An operating system left this file here; it is no part of the pack.", { file: name });
    else findings.alarm("STRANGE_FILE", "This file is no part of the pack, and nothing in the pack speaks for it.", { file: name });
  }
  for (const name of known) {
    if (!names.includes(name)) findings.alarm("PART_MISSING", `The part ${name} is missing.`, { file: name });
  }
  return readable;
}

async function readSmall(
  folder: string,
  name: string,
  findings: PackFindings,
): Promise<{ text: string | undefined; bytes: number; sha256: string }> {
  const path = join(folder, name);
  const { size } = await reading(path, () => lstat(path));
  if (size > PACK_PART_BYTES_MAX) {
    findings.alarm("PART_DIFFERS", `The part ${name} is larger than any that is written.`, { file: name });
    return { text: undefined, bytes: size, sha256: "" };
  }
  const { bytes, sha256 } = await reading(path, () => readPart(folder, name));
  try {
    return { text: decodeUtf8(bytes), bytes: bytes.length, sha256 };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    // What is not UTF-8 does not have the hash either; the hash says it.
    return { text: undefined, bytes: bytes.length, sha256 };
  }
}

function compare(listed: PackPart | undefined, { name, bytes, sha256 }: PackPart, findings: PackFindings): void {
  if (listed?.bytes === bytes && listed.sha256 === sha256) return;
  findings.alarm("PART_DIFFERS", `The part ${name} is not the one that the manifest lists: length or SHA-256 differ.`, { file: name });
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new CommandError(`${path} cannot be read. Check owner and permissions.`, { cause });
  }
}
