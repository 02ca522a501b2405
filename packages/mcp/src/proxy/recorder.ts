import type { AuditEventInput, JsonObject } from "@vouchtrail/events";
import { CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import { AuditEmitter, type Clock, createHttpTransport, systemClock } from "@vouchtrail/sdk";
import { labelsOf, type ProxyIdentity } from "./call-event.ts";
import { type Channel, createChannel, type Side } from "./channel.ts";
import { openDefinitionMemory } from "./definition-memory.ts";
import { createDefinitionWatch } from "./definition-watch.ts";
import { CLOSE_TIMEOUT_MS, STRICT_TIMEOUT_MS } from "./limits.ts";

export interface ProxyRecorderOptions {
  readonly identity: ProxyIdentity;
  /** Base URL of the trail. */
  readonly trailUrl: string;
  /** API key with the scope `ingest`. */
  readonly key?: string;
  readonly tenant?: string;
  /** Folder in which events wait while the trail is away. */
  readonly spoolFolder: string;
  /** State folder of the user: what was seen of a server is remembered there. */
  readonly stateFolder: string;
  /** Milliseconds that a strict call waits for the trail; default 5,000. */
  readonly strictTimeoutMs?: number;
  /** Milliseconds that an event waits for the trail before it goes to the disk; default 250. */
  readonly deadlineMs?: number;
  /** Milliseconds that the end waits for the trail before the rest goes to the disk; default 2,000. */
  readonly closeTimeoutMs?: number;
  /** Told what went wrong with the recording, in one sentence without content. */
  readonly warn: (message: string) => void;
  readonly clock?: Clock;
}

/** Records one run of the proxy. */
export interface ProxyRecorder {
  readonly identity: ProxyIdentity;
  /** Milliseconds of a clock that never goes back. */
  nowMs(): number;
  openChannel(): Channel;
  /** The server behind the proxy was started, or the proxy began to stand before it. */
  started(details: JsonObject): void;
  /** It ended, or the proxy does not stand before it any more. */
  ended(outcome: AuditEventInput["outcome"], details: JsonObject): void;
  /** Waits for the trail, no longer than `closeTimeoutMs`; the rest goes to the disk. Nothing is recorded afterwards. */
  close(): Promise<void>;
}

/** Opens a recorder. What it records comes in as `proxy`. Rules: docs/spec/mcp-proxy.md. */
export function openProxyRecorder(options: ProxyRecorderOptions): ProxyRecorder {
  const { identity, trailUrl, key, tenant, spoolFolder, stateFolder, warn } = options;
  const clock = options.clock ?? systemClock;
  const emitter = new AuditEmitter({
    transport: createHttpTransport({ url: trailUrl, key, via: "proxy" }),
    spool: { directory: spoolFolder },
    logger: {
      info: () => undefined,
      warn: (_fields, message) => warn(message),
      error: (_fields, message) => warn(message),
    },
    source: { name: `mcp-proxy/${toLeafId(identity.serverName, 100)}`, instance: identity.instance },
    delivery: "durable",
    strictTimeoutMs: options.strictTimeoutMs ?? STRICT_TIMEOUT_MS,
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    clock,
    // Everything that it takes from its process is given here.
    environment: { url: trailUrl, key, spoolDirectory: spoolFolder, sourceName: undefined, tenant, isProduction: false },
  });
  const unread: Record<Side, { messages: number; bytes: number }> = {
    client: { messages: 0, bytes: 0 },
    server: { messages: 0, bytes: 0 },
  };
  let number = 0;

  const record = (event: AuditEventInput): void => void emitter.emit(event);

  function own(action: string, outcome: AuditEventInput["outcome"], details: JsonObject): void {
    record({
      action,
      actor: { type: "system", id: "mcp-proxy" },
      target: { type: "mcp_server", id: toLeafId(identity.serverName, ID_CHARS_MAX) },
      outcome,
      context: { sessionId: toLeafId(identity.sessionId, CONTEXT_ID_CHARS_MAX) },
      labels: labelsOf(identity),
      details: { server: identity.serverName, ...details },
    });
  }

  const watch = createDefinitionWatch(identity, openDefinitionMemory(stateFolder), record, warn);

  return {
    identity,
    nowMs: () => clock.nowMs(),
    openChannel: () =>
      createChannel({
        identity,
        watch,
        record,
        async recordStrictly(event) {
          await emitter.emit(event, { delivery: "strict" });
        },
        unread(side, byteCount, reason, isNoted) {
          unread[side].messages += 1;
          unread[side].bytes += byteCount;
          if (isNoted) own("mcp.message.unread", { status: "success" }, { from: side, bytes: byteCount, reason });
        },
        nextNumber: () => {
          number += 1;
          return number;
        },
      }),
    started: (details) => own("mcp.server.started", { status: "success" }, details),
    ended: (outcome, details) => own("mcp.server.ended", outcome, { ...details, unread }),
    async close() {
      await watch.settled();
      await emitter.close(options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS);
    },
  };
}
