import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type AuditEvent, DEFAULT_PRIVACY_POLICY, type EntryView, type JsonObject, joinEvent, type Received } from "@vouchtrail/events";
import { type SealedEntry, sealEvent } from "@vouchtrail/server";
import { appendRows } from "../../packages/server/src/followers/search/append-rows.ts";
import { type Row, tableDefinition } from "../../packages/server/src/followers/search/columns.ts";
import { COUNTED_AT, DEED_KEY_AT, type IndexEntry, toRow } from "../../packages/server/src/followers/search/row.ts";
import type { RunStatement } from "../../packages/server/src/followers/search/statement.ts";
import { viewsSql } from "../../packages/server/src/followers/search/views.ts";

/** An entry as the search index gets it, and as people read it. */
export interface ReadEntry extends Pick<EntryView, "event" | "received"> {
  readonly indexed: IndexEntry;
  readonly texts: { readonly personal?: string | undefined; readonly content?: string | undefined };
}

/** Reads a sealed entry back, without the sections that were erased. */
export function readEntry(
  sealed: Pick<SealedEntry, "leaf" | "disclosures">,
  index: number,
  erased: readonly ("personal" | "content")[] = [],
): ReadEntry {
  const leaf = JSON.parse(sealed.leaf) as JsonObject & { received: JsonObject };
  const disclosures: { personal?: string; content?: string } = {};
  const sections: { personal?: JsonObject; content?: JsonObject } = {};
  const texts: { personal?: string; content?: string } = {};
  for (const name of ["personal", "content"] as const) {
    const disclosure = sealed.disclosures[name];
    if (disclosure === undefined || erased.includes(name)) continue;
    disclosures[name] = disclosure;
    sections[name] = (JSON.parse(disclosure) as [string, string, JsonObject])[2];
    texts[name] = disclosure.slice(disclosure.indexOf("{"), -1);
  }
  return { event: joinEvent(leaf, sections), received: leaf.received, texts, indexed: { index, leaf: sealed.leaf, ...disclosures } };
}

/** An event with what every event has; ids count up. */
export function eventOf(number: number, members: Readonly<Record<string, unknown>>): AuditEvent {
  return {
    id: `0197a0f0-0000-7000-8000-${number.toString(16).padStart(12, "0")}`,
    tenant: "acme",
    occurredAt: "2026-01-31T12:00:00.000Z",
    action: "ai.tool_call",
    actor: { type: "agent", id: "agent-1" },
    target: { type: "tool", id: "Bash" },
    outcome: { status: "success" },
    ...members,
  } as AuditEvent;
}

export const RECEIVED: Received = { at: "2026-01-31T12:00:01.000Z", via: "http" };

/** Entries of these events, in order. */
export function entriesOf(events: readonly Readonly<Record<string, unknown>>[], received: Received = RECEIVED): ReadEntry[] {
  return events.map((members, index) => readEntry(sealEvent(eventOf(index, members), received, DEFAULT_PRIVACY_POLICY), index));
}

export interface IndexRows extends AsyncDisposable {
  readonly connection: DuckDBConnection;
  readonly run: RunStatement;
  /** Replaces what is there: the entries stand in tables of their own, `rowsMax` in each, as in the files and in memory. */
  fill(entries: readonly ReadEntry[], rowsMax?: number): Promise<void>;
}

/** The views of the search index over tables in memory, settings as the engine makes them. */
export async function openIndexRows(): Promise<IndexRows> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2", memory_limit: "1GB" });
  const connection = await instance.connect();
  for (const setting of ["timezone = 'UTC'", "temp_directory = ''", "enable_external_access = false", "lock_configuration = true"])
    await connection.run(`SET ${setting}`);
  for (const sql of viewsSql([])) await connection.run(sql);
  let tables: string[] = [];
  return {
    connection,
    run: async ({ sql, values }) => (await connection.runAndReadAll(sql, [...values])).getRowsJS(),
    async fill(entries, rowsMax = 1_000_000) {
      for (const sql of viewsSql([])) await connection.run(sql);
      for (const table of tables) await connection.run(`DROP TABLE ${table}`);
      tables = [];
      const rows = countFirst(entries.map(({ indexed }) => toRow(indexed)));
      for (let start = 0; start < rows.length; start += rowsMax) {
        const name = `part_${tables.length}`;
        await connection.run(tableDefinition(`memory.main.${name}`));
        await appendRows(connection, name, rows.slice(start, start + rowsMax));
        tables.push(`memory.main.${name}`);
      }
      for (const sql of viewsSql(tables)) await connection.run(sql);
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Of each deed the first row that could count does. */
function countFirst(rows: readonly Row[]): Row[] {
  const seen = new Set<unknown>();
  return rows.map((row) => {
    const key = row[DEED_KEY_AT];
    if (row[COUNTED_AT] !== true || key === null) return row;
    const isFirst = !seen.has(key);
    seen.add(key);
    return isFirst ? row : [...row.slice(0, COUNTED_AT), false];
  });
}
