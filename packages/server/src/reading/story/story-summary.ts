import type { JsonObject, SearchHit, SessionSummary } from "@vouchtrail/events";
import type { StoryNode } from "./assemble-story.ts";
import { endingOf, type Fold } from "./deed-fold.ts";
import { SUMMARY_NAMES_MAX } from "./limits.ts";
import { objectAt, textOf, toldEntry } from "./told-entry.ts";

type Summary = Omit<SessionSummary, "verdict" | "holeCount">;
const AMOUNTS = ["tokensInput", "tokensOutput", "tokensCacheRead", "tokensCacheWrite", "costUsd"] as const;

/** What the head of a story says: each deed counts once, with the largest amounts that any of its entries names. Rule: SESSION-9. */
export function summaryOf(id: string, hits: readonly SearchHit[], nodes: readonly StoryNode[]): Summary {
  const told = hits.map(toldEntry);
  const [one] = told;
  if (one === undefined) throw new Error("A story has an entry.");
  const first = told.reduce((left, right) => (right.micros < left.micros ? right : left), one);
  const last = told.reduce((left, right) => (right.micros > left.micros ? right : left), one);
  const folds = nodes.flatMap(({ fold }) => fold ?? []);
  const calls = folds.filter(({ kind }) => kind === "call");
  const actors = told.map(({ hit }) => objectAt(hit.event, "actor"));
  const idsOf = (type: string): string[] => named(actors.filter((actor) => actor?.type === type).map((actor) => textOf(actor?.id)));
  const count = (status: string): number => folds.filter((fold) => endingOf(fold)?.status === status).length;
  return {
    tenant: textOf(one.hit.event.tenant) ?? "default",
    id,
    agents: idsOf("agent"),
    users: idsOf("user"),
    models: named(told.map(({ hit }) => textOf(objectAt(hit.event, "usage")?.model))),
    startedAt: first.occurredAt,
    lastAt: last.occurredAt,
    durationMs: Number(last.micros - first.micros) / 1_000,
    entries: hits.length,
    // A subagent is prompted by the agent that started it.
    prompts: folds.filter(({ kind, subagent }) => kind === "prompt" && subagent === undefined).length,
    toolCalls: calls.length,
    failures: count("failure"),
    denials: count("denied"),
    ...amountsOf(folds),
    vantagePoints: [...new Set(told.map(({ via }) => via))].sort(),
  };
}

function amountsOf(folds: readonly Fold[]): Record<(typeof AMOUNTS)[number], number> {
  const sums = { tokensInput: 0, tokensOutput: 0, tokensCacheRead: 0, tokensCacheWrite: 0, costUsd: 0 };
  for (const { entries } of folds) {
    const usages = entries.map(({ hit }) => objectAt(hit.event, "usage"));
    for (const name of AMOUNTS) sums[name] += Math.max(0, ...usages.map((usage) => amountAt(usage, name)));
  }
  return sums;
}

function amountAt(usage: JsonObject | undefined, name: string): number {
  const amount = usage?.[name];
  return typeof amount === "number" ? amount : 0;
}

function named(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined))].slice(0, SUMMARY_NAMES_MAX);
}
