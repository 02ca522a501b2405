import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { AGENT_LOG_QUERIES, DOCUMENT_AGENT } from "./agent-log-queries.ts";

const DOCUMENT = join(fileURLToPath(new URL("../..", import.meta.url)), "shared/seeds/agent-audit-logging.md");

test("the five queries are those of the document, word for word", () => {
  expect(AGENT_LOG_QUERIES).toHaveLength(5);
  expect(AGENT_LOG_QUERIES[0]?.sql).toContain(DOCUMENT_AGENT);
  if (!existsSync(DOCUMENT)) {
    console.warn("../shared is absent: the queries are not compared with the document.");
    return;
  }
  const blocks = [...readFileSync(DOCUMENT, "utf8").matchAll(/```sql\n([^`]+)\n```/g)].map(([, sql = ""]) => sql);
  expect(blocks.filter((sql) => sql.includes("FROM agent_audit_log"))).toEqual(AGENT_LOG_QUERIES.map(({ sql }) => sql));
});
