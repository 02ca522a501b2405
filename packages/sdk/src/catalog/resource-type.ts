/**
 * Types of resources that an application audits. Add your own by declaration merging, and they are offered wherever a resource type is asked for:
 *
 * ```ts
 * declare module "@vouchtrail/sdk" {
 *   interface ResourceTypes {
 *     invoice: true;
 *   }
 * }
 * ```
 */
export interface ResourceTypes {
  skill: true;
  version: true;
  user: true;
  auth: true;
  mcp: true;
  agent: true;
  guild: true;
  member: true;
  admin: true;
  system: true;
}

/** A type of resource that is known by name; a catalog takes any other text too. */
export type ResourceType = keyof ResourceTypes;

/** A known type of resource, which editors complete, or any other text. */
export type AnyResourceType = ResourceType | (string & {});
