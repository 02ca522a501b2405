import type { EventFilter, SourceView } from "@vouchtrail/events";
import { filterSql } from "./filter-sql.ts";
import { SOURCE_GAPS_MAX } from "./limits.ts";
import type { FoundSources, SourcesQuestion } from "./search-engine.ts";
import type { RunStatement, Statement } from "./statement.ts";

/** Sequence numbers are kept as bits, this many in a block: gaps are found without sorting every number, and one that came twice counts once. */
const BLOCK_BITS = 32;
/** Filters that are about the source as a whole, not about one of its entries. */
const SOURCE_FILTERS: readonly string[] = ["tenant", "source"];

/**
 * Every source, the ones seen last first: tenant, name, instance, entries, first, last, missing, last seen, number of sources; then its newest blocks
 * that have gaps, one a row: lowest and highest number, bits, and the highest number of the block before. A source without gaps is one row.
 *
 * The filter chooses sources: those with an entry that matches. What is missing of them is told from all their entries, else everything that
 * does not match would look lost.
 */
export function sourcesSql({ filter, tenant, limit }: SourcesQuestion): Statement {
  const { where, values } = filterSql(filter, { tenant });
  const isAboutSources = looksAtSourcesOnly(filter);
  return {
    sql: `WITH wanted AS (
  SELECT DISTINCT tenant, source_name, source_instance FROM entries WHERE source_name IS NOT NULL AND ${where}
), blocks AS MATERIALIZED (
  SELECT tenant, source_name, source_instance, source_sequence // ${BLOCK_BITS} AS block, count(*) AS entries, max(received_at) AS seen,
    min(source_sequence) AS low, max(source_sequence) AS high, bit_or(1::BIGINT << (source_sequence % ${BLOCK_BITS})) AS bits
  FROM entries ${isAboutSources ? `WHERE source_name IS NOT NULL AND ${where}` : "SEMI JOIN wanted USING (tenant, source_name, source_instance)"}
  GROUP BY tenant, source_name, source_instance, block
), sources AS MATERIALIZED (
  SELECT tenant, source_name, source_instance, sum(entries) AS entries, min(low) AS low, max(high) AS high,
    max(high) - min(low) + 1 - sum(bit_count(bits)) AS missing, max(seen) AS seen
  FROM blocks GROUP BY tenant, source_name, source_instance
), page AS (
  SELECT * FROM sources ORDER BY seen DESC, tenant, source_name, source_instance LIMIT $${values.length + 1}::BIGINT
), torn AS (
  SELECT * FROM (
    SELECT tenant, source_name, source_instance, low, high, bits,
      lag(high) OVER (PARTITION BY tenant, source_name, source_instance ORDER BY block) AS before
    FROM blocks SEMI JOIN (SELECT * FROM page WHERE missing > 0) USING (tenant, source_name, source_instance)
  )
  WHERE high - low + 1 > bit_count(bits) OR low > before + 1
  QUALIFY row_number() OVER (PARTITION BY tenant, source_name, source_instance ORDER BY high DESC) <= ${SOURCE_GAPS_MAX}
)
SELECT p.tenant, p.source_name, p.source_instance, p.entries, p.low, p.high, p.missing,
  strftime(make_timestamp(epoch_us(p.seen)), '%Y-%m-%dT%H:%M:%S.%gZ'), (SELECT count(*) FROM sources), t.low, t.high, t.bits, t.before
FROM page p LEFT JOIN torn t USING (tenant, source_name, source_instance)
ORDER BY p.seen DESC, p.tenant, p.source_name, p.source_instance, t.high DESC`,
    values: [...values, BigInt(limit)],
  };
}

export async function answerSources(question: SourcesQuestion, run: RunStatement): Promise<Omit<FoundSources, "searchedTo">> {
  const rows = await run(sourcesSql(question));
  const sources: (SourceView & { readonly gaps: (readonly [number, number])[] })[] = [];
  for (const row of rows) {
    const [tenant, name, instance, entries, first, last, missing, lastSeen] = row;
    let source = sources.at(-1);
    if (source === undefined || source.tenant !== tenant || source.name !== name || source.instance !== instance) {
      source = {
        tenant: String(tenant),
        name: String(name),
        instance: String(instance),
        entries: Number(entries),
        firstSequence: Number(first),
        lastSequence: Number(last),
        missing: Number(missing),
        gaps: [],
        lastSeen: String(lastSeen),
      };
      sources.push(source);
    }
    for (const gap of gapsOf(row.slice(9))) if (source.gaps.length < SOURCE_GAPS_MAX) source.gaps.push(gap);
  }
  return { sources, sourceCount: Number(rows[0]?.[8] ?? 0) };
}

function looksAtSourcesOnly({ conditions, from, to, receivedFrom, receivedTo }: EventFilter): boolean {
  const hasTimes = [from, to, receivedFrom, receivedTo].some((time) => time !== undefined);
  return !hasTimes && conditions.every(({ name }) => SOURCE_FILTERS.includes(name));
}

/** The gaps within a block and between it and the block before, the newest first. */
function gapsOf([low, high, bits, before]: readonly unknown[]): (readonly [number, number])[] {
  if (low === null || low === undefined) return [];
  const gaps: (readonly [number, number])[] = [];
  const lowest = Number(low);
  let above = Number(high);
  for (let sequence = above - 1; sequence >= lowest; sequence--) {
    if (((Number(bits) / 2 ** (sequence % BLOCK_BITS)) & 1) === 0) continue;
    if (above - sequence > 1) gaps.push([sequence + 1, above - 1]);
    above = sequence;
  }
  if (before !== null && lowest - Number(before) > 1) gaps.push([Number(before) + 1, lowest - 1]);
  return gaps;
}
