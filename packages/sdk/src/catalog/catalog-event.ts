import { AuditError } from "@vouchtrail/events/errors";
import { fromResourceEvent } from "@vouchtrail/events/shapes";
import { getIpAddress } from "../client-address.ts";
import type { NativeEventInput } from "../event-input.ts";
import { toJson } from "../plain-value.ts";
import { getUserAgent } from "../user-agent.ts";
import type { AuditEventDefinition, AuditRequest, PersonalPlace } from "./event-definition.ts";
import { replaceAt, takeAt } from "./member-path.ts";
import type { StandardIssue, StandardResult } from "./standard-schema.ts";

/** What a caller says of one event of a catalog. */
export interface CatalogCall {
  readonly resourceId: unknown;
  readonly userId: unknown;
  readonly metadata: unknown;
  readonly request: AuditRequest | null | undefined;
}

/** What stands in the place of a secret; the redaction of the server writes the same. */
export const REDACTED = "[REDACTED]";

/**
 * Metadata as the schema of the definition makes it.
 *
 * @returns A promise only when the schema is asynchronous.
 * @throws {AuditError} `EVENT_INVALID` with the path of the first fault. The message names paths only, because it is logged and the words of a schema can
 *   quote the value; they are in `cause`.
 */
export function checkedMetadata({ action, details }: AuditEventDefinition, metadata: unknown): unknown {
  if (details === undefined) return metadata;
  let result: StandardResult<unknown> | Promise<StandardResult<unknown>>;
  try {
    result = details["~standard"].validate(metadata);
  } catch (cause) {
    throw schemaFailed(action, cause);
  }
  if (!(result instanceof Promise)) return acceptedValue(result, action);
  return result.then(
    (settled) => acceptedValue(settled, action),
    (cause: unknown) => {
      throw schemaFailed(action, cause);
    },
  );
}

/**
 * Makes the event: who did what on which resource, from where.
 *
 * @param metadata Has been through {@link checkedMetadata}.
 * @throws {AuditError} `SHAPE_INVALID`, `EVENT_INVALID`: the event is none, and why.
 */
export function catalogEvent(definition: AuditEventDefinition, call: CatalogCall, metadata: unknown): NativeEventInput {
  const { action, resourceType, severity, outcome, personal, secret } = definition;
  const isMarked = personal !== undefined || secret !== undefined;
  // Marks are looked for in what would be sent, so that no map, getter or `toJSON` can hide what they name.
  const details: unknown = isMarked && metadata !== undefined ? JSON.parse(toJson(metadata)) : metadata;
  for (const path of secret ?? []) replaceAt(details, path, REDACTED);
  const taken = Object.entries(personal ?? {}).map(([path, place]) => ({ path, place, value: takeAt(details, path) }));
  const origin = originOf(call.request);
  const { event } = fromResourceEvent({
    action,
    resourceType,
    resourceId: call.resourceId,
    // An empty name names nobody, and there is nothing in it to keep.
    ...(call.userId === null || call.userId === undefined || call.userId === "" ? {} : { userId: call.userId }),
    ...(details === undefined ? {} : { details }),
    ...origin,
  });
  if (outcome !== undefined) event.outcome = { ...event.outcome, status: outcome };
  if (severity !== undefined) event.labels = { severity };
  for (const { path, place, value } of taken) {
    if (value !== undefined && value !== null && value !== REDACTED) put(event, place, value, path);
  }
  return event;
}

function put(event: NativeEventInput, place: PersonalPlace, value: unknown, path: string): void {
  if (typeof value !== "string" && typeof value !== "number") {
    // Left where it is, it could not be erased with the person.
    throw new AuditError("EVENT_INVALID", {
      path: `details.${path}`,
      message: `details.${path} is marked as personal: expected text or a number, which ${place} can hold.`,
    });
  }
  const text = String(value);
  switch (place) {
    case "actor.name":
      event.actor = { ...event.actor, name: text };
      return;
    case "actor.email":
      event.actor = { ...event.actor, email: text };
      return;
    case "actor.onBehalfOf":
      event.actor = { ...event.actor, onBehalfOf: [{ type: "user", id: text }] };
      return;
    case "context.ipAddress":
      event.context = { ...event.context, ipAddress: text };
      return;
    case "context.userAgent":
      event.context = { ...event.context, userAgent: text };
  }
}

function originOf(request: AuditRequest | null | undefined): { ipAddress?: string; userAgent?: string } {
  const ipAddress = getIpAddress(request);
  const userAgent = getUserAgent(request);
  return { ...(ipAddress === undefined ? {} : { ipAddress }), ...(userAgent === undefined ? {} : { userAgent }) };
}

function acceptedValue(result: StandardResult<unknown>, action: string): unknown {
  if (result.issues === undefined) return result.value;
  const paths = [...new Set(result.issues.map(pathOf))];
  throw new AuditError("EVENT_INVALID", {
    path: paths[0] ?? "details",
    message: `${paths.join(", ")}: not what the catalog asks for with ${action}; the cause tells more.`,
    cause: new Error(result.issues.map((issue) => `${pathOf(issue)}: ${issue.message}`).join("; ")),
  });
}

function pathOf({ path = [] }: StandardIssue): string {
  return ["details", ...path.map((segment) => String(typeof segment === "object" ? segment.key : segment))].join(".");
}

function schemaFailed(action: string, cause: unknown): AuditError {
  return new AuditError("EVENT_INVALID", {
    path: "details",
    message: `details: the schema of ${action} failed; the cause tells more.`,
    cause,
  });
}
