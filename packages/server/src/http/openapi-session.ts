import type { JsonObject } from "@vouchtrail/events";

const text = { type: "string" };
const texts = { type: "array", items: text };
const time = { type: "string", format: "date-time" };
const count = { type: "integer", minimum: 0 };
const amount = { type: "number", minimum: 0 };

/** What is told of a session wherever one is told of: members of lists and of stories. */
export const SESSION_MEMBERS: JsonObject = {
  tenant: text,
  id: text,
  agents: texts,
  users: texts,
  models: texts,
  startedAt: time,
  lastAt: time,
  durationMs: amount,
  entries: count,
  prompts: count,
  toolCalls: count,
  failures: count,
  denials: count,
  tokensInput: count,
  tokensOutput: count,
  tokensCacheRead: count,
  tokensCacheWrite: count,
  costUsd: amount,
  vantagePoints: texts,
};
