import { Pool } from "undici";
import { ADMIN_KEY } from "./admin-key.ts";
import type { Question } from "./queries.ts";

/** What one question brought. */
export interface Answer {
  /** Events, groups, spans or rows. */
  readonly rows: number;
  readonly body: ReadonlyAnswerBody;
}

/** Members of the answers that are looked at. */
export interface ReadonlyAnswerBody {
  readonly nextCursor?: string;
  readonly events?: readonly { readonly index: number; readonly event: { readonly occurredAt: string } }[];
  readonly isTruncated?: boolean;
}

/** Asks a server as a client of its API does, over kept-alive connections. */
export interface Reader {
  /** @throws When the answer is not 200, with its code. */
  ask(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

/** Rows of an SQL answer: as many as the API gives. */
const SQL_ROWS = 100_000;
/** Members of an answer that are lists of what was asked for; a statistic has two. */
const LISTS = ["events", "effects", "sources", "rows", "groups", "buckets"] as const;

export function openReader(url: string, connections: number): Reader {
  const pool = new Pool(url, { connections, pipelining: 1, bodyTimeout: 0, headersTimeout: 0 });
  return {
    async ask(question) {
      const answer = await pool.request(
        "path" in question
          ? { method: "GET", path: question.path }
          : {
              method: "POST",
              path: "/api/v1/sql",
              headers: { "content-type": "application/json", authorization: `Bearer ${ADMIN_KEY}` },
              body: JSON.stringify({ sql: question.sql, limit: SQL_ROWS }),
            },
      );
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ""}`.trim());
      const body = JSON.parse(text) as Readonly<Record<string, unknown>>;
      return { rows: countRows(body), body: body as ReadonlyAnswerBody };
    },
    close: () => pool.close(),
  };
}

function countRows(body: Readonly<Record<string, unknown>>): number {
  const lists = LISTS.map((name) => body[name]).filter((list) => Array.isArray(list));
  // One event by its id is no list.
  return lists.length === 0 ? 1 : Math.max(...lists.map((list) => list.length));
}
