import { AuditError } from "@vouchtrail/events/errors";
import { v4 as uuidv4 } from "uuid";
import type { ContextSource } from "./ambient.ts";
import { EventBuilder } from "./builder.ts";
import { type Clock, systemClock, type Timer } from "./clock.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import type { Delivered, DeliveryMode } from "./delivery-state.ts";
import { completeEvent, toNativeEvent } from "./event-completion.ts";
import { newEventId } from "./event-id.ts";
import type { AuditActorType, AuditEventResult, AuditMetadata, AuditProof, EmittableEvent, NativeEventInput } from "./event-input.ts";
import { createHttpTransport } from "./http-transport.ts";
import {
  BUFFER_EVENTS_DEFAULT,
  CLOSE_TIMEOUT_MS_DEFAULT,
  DEADLINE_MS_DEFAULT,
  EVENT_CHARS_MAX,
  FLUSH_INTERVAL_MS_DEFAULT,
  HEARTBEAT_INTERVAL_MS_DEFAULT,
  NUMBERED_TENANTS_MAX,
  STRICT_TIMEOUT_MS_DEFAULT,
} from "./limits.ts";
import type { AuditLogger } from "./logger.ts";
import { createLossLog, type LossLog } from "./loss-log.ts";
import { toJson } from "./plain-value.ts";
import { quietly } from "./quietly.ts";
import type { Spool } from "./spool.ts";
import { markActiveSpan } from "./trace-context.ts";
import type { OutgoingEvent, Transport } from "./transport.ts";

