import { createHash } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DEFINITIONS_BYTES_MAX } from "./limits.ts";
import { isObject } from "./message.ts";

/**
 * Remembers the digests of a server's tools between runs, by the name of the server: one small file for each.
 *
 * *Untrusted*: without it every definition counts as seen for the first time, and whoever changes it can hide a change on this machine. What was seen before stands in the trail.
 */
export interface DefinitionMemory {
  /** Digests by tool, or undefined when this server was never seen, or what is kept cannot be read. */
  load(serverName: string): Promise<ReadonlyMap<string, string> | undefined>;
  /** Resolves with whether it is remembered now. */
  save(serverName: string, digests: ReadonlyMap<string, string>): Promise<boolean>;
}

/** @param folder The state folder of the user; made with mode 0700 when it is not there. The files have mode 0600 and are replaced in one step. */
export function openDefinitionMemory(folder: string): DefinitionMemory {
  const pathOf = (serverName: string): string =>
    join(folder, "mcp-proxy", "definitions", `${createHash("sha256").update(serverName).digest("hex").slice(0, 32)}.json`);
  let number = 0;
  return {
    async load(serverName) {
      try {
        return digestsOf(JSON.parse(await readBounded(pathOf(serverName))));
      } catch {
        return undefined; // Nothing remembered, or nothing that can be read: both mean the same here.
      }
    },
    async save(serverName, digests) {
      const path = pathOf(serverName);
      number += 1;
      const temporary = `${path}.${process.pid}-${number}.tmp`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const handle = await open(temporary, "wx", 0o600);
        try {
          await handle.writeFile(`${JSON.stringify({ version: 1, server: serverName, tools: [...digests] })}\n`);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, path);
        return true;
      } catch {
        await rm(temporary, { force: true }).catch(() => {}); // That it is not remembered is what is told.
        return false;
      }
    },
  };
}

async function readBounded(path: string): Promise<string> {
  if ((await stat(path)).size > DEFINITIONS_BYTES_MAX) throw new RangeError("The file is larger than one that was written here.");
  const handle = await open(path, "r");
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function digestsOf(value: unknown): ReadonlyMap<string, string> | undefined {
  if (!isObject(value) || value.version !== 1 || !Array.isArray(value.tools)) return undefined;
  const tools: readonly unknown[] = value.tools;
  if (!tools.every(isPair)) return undefined;
  return new Map(tools);
}

function isPair(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === "string");
}
