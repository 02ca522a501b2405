import type { DeliveryMode } from "../delivery-state.ts";
import type { AuditEventResult, AuditOutcome } from "../event-input.ts";
import type { RequestLike } from "../request-headers.ts";
import type { CheckedAction, MustBe } from "./action-name.ts";
import type { AnyResourceType } from "./resource-type.ts";
import type { SchemaInput, StandardSchema } from "./standard-schema.ts";

/** How much attention an event deserves; goes to `labels.severity`. */
export const SEVERITIES = ["info", "notice", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * Where an event holds what points at a person: these places are always in the section `personal`, which can be erased on its own (rule SECTION-2 of the
 * intake). Details are not: they are in the section `content`.
 */
export const PERSONAL_PLACES = ["actor.name", "actor.email", "actor.onBehalfOf", "context.ipAddress", "context.userAgent"] as const;
export type PersonalPlace = (typeof PERSONAL_PLACES)[number];

/** One event type of a catalog. */
export interface AuditEventDefinition {
  /** `resource.action` or `resource.subresource.action`, in lower case: `agent.run.created`. At most 128 characters. */
  readonly action: string;
  /** What is acted on; ids of persons (`user`, `member`, `customer` …) are personal data in the trail. */
  readonly resourceType: AnyResourceType;
  /** For people; `vouchtrail events list` shows it. It is not part of the event. */
  readonly description?: string;
  /** Goes to `labels.severity`. */
  readonly severity?: Severity;
  /** How an event of this type ends; default `success`. An event type that tells of a failure says so here. */
  readonly outcome?: AuditOutcome;
  /** How events of this type are delivered; default: as the emitter does. */
  readonly delivery?: DeliveryMode;
  /** Any Standard Schema (Zod 4 and others): types and checks the metadata. What it returns is recorded. Without one, metadata is free. */
  readonly details?: StandardSchema<unknown, unknown>;
  /**
   * Metadata that points at a person, and the place where it goes instead of the details: `{ email: "actor.email" }`. A path names members by dots.
   * `actor.onBehalfOf` takes the id of the user who is acted for.
   */
  readonly personal?: Readonly<Record<string, PersonalPlace>>;
  /** Paths of metadata that never leave the process: `card.number`, `items.*.token`; `*` is any member. `[REDACTED]` stands in their place. */
  readonly secret?: readonly string[];
}

/** Event types by the names of their functions. */
export type AuditEventDefinitions = Readonly<Record<string, AuditEventDefinition>>;

/** Names that functions have already or that JavaScript gives a meaning; a function of a catalog cannot have them. */
export type ReservedName =
  | ("effect" | "deny" | "name" | "length" | "call" | "apply" | "bind" | "prototype" | "arguments" | "caller")
  | ("constructor" | "toString" | "toLocaleString" | "valueOf" | "hasOwnProperty" | "isPrototypeOf" | "propertyIsEnumerable")
  | ("then" | "toJSON" | "__proto__");

/** What the compiler holds against a catalog: names that are free, actions that follow the naming rule. */
export type CheckedDefinitions<Definitions extends AuditEventDefinitions> = {
  readonly [Name in keyof Definitions]: Name extends ReservedName
    ? { readonly action: MustBe<"under another function name: this one is reserved"> }
    : { readonly action: CheckedAction<Definitions[Name]["action"]> };
};

/** Where address and user agent are read from: `Request` of the web, Node's `IncomingMessage`, or what a framework makes of them. */
export type AuditRequest = RequestLike;

/** Free metadata, or what the schema takes; it can be left out unless the schema needs it. */
type MetadataParameter<Definition> = Definition extends { readonly details: object }
  ? undefined extends SchemaInput<Definition["details"]>
    ? [metadata?: SchemaInput<Definition["details"]>, request?: AuditRequest]
    : [metadata: SchemaInput<Definition["details"]>, request?: AuditRequest]
  : [metadata?: Record<string, unknown>, request?: AuditRequest];

/**
 * Records one event of its type.
 *
 * `resourceId` is 1 character at least; `userId` names who acts: null or nothing means that no user does, and the actor is the system. It never throws,
 * unless the delivery is `strict`: what is wrong is told by the result, whose state is `refused`.
 */
export type AuditEventFunction<Definition> = (
  resourceId: string,
  userId: string | null | undefined,
  ...rest: MetadataParameter<Definition>
) => Promise<AuditEventResult>;

/** One function for each event type. */
export type AuditEventFunctions<Definitions extends AuditEventDefinitions> = {
  readonly [Name in keyof Definitions]: AuditEventFunction<Definitions[Name]>;
};