/** What an emitter is made of. Everything has a default; without a transport and a spool all events are dropped, loudly. */
export interface AuditEmitterConfig {
  /** Events in the buffer before it is flushed; default 100. */
  readonly bufferSize?: number;
  /** Milliseconds that a buffered event waits at most; default 5,000. */
  readonly flushIntervalMs?: number;
  /** Gets a line for each event, and what goes wrong. False: neither. */
  readonly logger?: AuditLogger | false;
  /** When `emit` resolves; default `durable`. */
  readonly delivery?: DeliveryMode;
  /** Milliseconds that a durable event waits for the trail before it goes to the spool; default 250. */
  readonly deadlineMs?: number;
  /** Milliseconds that a strict event waits for the trail before it throws; default 10,000. */
  readonly strictTimeoutMs?: number;
  /** Whose events these are, where an event does not say. */
  readonly tenant?: string;
  /** Name of the program (default `app`) and of this run of it (default: a random UUID). Together they name a source, whose events are numbered without a gap. */
  readonly source?: { readonly name?: string; readonly instance?: string };
  /** Whether starts, stops and heartbeats of the source are recorded; default true. Without them a lost end is not seen. */
  readonly lifecycle?: boolean;
  /** Milliseconds between heartbeats while events are recorded; default 300,000. */
  readonly heartbeatIntervalMs?: number;
  /** Base URL of the server, such as `http://127.0.0.1:7431`. */
  readonly url?: string;
  /** API key with the scope `ingest`. */
  readonly key?: string;
  /** Instead of `url`: another way to a trail. */
  readonly transport?: Transport | undefined;
  readonly spool?: Spool | undefined;
  /** Fills what an event does not say itself. */
  readonly context?: ContextSource;
  /** Takes secrets out of the JSON of an event before it leaves. The server does so in any case before anything is written. */
  readonly redact?: (json: string) => string;
  /** Told of work that is still going on when `emit` has resolved: what keeps a serverless function alive. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
  readonly clock?: Clock;
}

export interface EmitOptions {
  readonly delivery?: DeliveryMode;
}

/** The numbers of one tenant's events. */
interface Lane {
  /** The next number. */
  sequence: number;
  /** The next number when the last heartbeat was recorded. */
  beatSequence: number;
}

/**
 * Takes events from an application to the trail. It never throws into the application and never waits for the network on its thread, unless an event is `strict`.
 *
 * Close it before the process ends: what is buffered is sent or spooled then. Rules: docs/spec/sdk.md.
 */
export class AuditEmitter {
  readonly #delivery: Delivery;
  readonly #losses: LossLog;
  readonly #clock: Clock;
  readonly #mode: DeliveryMode;
  readonly #logger: AuditLogger | undefined;
  readonly #context: ContextSource | undefined;
  readonly #redact: ((json: string) => string) | undefined;
  readonly #waitUntil: ((work: Promise<unknown>) => void) | undefined;
  readonly #tenant: string | undefined;
  readonly #source: { readonly name: string; readonly instance: string };
  readonly #hasLifecycle: boolean;
  readonly #heartbeatIntervalMs: number;
  /** By tenant: a tenant sees its own entries only, and must see for itself that none is missing. */
  readonly #lanes = new Map<string | undefined, Lane>();
  #heartbeat: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(config: AuditEmitterConfig = {}) {
    this.#clock = config.clock ?? systemClock;
    this.#mode = config.delivery ?? "durable";
    this.#logger = config.logger === false ? undefined : config.logger;
    this.#context = config.context;
    this.#redact = config.redact;
    this.#waitUntil = config.waitUntil;
    this.#tenant = config.tenant;
    this.#source = { name: config.source?.name ?? "app", instance: config.source?.instance ?? uuidv4() };
    this.#hasLifecycle = config.lifecycle ?? true;
    this.#heartbeatIntervalMs = positive(config.heartbeatIntervalMs, HEARTBEAT_INTERVAL_MS_DEFAULT, "heartbeatIntervalMs");
    this.#losses = createLossLog({
      clock: this.#clock,
      logger: this.#logger,
      report: (tenant, details) => this.#recordOwn("audit.events.dropped", tenant, details),
    });
    this.#delivery = createDelivery(
      {
        transport: config.transport ?? httpTransportOf(config),
        spool: config.spool,
        clock: this.#clock,
        random: Math.random,
        observer: this.#losses,
      },
      {
        bufferSize: positive(config.bufferSize, BUFFER_EVENTS_DEFAULT, "bufferSize"),
        flushIntervalMs: positive(config.flushIntervalMs, FLUSH_INTERVAL_MS_DEFAULT, "flushIntervalMs"),
        deadlineMs: positive(config.deadlineMs, DEADLINE_MS_DEFAULT, "deadlineMs"),
        strictTimeoutMs: positive(config.strictTimeoutMs, STRICT_TIMEOUT_MS_DEFAULT, "strictTimeoutMs"),
      },
    );
  }

  /** How this emitter delivers unless an event says otherwise. */
  get delivery(): DeliveryMode {
    return this.#mode;
  }

  /**
   * Records an event.
   *
   * @returns What became of it, and never throws, unless the delivery is `strict`.
   * @throws {AuditError} Strict only: why the event is not in the trail.
   */
  async emit(event: EmittableEvent, options: EmitOptions = {}): Promise<AuditEventResult> {
    const mode = options.delivery ?? this.#mode;
    const prepared = this.#prepare(event);
    if ("result" in prepared) {
      if (mode === "strict") throw prepared.result.error;
      return prepared.result;
    }
    const { outgoing, createdAt } = prepared;
    if (mode === "best-effort") return this.#resultOf(outgoing.id, createdAt, this.#delivery.buffer(outgoing));
    const work = this.#delivery.push(outgoing, mode);
    this.#keepAlive(work);
    const delivered = await work;
    if (delivered.state === "buffered") this.#keepAlive(this.#delivery.flush());
    if (mode === "strict" && delivered.state !== "stored") throw delivered.error ?? new AuditError("TRAIL_UNREACHABLE");
    return this.#resultOf(outgoing.id, createdAt, delivered);
  }

  /** Records an event with others: it is sent when the buffer is full, or after the flush interval. Never throws. */
  buffer(event: EmittableEvent): void {
    const prepared = this.#prepare(event);
    if ("outgoing" in prepared) this.#delivery.buffer(prepared.outgoing);
  }

  /** Sends what is buffered. Resolves when all events so far are stored, spooled, refused or dropped. */
  flush(): Promise<void> {
    const work = this.#delivery.flush();
    this.#keepAlive(work);
    return work;
  }

  /**
   * Records that the source stops, and waits for the trail; after `timeoutMs` (default 5,000) the rest goes to the spool. Nothing can be emitted afterwards.
   */
  close(timeoutMs: number = CLOSE_TIMEOUT_MS_DEFAULT): Promise<void> {
    this.#closing ??= (async () => {
      this.#heartbeat?.cancel();
      this.#losses.close();
      for (const [tenant, lane] of this.#lanes) this.#recordLifecycle("audit.source.stopped", tenant, lane);
      await this.#delivery.close(timeoutMs);
    })();
    return this.#closing;
  }

  // Each of these begins a new event.

  forClient(clientId: string): EventBuilder {
    return this.#build().forClient(clientId);
  }
  action(actionType: string): EventBuilder {
    return this.#build().action(actionType);
  }
  actor(actorType: AuditActorType, actorId: string): EventBuilder {
    return this.#build().actor(actorType, actorId);
  }
  target(targetType: string, targetId: string): EventBuilder {
    return this.#build().target(targetType, targetId);
  }
  withProof(proof: AuditProof): EventBuilder {
    return this.#build().withProof(proof);
  }
  withMetadata(metadata: AuditMetadata): EventBuilder {
    return this.#build().withMetadata(metadata);
  }

  #keepAlive(work: Promise<unknown>): void {
    quietly(() => this.#waitUntil?.(work));
  }

  #build(): EventBuilder {
    const tenant = quietly(this.#context)?.tenant ?? this.#tenant;
    return new EventBuilder(
      { emit: (event) => this.emit(event), now: () => this.#now() },
      tenant === undefined ? {} : { clientId: tenant },
    );
  }

  #now(): string {
    return new Date(this.#clock.wallMs()).toISOString();
  }

  #resultOf(id: string, createdAt: Date, { state, receipt, error }: Delivered): AuditEventResult {
    return { id, createdAt, state, ...(receipt === undefined ? {} : { receipt }), ...(error === undefined ? {} : { error }) };
  }

  /** The event as it is sent, or why it is none. Whatever is wrong with the event: nothing is thrown. */
  #prepare(input: EmittableEvent, isOwn = false): { outgoing: OutgoingEvent; createdAt: Date } | { result: AuditEventResult } {
    const createdAt = new Date(this.#clock.wallMs());
    let id: string | undefined;
    try {
      const native = toNativeEvent(input);
      id = native.id ?? newEventId(createdAt.getTime());
      // What the source says of itself does not belong to the request that happens to run.
      const ambient = isOwn ? undefined : quietly(this.#context);
      const surroundings = { ambient, tenant: this.#tenant, isTraced: !isOwn };
      const event = completeEvent(native, { id, occurredAt: createdAt.toISOString() }, surroundings);
      const outgoing = this.#toOutgoing(event, id, this.#laneOf(event.tenant));
      if (!isOwn) {
        this.#log(event);
        markActiveSpan(id, event.action);
        quietly(ambient?.recorded);
      }
      return { outgoing, createdAt };
    } catch (error) {
      const fault =
        error instanceof AuditError ? error : new AuditError("EVENT_INVALID", { cause: error, message: "The event cannot be read." });
      this.#losses.invalid(fault);
      return { result: { id: id ?? newEventId(createdAt.getTime()), createdAt, state: "refused", error: fault } };
    }
  }

  #toOutgoing(event: NativeEventInput, id: string, lane: Lane | undefined): OutgoingEvent {
    // The event is a copy of our own by now.
    if (lane !== undefined) event.source = { name: this.#source.name, instance: this.#source.instance, sequence: lane.sequence };
    const whole = toJson(event);
    const json = this.#redact === undefined ? whole : this.#redact(whole);
    if (json.length > EVENT_CHARS_MAX) throw new AuditError("EVENT_TOO_LARGE");
    // Counted only now: an event that was refused here leaves no gap.
    if (lane !== undefined) lane.sequence += 1;
    return { id, json };
  }

  /** The numbers of a tenant; the first event of one is preceded by the start of the source. Undefined when there are too many tenants to number. */
  #laneOf(tenant: string | undefined): Lane | undefined {
    const known = this.#lanes.get(tenant);
    if (known !== undefined || this.#closing !== undefined || this.#lanes.size >= NUMBERED_TENANTS_MAX) return known;
    const lane: Lane = { sequence: 0, beatSequence: 0 };
    this.#lanes.set(tenant, lane);
    this.#recordLifecycle("audit.source.started", tenant, lane);
    if (this.#hasLifecycle && this.#heartbeat === undefined) this.#beatLater();
    return lane;
  }

  #log({ action, target, activity, outcome, tenant }: NativeEventInput): void {
    if (this.#logger === undefined) return;
    const [targetType, targetId] = target === undefined ? [activity?.type, activity?.name] : [target.type, target.id];
    const fields = { auditEvent: true, actionType: action, targetType, targetId, outcome: outcome.status, clientId: tenant ?? "default" };
    try {
      this.#logger.info(fields, `Audit: ${action} on ${targetType}/${targetId}`);
    } catch {
      // A logger that throws must not keep an event from the trail.
    }
  }

  #beatLater(): void {
    this.#heartbeat = this.#clock.after(this.#heartbeatIntervalMs, () => {
      for (const [tenant, lane] of this.#lanes) {
        // A heartbeat says how far the numbers go; where nothing was recorded since the last one there is nothing to say.
        if (lane.sequence === lane.beatSequence) continue;
        this.#recordLifecycle("audit.source.heartbeat", tenant, lane);
        lane.beatSequence = lane.sequence;
      }
      this.#beatLater();
    });
  }

  #recordLifecycle(action: string, tenant: string | undefined, { sequence }: Lane): void {
    if (this.#hasLifecycle) void this.#recordOwn(action, tenant, { eventCount: sequence });
  }

  async #recordOwn(action: string, tenant: string | undefined, details: Record<string, unknown>): Promise<Delivered> {
    const { name, instance } = this.#source;
    const event: NativeEventInput = {
      action,
      actor: { type: "service", id: name },
      target: { type: "source", id: instance },
      outcome: { status: "success" },
      details,
    };
    const prepared = this.#prepare(tenant === undefined ? event : { ...event, tenant }, true);
    if ("result" in prepared) return prepared.result;
    return this.#delivery.push(prepared.outgoing, "durable");
  }
}

function httpTransportOf({ url, key }: AuditEmitterConfig): Transport | undefined {
  return url === undefined ? undefined : createHttpTransport({ url, key });
}

function positive(value: number | undefined, fallback: number, name: string): number {
  if (value === undefined) return fallback;
  if (Number.isFinite(value) && value > 0) return value;
  throw new AuditError("CONFIG_INVALID", { path: name, message: `${name}: expected a number above 0.` });
}
