import { randomUUID } from "node:crypto";
import { parseTraceParent } from "@vouchtrail/events/leaf";
import type { AuditContext } from "../../ambient.ts";
import { type ClientAddressOptions, getIpAddress } from "../../client-address.ts";
import { quietly } from "../../quietly.ts";
import { type RequestLike, readHeader } from "../../request-headers.ts";
import { activeTrace } from "../../trace-context.ts";
import { getUserAgent } from "../../user-agent.ts";
import { type AuditScope, createAuditScope, currentAuditContext } from "../context.ts";
import { readEnvironment } from "../environment.ts";
import { auditUnauditedRequests, type UnauditedRequests } from "./unaudited-requests.ts";

/** A request that changed something and recorded no event. */
export interface UnauditedRequest {
  /** Method and pattern, for example `POST /orders/:id`. */
  readonly route: string;
  readonly status: number;
}

/** The options of all adapters. */
export interface AuditRequestOptions<Request> extends ClientAddressOptions {
  /** Who acts. Asked when an event is recorded that does not say so, so that it may read what a later middleware finds out. */
  readonly actor?: ((request: Request) => AuditContext["actor"]) | undefined;
  /** Whose events these are; asked as `actor` is. */
  readonly tenant?: ((request: Request) => string | undefined) | undefined;
  /** Default: the header `x-request-id` where it is one word of at most 128 characters, else a random UUID. */
  readonly requestId?: ((request: Request) => string | undefined) | undefined;
  /** The pattern of the route, without values: `/orders/:id`. Default: what the framework knows, else the path without what looks like an id. */
  readonly route?: ((request: Request) => string | undefined) | undefined;
  /** Whether a state-changing request is expected to record an event; default: every one is. */
  readonly isExpected?: ((request: Request) => boolean) | undefined;
  /** Told once for each route. Default: a warning of the process, outside production. */
  readonly onUnaudited?: ((unaudited: UnauditedRequest) => void) | undefined;
  /** Default: {@link auditUnauditedRequests}, the counter of the process. */
  readonly counter?: UnauditedRequests | undefined;
  /** Told when a function of these options throws; the request goes on without what it would have said. Default: a warning of the process, the first time. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What an adapter tells of one request. */
export interface RequestSubject<Request> {
  readonly request: Request;
  readonly method: string;
  /** Where the headers and the sender are. */
  readonly source: RequestLike;
}

/** One request from its beginning to its end. */
export interface RequestScope extends AuditScope {
  /** Whether the request would count as unaudited if it ended now. */
  isUnaudited(status: number): boolean;
  /** To be called once, when the request has been answered. */
  end(status: number, route: () => string): void;
}

const STATE_CHANGING: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"]);
/** What may go into logs and entries as it came. The event's own limit is 128 characters. */
const SANE_ID = /^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$/;

/**
 * What all adapters share: the context of a request, and whether it recorded anything.
 *
 * @returns Begins a request. What it returns never throws anything but what `work` does.
 * @throws {AuditError} `CONFIG_INVALID`: the trusted proxies are none.
 */
export function createRequestScopes<Request>(
  options: AuditRequestOptions<Request> = {},
): (subject: RequestSubject<Request>) => RequestScope {
  getIpAddress(undefined, options); // Tells of wrong settings now.
  const counter = options.counter ?? auditUnauditedRequests;
  const onError = options.onError ?? warnOnce();
  const onUnaudited = options.onUnaudited ?? (readEnvironment().isProduction ? () => undefined : warnOfUnaudited);
  const warned = new Set<string>();
  const ask = <Answer>(question: ((request: Request) => Answer) | undefined, request: Request): Answer | undefined => {
    try {
      return question?.(request);
    } catch (error) {
      quietly(() => onError(error));
      return undefined;
    }
  };

  return ({ request, method, source }) => {
    let recordedCount = 0;
    const outer = currentAuditContext()?.recorded;
    const context: AuditContext = {
      ...contextOfRequest(source, options, ask(options.requestId, request)),
      recorded: () => {
        recordedCount += 1;
        outer?.();
      },
    };
    const late = (): AuditContext => {
      const actor = ask(options.actor, request);
      const tenant = ask(options.tenant, request);
      return { ...(actor === undefined ? {} : { actor }), ...(tenant === undefined ? {} : { tenant }) };
    };
    const isUnaudited = (status: number): boolean => recordedCount === 0 && status < 400 && STATE_CHANGING.has(method);
    return {
      ...createAuditScope(context, late),
      isUnaudited,
      end(status, defaultRoute) {
        if (!isUnaudited(status) || ask(options.isExpected, request) === false) return;
        quietly(() => {
          const route = `${method} ${ask(options.route, request) ?? defaultRoute()}`;
          if (!counter.count(route) || warned.has(route)) return;
          warned.add(route);
          onUnaudited({ route, status });
        });
      },
    };
  };
}

function contextOfRequest(source: RequestLike, options: ClientAddressOptions, requestId: string | undefined): AuditContext {
  const ipAddress = getIpAddress(source, options);
  const userAgent = getUserAgent(source);
  // A span that is active tells its own ids, with every event.
  const parent = activeTrace() === undefined ? parseTraceParent(readHeader(source, "traceparent")) : undefined;
  return {
    requestId: requestId ?? saneId(readHeader(source, "x-request-id")) ?? randomUUID(),
    ...(ipAddress === undefined ? {} : { ipAddress }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(parent === undefined ? {} : { traceId: parent.traceId, traceFlags: parent.flags, correlationId: parent.traceId }),
  };
}

function saneId(text: string | undefined): string | undefined {
  return text !== undefined && SANE_ID.test(text) ? text : undefined;
}

/** Segments of a path that are values rather than names: with a digit, an `@` or an escape, or long. */
const VALUE_SEGMENT = /[\d@%]|.{33}/;

/** A path as a pattern: `/orders/42/items` becomes `/orders/:id/items`. Values, which may be personal, and the query are left out. */
export function patternOfPath(url: string): string {
  const path = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/i.exec(url.slice(0, 2_048))?.[1] ?? "";
  const segments = path.split("/").map((segment) => (VALUE_SEGMENT.test(segment) ? ":id" : segment));
  return segments.join("/") || "/";
}

/** On standard error unless the process listens to warnings itself. */
function warn(code: string, message: string, detail?: string): void {
  process.emitWarning(message, { type: "AuditWarning", code, ...(detail === undefined ? {} : { detail }) });
}

function warnOfUnaudited({ route, status }: UnauditedRequest): void {
  warn(
    "AUDIT_UNAUDITED",
    `${route} answered ${status} and recorded no audit event. Record one, or say in isExpected that none is expected.`,
  );
}

function warnOnce(): (error: unknown) => void {
  let isWarned = false;
  return (error) => {
    if (isWarned) return;
    isWarned = true;
    const detail = error instanceof Error ? error.stack : undefined;
    warn("AUDIT_OPTION_THREW", "A function of an audit adapter's options threw; events go without what it would have said.", detail);
  };
}
