import { AuditError } from "@vouchtrail/events/errors";
import { type Audit, createAudit, RESERVED_NAMES } from "../audit.ts";
import { getAuditEmitter } from "../default-emitter.ts";
import type { AuditEmitter, EmitOptions } from "../emitter.ts";
import type { AuditEventResult, NativeEventInput } from "../event-input.ts";
import { type CatalogCall, catalogEvent, checkedMetadata } from "./catalog-event.ts";
import { checkDefinitions } from "./checked-definitions.ts";
import type {
  AuditEventDefinition,
  AuditEventDefinitions,
  AuditEventFunctions,
  AuditRequest,
  CheckedDefinitions,
} from "./event-definition.ts";
import { unmadeEvent } from "./unmade-event.ts";

export interface CatalogOptions {
  /** Where the events go; default: the default emitter. A function is asked at each call. */
  readonly emitter?: AuditEmitter | (() => AuditEmitter);
}

/** `audit()` builds an event, `audit.effect` and `audit.deny` record whole ones, and each event type of the catalog has its function. */
export type AuditCatalog<Definitions extends AuditEventDefinitions> = Audit & AuditEventFunctions<Definitions>;

/**
 * Makes a function for each event type that an application records.
 *
 * ```ts
 * export const audit = defineAuditEvents({
 *   agentRunCreated: { action: "agent.run.created", resourceType: "agent" },
 * });
 * await audit.agentRunCreated(run.id, user.id, { goal: run.goal }, request);
 * ```
 *
 * An action that breaks the naming rule and a function name that is taken do not compile, and fail here for callers without the compiler.
 *
 * @throws {AuditError} `CONFIG_INVALID`, naming the entry.
 *
 * Rules: SDK-30 to SDK-34.
 */
export function defineAuditEvents<const Definitions extends AuditEventDefinitions>(
  definitions: Definitions & CheckedDefinitions<Definitions>,
  options: CatalogOptions = {},
): AuditCatalog<Definitions> {
  const emitter = emitterOf(options);
  const audit = createAudit(emitter);
  checkDefinitions(definitions, (name) => isReserved(name, audit));
  for (const name of Object.keys(definitions)) {
    // Defined, not assigned: nothing that a function inherits can stand in the way.
    Object.defineProperty(audit, name, {
      enumerable: true,
      value: createEventFunction(definitions[name] as AuditEventDefinition, emitter),
    });
  }
  return audit as AuditCatalog<Definitions>;
}

/** How {@link CatalogOptions} name an emitter. */
export function emitterOf({ emitter = getAuditEmitter }: CatalogOptions): () => AuditEmitter {
  return typeof emitter === "function" ? emitter : () => emitter;
}

/** `then` would make a promise of the catalog wherever it is awaited, `toJSON` decides what a log shows. */
function isReserved(name: string, audit: Audit): boolean {
  return (RESERVED_NAMES as readonly string[]).includes(name) || name in audit || ["then", "toJSON", "prototype"].includes(name);
}

function createEventFunction(
  definition: AuditEventDefinition,
  emitter: () => AuditEmitter,
): (...call: readonly unknown[]) => Promise<AuditEventResult> {
  const options: EmitOptions = definition.delivery === undefined ? {} : { delivery: definition.delivery };
  return async (resourceId, userId, metadata, request) => {
    const call: CatalogCall = { resourceId, userId, metadata, request: request as AuditRequest | null | undefined };
    let checked: unknown;
    try {
      checked = checkedMetadata(definition, metadata);
      // Only for an asynchronous schema: otherwise the event is on its way when this function returns.
      if (checked instanceof Promise) checked = await checked;
    } catch (error) {
      return emitter().emit(unmadeEvent(asFault(error)), options);
    }
    return emitter().emit(eventOrFault(definition, call, checked), options);
  };
}

function eventOrFault(definition: AuditEventDefinition, call: CatalogCall, metadata: unknown): NativeEventInput {
  try {
    return catalogEvent(definition, call, metadata);
  } catch (error) {
    return unmadeEvent(asFault(error));
  }
}

function asFault(error: unknown): AuditError {
  return error instanceof AuditError ? error : new AuditError("EVENT_INVALID", { cause: error, message: "The event cannot be read." });
}
