import { AuditError, ERRORS, type ErrorCode, type Fault } from "@vouchtrail/events/errors";
import { REQUEST_CHARS_MAX, REQUEST_TIMEOUT_MS } from "../../limits.ts";
import type { Answer, OutgoingEvent, Transport } from "../../transport.ts";
import { OUTBOX_SILENCE_MS_MAX } from "./limits.ts";
import type { OutboxNames } from "./outbox-names.ts";

/** The slice of a `PoolClient` of pg that a relay needs. */
export interface OutboxPoolClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  release(destroy?: boolean): void;
}

export interface BatchParts {
  readonly client: OutboxPoolClient;
  readonly names: OutboxNames;
  readonly transport: Transport;
  /** Rows that are taken at most. */
  readonly batchSize: number;
  /** Gives up the request in flight. */
  readonly signal: AbortSignal;
}

/** A row that the trail does not take. */
export interface RefusedRow {
  readonly id: string;
  readonly fault: Fault;
}

export interface BatchResult {
  /** Events that are in the trail now, also those that were there already. */
  readonly sent: number;
  readonly refused: readonly RefusedRow[];
  /** Why the rest of the rows was left where it is. */
  readonly error: AuditError | undefined;
}

interface Row extends OutgoingEvent {
  readonly number: string;
}

/** Faults of a whole request that come from one of its events: the request is halved until that one is found. */
const CONTENT_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BODY_INVALID",
  "BODY_NOT_UTF8",
  "BODY_TOO_LARGE",
  "EVENTS_TOO_MANY",
  "EVENT_INVALID",
  "EVENT_TOO_DEEP",
  "EVENT_TOO_LARGE",
]);

/**
 * Takes rows, sends them and deletes what is stored, in one transaction. There is no position that could run ahead of a transaction which commits late: what is not deleted
 * is taken again.
 *
 * ```
 *  lock rows ──▶ send ──▶ delete, or move to the refused ──▶ commit
 *       │          │                    │
 *       └──────────┴── failure, kill ───┴──▶ rollback: the rows are sent again with the same ids
 * ```
 *
 * Locked rows are passed over by other relays. Errors of the database pass as they are. Rules: SDK-50, SDK-52, SDK-55, SDK-56.
 */
export async function relayBatch(parts: BatchParts): Promise<BatchResult> {
  const { client, names, batchSize } = parts;
  let isDone = false;
  // A connection that is lost during a request would end the process. The next statement fails then, and tells of it.
  const ignore = (): void => {};
  client.on("error", ignore);
  try {
    await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = ${OUTBOX_SILENCE_MS_MAX}`);
    const { rows } = await client.query(takeSql(names), [batchSize, REQUEST_CHARS_MAX]);
    const result = await settle(parts, rows as readonly Row[]);
    await client.query("COMMIT");
    isDone = true;
    return result;
  } finally {
    client.off("error", ignore);
    // Locks go with the connection: no rollback has to succeed for that.
    client.release(!isDone);
  }
}

/** As many of the oldest rows as fit into a request, but at least one. */
function takeSql({ table }: OutboxNames): string {
  return `WITH taken AS MATERIALIZED (
  SELECT number, id::text AS id, event::text AS json FROM ${table} ORDER BY number LIMIT $1 FOR UPDATE SKIP LOCKED
), summed AS (
  SELECT number, id, json, sum(length(json)) OVER (ORDER BY number) AS chars, row_number() OVER (ORDER BY number) AS place FROM taken
)
SELECT number::text AS number, id, json FROM summed WHERE place = 1 OR chars <= $2 ORDER BY summed.number`;
}

async function settle(parts: BatchParts, rows: readonly Row[]): Promise<BatchResult> {
  if (rows.length === 0) return { sent: 0, refused: [], error: undefined };
  const stored: string[] = [];
  const refused: (RefusedRow & { readonly number: string })[] = [];
  let error: AuditError | undefined;
  const take = (row: Row, answer: Answer): void => {
    if ("receipt" in answer) stored.push(row.number);
    else if (ERRORS[answer.fault.code].isRetryable) error ??= toError(answer.fault);
    else refused.push({ number: row.number, id: row.id, fault: answer.fault });
  };

  const sendable: Row[] = [];
  for (const row of rows) {
    if (isEventOf(row)) sendable.push(toLine(row));
    else take(row, { fault: { code: "EVENT_INVALID", path: "id", message: "The row holds no event with the id of the row." } });
  }
  try {
    if (sendable.length > 0) await send(parts, sendable, take);
  } catch (thrown) {
    error = thrown instanceof AuditError ? thrown : new AuditError("TRAIL_UNREACHABLE", { cause: thrown });
  }

  const { client, names } = parts;
  if (stored.length > 0) await client.query(`DELETE FROM ${names.table} WHERE number = ANY($1::text[]::bigint[])`, [stored]);
  if (refused.length > 0) {
    await client.query(refuseSql(names), [
      refused.map(({ number }) => number),
      refused.map(({ fault }) => fault.code),
      refused.map(({ fault }) => toColumn(fault.path)),
      refused.map(({ fault }) => toColumn(fault.message)),
    ]);
  }
  return { sent: stored.length, refused: refused.map(({ id, fault }) => ({ id, fault })), error };
}

function refuseSql({ table, refused }: OutboxNames): string {
  return `WITH gone AS (
  DELETE FROM ${table} WHERE number = ANY($1::text[]::bigint[]) RETURNING number, id, event, created_at
)
INSERT INTO ${refused} (number, id, event, created_at, code, path, message)
SELECT number, id, event, created_at, code, path, message
FROM gone JOIN unnest($1::text[]::bigint[], $2::text[], $3::text[], $4::text[]) AS fault (number, code, path, message) USING (number)`;
}

/** Tells of each row what the trail says. Throws when it says nothing about the rest. */
async function send(parts: BatchParts, rows: readonly Row[], take: (row: Row, answer: Answer) => void): Promise<void> {
  let answers: readonly Answer[];
  try {
    answers = await parts.transport.send(rows, AbortSignal.any([AbortSignal.timeout(REQUEST_TIMEOUT_MS), parts.signal]));
  } catch (error) {
    if (!(error instanceof AuditError) || !CONTENT_CODES.has(error.code)) throw error;
    if (rows.length > 1) {
      const middle = Math.ceil(rows.length / 2);
      await send(parts, rows.slice(0, middle), take);
      await send(parts, rows.slice(middle), take);
      return;
    }
    answers = [{ fault: { code: error.code, path: error.path ?? "", message: error.message } }];
  }
  if (answers.length !== rows.length) throw new AuditError("TRAIL_UNREACHABLE", { message: "The answer does not tell of every event." });
  rows.forEach((row, i) => {
    take(row, answers[i]!);
  });
}

/** Whoever may add rows may add any JSON. One that the trail would answer for under another id would hold up all others. */
function isEventOf({ id, json }: Row): boolean {
  try {
    const event: unknown = JSON.parse(json);
    return typeof event === "object" && event !== null && "id" in event && event.id === id;
  } catch {
    return false; // Nested more deeply than can be parsed.
  }
}

/** JSON keeps its line breaks in a column of that type; they stand between its tokens only. */
function toLine(row: Row): Row {
  return /[\r\n]/.test(row.json) ? { ...row, json: row.json.replace(/[\r\n]+/g, " ") } : row;
}

/** PostgreSQL has no NUL in a text, but a path may: it names members of the event. */
function toColumn(text: string): string {
  return text.replaceAll("\0", "");
}

function toError({ code, path, message }: Fault): AuditError {
  return new AuditError(code, { path, message });
}
