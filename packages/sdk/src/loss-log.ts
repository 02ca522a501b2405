import type { AuditError } from "@vouchtrail/events/errors";
import type { Clock, Timer } from "./clock.ts";
import type { DeliveryObserver } from "./delivery.ts";
import type { Delivered } from "./delivery-state.ts";
import { DROPPED_RANGES_MAX, RETRY_DELAY_MS_MAX } from "./limits.ts";
import type { AuditLogger } from "./logger.ts";
import type { OutgoingEvent } from "./transport.ts";

/** Milliseconds after the first loss until it is reported, so that losses that come together are one report. */
const REPORT_DELAY_MS = 1_000;

export interface LossLogParts {
  readonly clock: Clock;
  readonly logger: AuditLogger | undefined;
  /** Records an entry that tells a tenant of its losses. */
  readonly report: (tenant: string | undefined, details: Record<string, unknown>) => Promise<Delivered>;
}

/** Counts what was lost or refused, tells the logger at once and the trail as soon as it takes entries again: nothing disappears silently. */
export interface LossLog extends DeliveryObserver {
  /** An event that is none: it has no number, so that it leaves no gap. */
  invalid(error: AuditError): void;
  /** Reports what is not reported yet, and stops. */
  close(): void;
}

interface Losses {
  count: number;
  readonly byCode: Map<string, number>;
  /** Numbers of lost events by the instance of their source. */
  readonly sequences: Map<string, number[]>;
}

type ByTenant = Map<string | undefined, Losses>;

export function createLossLog({ clock, logger, report }: LossLogParts): LossLog {
  let losses: ByTenant = new Map();
  let delayMs = REPORT_DELAY_MS;
  let timer: Timer | undefined;
  let isReporting = false;
  let isClosed = false;

  function add(events: readonly OutgoingEvent[], code: string): void {
    for (const event of events) {
      const { tenant, source } = readOrigin(event);
      const own = lossesOf(losses, tenant);
      count(own, code, 1);
      if (source !== undefined) addTo(own.sequences, source.instance, [source.sequence]);
    }
    reportLater();
  }

  function reportLater(): void {
    if (timer === undefined && !isReporting && !isClosed && losses.size > 0) timer = clock.after(delayMs, () => void reportNow());
  }

  async function reportNow(): Promise<void> {
    timer = undefined;
    const told = losses;
    losses = new Map();
    isReporting = true;
    let isLost = false;
    for (const [tenant, own] of told) {
      const { state } = await report(tenant, detailsOf(own));
      if (state !== "dropped" && state !== "refused") continue;
      // The report itself was lost and is counted by now: it goes on with the next one.
      isLost = true;
      merge(lossesOf(losses, tenant), own);
    }
    isReporting = false;
    delayMs = isLost ? Math.min(RETRY_DELAY_MS_MAX, delayMs * 2) : REPORT_DELAY_MS;
    reportLater();
  }

  function tell(level: "warn" | "error", error: AuditError, message: string, fields: object = {}): void {
    try {
      logger?.[level](
        { code: error.code, ...(error.path === undefined ? {} : { path: error.path }), ...fields },
        `${message} ${error.message}`,
      );
    } catch {
      // The logger's own trouble.
    }
  }

  return {
    dropped(events, error) {
      tell("error", error, `${events.length} audit event${events.length === 1 ? " was" : "s were"} dropped.`, { count: events.length });
      add(events, error.code);
    },
    refused(event, error) {
      tell("error", error, "An audit event was refused by the trail.", { eventId: event.id });
      add([event], error.code);
    },
    invalid(error) {
      tell("error", error, "An audit event was refused.");
      // Whose it would have been is not known.
      count(lossesOf(losses, undefined), error.code, 1);
      reportLater();
    },
    away: (error) => tell("warn", error, "The audit trail is away; events are kept until it is back."),
    back() {
      try {
        logger?.info({}, "The audit trail is back.");
      } catch {
        // The logger's own trouble.
      }
      reportLater();
    },
    spoolFailed: (error) => tell("error", error, "The audit spool failed; events wait in memory."),
    close() {
      timer?.cancel();
      isClosed = true;
      if (!isReporting) void reportNow();
    },
  };
}

function lossesOf(all: ByTenant, tenant: string | undefined): Losses {
  const known = all.get(tenant);
  if (known !== undefined) return known;
  const losses: Losses = { count: 0, byCode: new Map(), sequences: new Map() };
  all.set(tenant, losses);
  return losses;
}

function count(losses: Losses, code: string, events: number): void {
  losses.count += events;
  losses.byCode.set(code, (losses.byCode.get(code) ?? 0) + events);
}

function merge(into: Losses, from: Losses): void {
  for (const [code, events] of from.byCode) count(into, code, events);
  for (const [instance, sequences] of from.sequences) addTo(into.sequences, instance, sequences);
}

function addTo(into: Map<string, number[]>, instance: string, sequences: readonly number[]): void {
  const known = into.get(instance);
  if (known === undefined) into.set(instance, [...sequences]);
  else for (const sequence of sequences) known.push(sequence);
}

/**
 * `missing` names the numbers that were lost, by instance of their source, as ranges with both ends; when there are more ranges than fit, `leftOut` says how many numbers
 * are in the rest.
 */
function detailsOf({ count, byCode, sequences }: Losses): Record<string, unknown> {
  let room = DROPPED_RANGES_MAX;
  let leftOut = 0;
  const missing: { instance: string; sequences: [number, number][] }[] = [];
  for (const [instance, numbers] of sequences) {
    const ranges = rangesOf(numbers);
    for (const [from, to] of ranges.slice(room)) leftOut += to - from + 1;
    if (room > 0) missing.push({ instance, sequences: ranges.slice(0, room) });
    room = Math.max(0, room - ranges.length);
  }
  return { count, codes: Object.fromEntries(byCode), missing, ...(leftOut === 0 ? {} : { leftOut }) };
}

function rangesOf(numbers: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

interface Origin {
  readonly tenant?: string | undefined;
  readonly source?: { readonly instance: string; readonly sequence: number };
}

/** An event tells itself where it comes from: what the spool gives may be of another process. */
function readOrigin({ json }: OutgoingEvent): Origin {
  try {
    const { tenant, source } = JSON.parse(json) as { tenant?: unknown; source?: { instance?: unknown; sequence?: unknown } };
    const whose = typeof tenant === "string" ? { tenant } : {};
    if (typeof source?.instance !== "string" || typeof source.sequence !== "number") return whose;
    return { ...whose, source: { instance: source.instance, sequence: source.sequence } };
  } catch {
    return {};
  }
}
