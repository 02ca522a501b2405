import type { ActorType, AuditEvent, Fault } from "@vouchtrail/events";

export const SCOPES = ["ingest", "read", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks: what a key, or the loopback address without one, may do. */
export interface Principal {
  /** Id of the API key; undefined for keyless loopback. */
  readonly key: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
  /** Sees and writes only this tenant. */
  readonly tenant: string | undefined;
  /** Writes only as this source. */
  readonly source: string | undefined;
  /** Writes only for actors of these types. */
  readonly actorTypes: ReadonlySet<ActorType> | undefined;
}

/** The tenant of events that name none. */
export function defaultTenant(principal: Principal): string {
  return principal.tenant ?? "default";
}

/** What keeps the principal from writing this event. Rule: KEY-4. */
export function writeFault(principal: Principal, event: AuditEvent): Fault | undefined {
  if (principal.tenant !== undefined && event.tenant !== principal.tenant) {
    return { code: "TENANT_FORBIDDEN", path: "tenant", message: `The key is bound to the tenant ${principal.tenant}.` };
  }
  if (event.tenant === SYSTEM_TENANT_NAME) {
    return { code: "TENANT_FORBIDDEN", path: "tenant", message: "This tenant is the server's own." };
  }
  if (principal.actorTypes !== undefined && !principal.actorTypes.has(event.actor.type)) {
    return {
      code: "ACTOR_FORBIDDEN",
      path: "actor.type",
      message: `The key may write for actors of type ${[...principal.actorTypes].join(", ")}.`,
    };
  }
  if (principal.source !== undefined && event.source !== undefined && event.source.name !== principal.source) {
    return { code: "SOURCE_FORBIDDEN", path: "source.name", message: `The key is bound to the source ${principal.source}.` };
  }
  return undefined;
}

const SYSTEM_TENANT_NAME = "vouchtrail";
