import { FILTER_NAMES, GROUP_NAMES, type JsonObject } from "@vouchtrail/events";
import fc from "fast-check";

/*
 * Events of several tenants that have everything in common that they can have: ids, sessions, calls, approvals, actors, labels, sources. What is
 * a tenant's own begins with its word; what nobody else may ever see is a secret of its own, and stands in texts that no question asks for.
 */

export const OWN = "acme";
export const OTHER = "zenith";
/** The word of each tenant's own values. The third writes without a tenant of its own. */
const WORDS = { [OWN]: "alpha", [OTHER]: "zulu", default: "mike" } as const;
export type Tenant = keyof typeof WORDS;
/** Stand in every event of the others, and in no question. */
export const SECRETS = ["quebec", "Überraschung", "=sierra"] as const;

/** A value that the tenants have in common, or one of their own. */
function ownValue(kind: string, word: string): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(word, "common"), fc.nat(2)).map(([who, n]) => `${who}-${kind}-${n}`);
}

function optional<T extends Record<string, fc.Arbitrary<unknown>>>(members: T) {
  return fc.record(members, { requiredKeys: [] });
}

/** Ids that both tenants use, and those that only one does. */
export const commonId = (n: number): string => `0197a3c2-0000-7000-8000-${String(n).padStart(12, "0")}`;
const ownId = (word: string, n: number): string =>
  `0197a3c2-${{ alpha: "aaaa", zulu: "bbbb", mike: "cccc" }[word] ?? "dddd"}-7000-8000-${String(n).padStart(12, "0")}`;
const DAYS = 40;

/** Events of a tenant with ids that nobody else has and with ids that others have too, `count` of each. */
export function eventsOf(tenant: Tenant, count: number, seed: number): JsonObject[] {
  const word = WORDS[tenant];
  const own = (kind: string): fc.Arbitrary<string> => ownValue(kind, word);
  const secrets = tenant === OWN ? "own text" : SECRETS.join(" ");
  const sample = fc.sample(
    fc.record(
      {
        occurredAt: fc.nat(DAYS * 24 * 60).map((minutes) => new Date(Date.UTC(2026, 0, 20) + minutes * 60_000).toISOString()),
        action: fc.constantFrom("document.read", `${word}.act`, "GUILD_CREATE", "ai.tool_call"),
        actor: fc.record(
          {
            type: fc.constantFrom("user", "agent"),
            id: own("actor"),
            name: own("person").map((name) => `${name} ${secrets}`),
            onBehalfOf: fc.array(fc.record({ type: fc.constant("user"), id: own("actor") }), { maxLength: 2 }),
          },
          { requiredKeys: ["type", "id"] },
        ),
        target: fc.record({ type: fc.constantFrom("document", "user", "tool"), id: own("target"), name: fc.constant(secrets) }),
        outcome: fc.record(
          {
            status: fc.constantFrom("success", "failure", "partial", "pending", "denied"),
            code: own("code"),
            message: fc.constant(`${word} says ${secrets}`),
          },
          { requiredKeys: ["status"] },
        ),
        phase: fc.constantFrom("intent", "outcome"),
        details: optional({ note: own("note"), text: fc.constant(secrets), [`${word}Key`]: fc.nat(9) }),
        labels: optional({
          env: own("env"),
          [`${word}-label`]: own("value"),
          // Only the other tenants have this name at all.
          ...(tenant === OWN ? {} : { sierra: fc.constant(SECRETS[0]) }),
        }),
        activity: own("tool").map((name) => ({ type: "tool", name, tool: { name, parameters: { secrets } } })),
        usage: optional({ tokensInput: fc.nat(999), costUsd: fc.nat(999).map((n) => n / 100), model: own("model") }),
        security: optional({ sensitiveDataAccessed: fc.boolean() }),
        context: optional({
          sessionId: fc.oneof(fc.constant("common-session"), own("session")),
          callId: fc.oneof(fc.constant("common-call"), own("call")),
          parentEventId: fc.nat(count - 1).map(commonId),
          approvalId: fc.constant("common-approval"),
          requestId: own("request"),
          conversationId: own("conversation"),
          traceId: own("trace"),
          ipAddress: fc.constantFrom("192.0.2.1", tenant === OWN ? "192.0.2.2" : "192.0.2.3"),
        }),
        source: fc.record({ name: own("source"), instance: fc.constantFrom("i-1", "i-2"), sequence: fc.nat(60) }),
      },
      { requiredKeys: ["occurredAt", "action", "actor", "target", "outcome"] },
    ),
    { numRuns: 2 * count, seed: seed + word.length },
  );
  return sample.map((event, n) => ({ ...event, id: n < count ? commonId(n) : ownId(word, n - count), tenant }));
}

/** Ids that may be asked for: of everybody, and of nobody. */
export function idsOf(count: number): string[] {
  return ["alpha", "zulu", "mike", "nobody"].flatMap((word) => Array.from({ length: count }, (_, n) => ownId(word, n)));
}

