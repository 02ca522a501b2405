import {
  type AuditEventInput,
  fromOtlpLog,
  fromOtlpSpan,
  type OtlpOptions,
  type OtlpRecord,
  type OtlpSpan,
  stableId,
} from "@vouchtrail/events";
import type { Intake } from "../intake/intake.ts";
import { defaultTenant, type Principal } from "../intake/principal.ts";
import { parseMessage } from "./json-message.ts";
import { OTLP_APPEND_EVENTS_MAX } from "./limits.ts";
import { REQUEST_TYPES, type Signal } from "./message-types.ts";
import type { Encoding, PartialSuccess } from "./otlp-answer.ts";
import { readMessage } from "./protobuf-message.ts";
import { countPoints, readLogs, readSpans } from "./read-request.ts";

export interface AcceptOptions {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly principal: Principal;
  readonly keepOther: boolean;
  /** Told how many records and spans were not kept. */
  readonly onNotKept: (count: number) => void;
}

/**
 * Takes in one request. Resolves when everything that is kept is on stable storage, with what the sender has to know: what was refused, and what was not kept.
 *
 * @throws {AuditError} `BODY_INVALID`, `BODY_TOO_LARGE`, and whatever keeps the ledger from storing. Then it is not known what was stored: the same
 *   request may be sent again, and nothing is stored twice.
 */
export async function acceptRequest(body: Buffer, intake: Intake, options: AcceptOptions): Promise<PartialSuccess | undefined> {
  const { signal, encoding, principal, keepOther } = options;
  // Nothing at all is an empty message in protobuf, and in JSON whatever a client means by it.
  if (body.length === 0) return undefined;
  const request = encoding === "json" ? parseMessage(body) : readMessage(body, REQUEST_TYPES[signal]);
  if (signal === "metrics") {
    const count = countPoints(request);
    return count === 0 ? undefined : { rejected: count, message: "Metrics are not kept here. Send logs and traces only." };
  }
  const tenant = defaultTenant(principal);
  const repetitions = new Map<string, number>();
  const optionsOf = (item: OtlpRecord | OtlpSpan): OtlpOptions => ({ tenant, keepOther, repetition: repetitionOf(item, repetitions) });
  const items =
    signal === "logs"
      ? readLogs(request).map((record) => () => fromOtlpLog(record, optionsOf(record)))
      : readSpans(request).map((span) => () => fromOtlpSpan(span, optionsOf(span)));
  return append(items, intake, options);
}

/** How often a record of the same content stood before in the request. A request that is sent again gives the same. */
function repetitionOf(item: OtlpRecord | OtlpSpan, repetitions: Map<string, number>): number {
  const key = stableId("repetition", JSON.stringify(item));
  const repetition = repetitions.get(key) ?? 0;
  repetitions.set(key, repetition + 1);
  return repetition;
}

async function append(
  items: readonly (() => readonly AuditEventInput[])[],
  intake: Intake,
  { principal, onNotKept }: Pick<AcceptOptions, "principal" | "onNotKept">,
): Promise<PartialSuccess | undefined> {
  const refused = new Set<number>();
  let firstFault: string | undefined;
  let notKept = 0;
  let batch: { readonly event: AuditEventInput; readonly item: number }[] = [];

  async function flush(): Promise<void> {
    if (batch.length === 0) return;
    const sent = batch;
    batch = [];
    const { errors } = await intake.acceptValues(
      sent.map(({ event }) => event),
      { principal, via: "otlp" },
    );
    for (const { position, code, message } of errors) {
      refused.add(sent[position]?.item ?? -1);
      firstFault ??= `${code}: ${message}`;
    }
  }

  for (const [item, map] of items.entries()) {
    const events = map();
    if (events.length === 0) notKept += 1;
    for (const event of events) batch.push({ event, item });
    if (batch.length >= OTLP_APPEND_EVENTS_MAX) await flush();
  }
  await flush();
  if (notKept > 0) onNotKept(notKept);
  const messages = [
    ...(firstFault === undefined ? [] : [`${refused.size} of ${items.length} records were refused, the first one with ${firstFault}`]),
    ...(notKept === 0
      ? []
      : [
          `${notKept} of ${items.length} records tell of no action that is known here, and were not kept. Set otlp.keepOther to keep them.`,
        ]),
  ];
  return messages.length === 0 ? undefined : { rejected: refused.size, message: messages.join(" ") };
}
