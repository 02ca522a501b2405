import { AuditError } from "@vouchtrail/events/errors";
import { isActionName } from "./action-name.ts";
import { type AuditEventDefinition, type AuditEventDefinitions, PERSONAL_PLACES, SEVERITIES } from "./event-definition.ts";

const MEMBERS = ["action", "resourceType", "description", "severity", "outcome", "delivery", "details", "personal", "secret"];
const OUTCOMES = ["success", "failure", "partial", "pending", "denied"];
const DELIVERIES = ["durable", "best-effort", "strict"];

/**
 * Holds a catalog to its rules when it is made, for callers without the compiler.
 *
 * @param isTaken Whether a name has a meaning already.
 * @throws {AuditError} `CONFIG_INVALID`, naming the entry and what is wrong with it.
 */
export function checkDefinitions(definitions: AuditEventDefinitions, isTaken: (name: string) => boolean): void {
  for (const name of Object.keys(definitions)) {
    const fault = isTaken(name) ? "this function name is reserved; choose another one" : faultOf(definitions[name]);
    if (fault !== undefined) throw new AuditError("CONFIG_INVALID", { path: name, message: `The catalog entry ${name}: ${fault}.` });
  }
}

function faultOf(definition: AuditEventDefinition | undefined): string | undefined {
  if (typeof definition !== "object" || definition === null) return "expected an object with action and resourceType";
  const { action, resourceType, severity, outcome, delivery, details, personal, secret } = definition;
  const stranger = Object.keys(definition).find((member) => !MEMBERS.includes(member));
  if (stranger !== undefined) return `${stranger} is not known; known are ${MEMBERS.join(", ")}`;
  if (typeof action !== "string" || !isActionName(action))
    return `the action ${JSON.stringify(action)} must be resource.action or resource.subresource.action, in lower case: a-z, 0-9 and _`;
  if (typeof resourceType !== "string" || resourceType === "") return "resourceType must be text that is not empty";
  if (severity !== undefined && !SEVERITIES.includes(severity)) return `severity must be one of ${SEVERITIES.join(", ")}`;
  if (outcome !== undefined && !OUTCOMES.includes(outcome)) return `outcome must be one of ${OUTCOMES.join(", ")}`;
  if (delivery !== undefined && !DELIVERIES.includes(delivery)) return `delivery must be one of ${DELIVERIES.join(", ")}`;
  if (details !== undefined && typeof details?.["~standard"]?.validate !== "function")
    return "details must be a Standard Schema, such as one of Zod 4";
  if (secret !== undefined && !(Array.isArray(secret) && secret.every(isPath))) return "secret must be a list of paths such as card.number";
  return personal === undefined ? undefined : personalFault(personal);
}

function personalFault(personal: NonNullable<AuditEventDefinition["personal"]>): string | undefined {
  const expected = `personal must say for each path where it goes: ${PERSONAL_PLACES.join(", ")}`;
  if (typeof personal !== "object" || personal === null || Array.isArray(personal)) return expected;
  const places = Object.values(personal);
  if (!Object.keys(personal).every(isPath) || !places.every((place) => PERSONAL_PLACES.includes(place))) return expected;
  return new Set(places).size === places.length ? undefined : "personal names a place twice";
}

function isPath(path: unknown): boolean {
  return typeof path === "string" && path.split(".").every((segment) => segment !== "");
}