/** What questions are made of: values of all tenants, and words that mean something. */
const WORD = fc.constantFrom("alpha", "zulu", "mike", "common");
const named = (kind: string): fc.Arbitrary<string> => fc.tuple(WORD, fc.nat(2)).map(([word, n]) => `${word}-${kind}-${n}`);
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  tenant: fc.constantFrom(OWN, OTHER, "default", "vouchtrail", "nobody"),
  actor: fc.oneof(named("actor"), fc.constant("loopback")),
  actorType: fc.constantFrom("user", "agent", "service", "system"),
  onBehalfOf: named("actor"),
  action: fc.constantFrom(
    "document.read",
    "zulu.act",
    "alpha.act",
    "zulu*",
    "*",
    "guild.create",
    "audit.log.read",
    "audit*",
    "server.started",
  ),
  target: fc.oneof(
    named("target"),
    named("target").map((id) => `document/${id}`),
    fc.constant("ledger/main"),
  ),
  targetType: fc.constantFrom("document", "user", "tool", "ledger"),
  outcome: fc.constantFrom("success", "failure", "partial", "pending", "denied"),
  code: named("code"),
  activity: fc.constantFrom("*", "tool", "skill"),
  tool: named("tool"),
  model: named("model"),
  session: fc.oneof(fc.constant("common-session"), named("session")),
  conversation: named("conversation"),
  call: fc.oneof(fc.constant("common-call"), named("call")),
  request: named("request"),
  trace: named("trace"),
  ip: fc.constantFrom("192.0.2.1", "192.0.2.2", "192.0.2.3"),
  sensitive: fc.constantFrom("true", "false"),
  proof: fc.constantFrom("none", "url"),
  phase: fc.constantFrom("intent", "outcome"),
  source: named("source"),
  via: fc.constantFrom("http", "server", "sdk"),
  text: fc.constantFrom(
    "zulu",
    "ZULU says",
    '"zulu says"',
    "zulu-note-1",
    "zuluKey",
    "mike",
    "alpha",
    "common",
    "own text",
    "text",
    "common-approval",
    "tenant",
    "vouchtrail",
  ),
  "label.env": named("env"),
  "label.zulu-label": named("value"),
  "label.alpha-label": named("value"),
};
const TIMES = fc.constantFrom(
  "2026-01-20",
  "2026-02-10T10:00:00Z",
  "2026-02-28",
  "2026-03-01T00:00:03Z",
  "2026-03-01T00:00:06.001Z",
  "2026-03-02",
  "2030-01-01",
);
const MALFORMED: fc.Arbitrary<readonly [string, string]> = fc.constantFrom(
  ["outcome", "zulu"],
  ["acton", "zulu"],
  ["tenant", "no tenant"],
  ["from", "yesterday"],
  ["zulu", "zulu"],
  ["label.", "zulu"],
  ["limit", "0"],
  ["cursor", "zulu"],
  ["deed", "zulu"],
  ["order", "zulu"],
  ["group", "zulu"],
);

type Parameters = readonly (readonly [name: string, value: string])[];

/** One question. */
export interface Question {
  readonly path: string;
  readonly parameters: Parameters;
}

const condition: fc.Arbitrary<readonly [string, string]> = fc
  .constantFrom(...FILTER_NAMES, "label.env", "label.zulu-label", "label.alpha-label")
  .chain((name) => fc.tuple(fc.constant(name), VALUES[name] ?? fc.constant("zulu"), fc.boolean()))
  .map(([name, value, isUnwanted]) => [name, isUnwanted && name !== "sensitive" ? `!${value}` : value] as const);
const time: fc.Arbitrary<readonly [string, string]> = fc.tuple(fc.constantFrom("from", "to", "receivedFrom", "receivedTo"), TIMES);
const filters: fc.Arbitrary<Parameters> = fc
  .tuple(
    fc.array(condition, { maxLength: 3 }),
    fc.uniqueArray(time, { maxLength: 2, selector: ([name]) => name }),
    fc.oneof({ weight: 14, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: MALFORMED }),
  )
  .map(([conditions, times, malformed]) => [...conditions, ...times, ...(malformed === undefined ? [] : [malformed])]);

function options(members: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<Parameters> {
  return fc
    .record(members, { requiredKeys: [] })
    .map((values) => Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}
const limit = fc.nat(30).map((n) => String(n + 1));
const order = fc.constantFrom("newest", "oldest");
const group = fc.constantFrom(...GROUP_NAMES, "label.env", "label.zulu-label", "label.sierra");

/** Questions that find or count. Each waits until everything can be found, so that two servers have the same to say. */
export const questions: fc.Arbitrary<Question> = fc
  .oneof(
    routed(
      "/api/v1/events",
      options({ limit, order, deeds: fc.constantFrom("true", "false"), format: fc.constantFrom("json", "ndjson", "csv") }),
    ),
    routed(
      "/api/v1/stats",
      fc
        .tuple(fc.uniqueArray(group, { maxLength: 3 }), options({ limit, bucket: fc.constantFrom("hour", "day", "week", "month") }))
        .map(([groups, more]) => [...groups.map((name) => ["group", name] as const), ...more]),
    ),
    routed("/api/v1/sources", options({ limit })),
    routed("/api/v1/sessions", options({ limit: fc.nat(199).map((n) => String(n + 1)) })),
    routed("/api/v1/effects", options({ limit, order, state: fc.constantFrom("open", "closed", "all") })),
    routed("/api/v1/bundle", options({ limit: fc.nat(7).map((n) => String(n + 1)), deeds: fc.constantFrom("true", "false") })),
  )
  .map(({ path, parameters }) => ({ path, parameters: [...parameters, ["wait", "searchable"]] }));

function routed(path: string, more: fc.Arbitrary<Parameters>): fc.Arbitrary<Question> {
  return fc.tuple(filters, more).map(([conditions, others]) => ({ path, parameters: [...conditions, ...others] }));
}

export function urlOf({ path, parameters }: Question): string {
  return `${path}?${parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&")}`;
}
