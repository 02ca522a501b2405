import type { JsonObject } from "@vouchtrail/events";
import { microsOf } from "@vouchtrail/events/reading";
import type { ColumnValue, Row } from "./columns.ts";
import { COLUMNS } from "./columns.ts";
import { deedKey } from "./deed-key.ts";

/** An entry as it travels to the search index: what the ledger stores, without the sections that an erasure entry took away. */
export interface IndexEntry {
  readonly index: number;
  readonly leaf: string;
  readonly personal?: string;
  readonly content?: string;
}

/** The members of a leaf that have columns. Which of them are there is not for this module to judge: the entry is in the ledger. */
interface Leaf {
  readonly id: string;
  readonly tenant: string;
  readonly occurredAt: string;
  readonly action: string;
  readonly outcome: { readonly status: string; readonly code?: string };
  readonly received: { readonly at: string; readonly via: string; readonly key?: string };
  readonly actor: { readonly type: string; readonly id?: string };
  readonly target: { readonly type: string; readonly id?: string };
  readonly phase?: string;
  readonly activity?: { readonly type: string; readonly name: string };
  readonly usage?: {
    readonly tokensInput?: number;
    readonly tokensOutput?: number;
    readonly tokensCacheRead?: number;
    readonly tokensCacheWrite?: number;
    readonly durationMs?: number;
    readonly costUsd?: number;
    readonly model?: string;
  };
  readonly security?: { readonly permissionLevel?: string; readonly sensitiveDataAccessed?: boolean };
  readonly context?: Context;
  readonly source?: { readonly name: string; readonly instance: string; readonly sequence: number };
  readonly system?: JsonObject;
}

interface Context extends Readonly<Record<string, string | undefined>> {
  readonly sessionId?: string;
  readonly conversationId?: string;
  readonly callId?: string;
  readonly requestId?: string;
  readonly traceId?: string;
  readonly parentEventId?: string;
  readonly ipAddress?: string;
}

interface Personal {
  readonly actor?: { readonly id?: string; readonly name?: string; readonly onBehalfOf?: readonly { readonly id: string }[] };
  readonly target?: { readonly id?: string; readonly name?: string };
  readonly context?: Context;
}

interface Content {
  readonly target?: { readonly id?: string; readonly name?: string };
  readonly labels?: JsonObject;
  readonly proof?: { readonly type: string };
}

const NOTHING = {} as const;
const NO_CONTEXT: Context = {};
/** Ids with a column of their own; the others stand in `context` together. */
const CONTEXT_COLUMNS = new Set([
  "sessionId",
  "conversationId",
  "callId",
  "requestId",
  "traceId",
  "parentEventId",
  "ipAddress",
  // Long and nearly the same in every event of a person: it stays in the section.
  "userAgent",
]);

/** Where `counted` stands in a {@link Row}. */
export const COUNTED_AT = COLUMNS.length - 1;
/** Where `deed_key` stands in a {@link Row}. */
export const DEED_KEY_AT = COLUMNS.length - 2;

/**
 * The columns of one entry. `counted` says whether the entry could count for a deed: it has an outcome and is not one of the server's own.
 * Whether it is the first of its deed is decided later.
 */
export function toRow(entry: IndexEntry): Row {
  const leaf = JSON.parse(entry.leaf) as Leaf;
  const personalText = sectionText(entry.personal);
  const contentText = sectionText(entry.content);
  const personal: Personal = personalText === null ? NOTHING : (JSON.parse(personalText) as Personal);
  const content: Content = contentText === null ? NOTHING : (JSON.parse(contentText) as Content);
  const { id, tenant, outcome, received, actor, target, phase, activity, usage, security, source, system } = leaf;
  // The privacy policy may have moved all of it into the section.
  const context = leaf.context === undefined ? (personal.context ?? NO_CONTEXT) : leaf.context;
  const onBehalfOf = personal.actor?.onBehalfOf;
  const key = deedKey({
    tenant,
    id,
    phase,
    sessionId: context.sessionId,
    callId: context.callId,
    parentEventId: context.parentEventId,
  });
  return [
    entry.index,
    id,
    tenant,
    microsOf(leaf.occurredAt),
    microsOf(received.at),
    received.via,
    received.key ?? null,
    leaf.action,
    actor.type,
    actor.id ?? personal.actor?.id ?? null,
    personal.actor?.name ?? null,
    onBehalfOf === undefined ? null : JSON.stringify(onBehalfOf.map((party) => party.id)),
    target.type,
    target.id ?? personal.target?.id ?? content.target?.id ?? null,
    personal.target?.name ?? content.target?.name ?? null,
    outcome.status,
    outcome.code ?? null,
    phase ?? null,
    activity?.type ?? null,
    activity?.name ?? null,
    usage?.tokensInput ?? null,
    usage?.tokensOutput ?? null,
    usage?.tokensCacheRead ?? null,
    usage?.tokensCacheWrite ?? null,
    usage?.durationMs ?? null,
    usage?.costUsd ?? null,
    usage?.model ?? null,
    security?.permissionLevel ?? null,
    security?.sensitiveDataAccessed ?? null,
    content.proof?.type ?? null,
    context.sessionId ?? null,
    context.conversationId ?? null,
    context.callId ?? null,
    context.requestId ?? null,
    context.traceId ?? null,
    context.parentEventId ?? null,
    personal.context?.ipAddress ?? null,
    source?.name ?? null,
    source?.instance ?? null,
    source?.sequence ?? null,
    content.labels === undefined ? null : JSON.stringify(content.labels),
    restOf(context),
    system === undefined ? null : JSON.stringify(system),
    personalText,
    contentText,
    key ?? null,
    phase !== "intent" && received.via !== "server",
  ] satisfies Filled<typeof COLUMNS>;
}

type Filled<Columns extends readonly unknown[]> = { [K in keyof Columns]: ColumnValue };

/** The JSON object of a disclosure, `["salt","name",{…}]`, sliced: salt and name hold no brace. */
function sectionText(disclosure: string | undefined): string | null {
  return disclosure === undefined ? null : disclosure.slice(disclosure.indexOf("{"), -1);
}

function restOf(context: Context): string | null {
  let rest: JsonObject | undefined;
  for (const name in context) {
    if (CONTEXT_COLUMNS.has(name)) continue;
    rest ??= {};
    rest[name] = context[name];
  }
  return rest === undefined ? null : JSON.stringify(rest);
}
