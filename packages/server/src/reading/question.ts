import {
  AuditError,
  BUCKET_NAMES,
  type BucketName,
  type EffectsQuery,
  GROUP_NAMES,
  type GroupName,
  LABEL_NAME_CHARS_MAX,
  type SearchQuery,
} from "@vouchtrail/events";
import { STATS_NAMES_MAX } from "./limits.ts";

/** Checks of what questions say beside the filter: in process, over HTTP and for agents alike. All errors are `FILTER_INVALID` with the path. */

const ORDERS = ["newest", "oldest"] as const;
const STATES = ["open", "closed", "all"] as const;
const LABEL = "label.";

/** How many are wanted. */
export function limitOf(limit: number | undefined, { standard, max }: { readonly standard: number; readonly max: number }): number {
  if (limit === undefined) return standard;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > max)
    throw new AuditError("FILTER_INVALID", { path: "limit", message: `limit is a whole number from 1 to ${max}.` });
  return limit;
}

export function orderOf(order: SearchQuery["order"]): "newest" | "oldest" {
  return order === undefined ? "newest" : oneOf("order", order, ORDERS);
}

export function stateOf(state: EffectsQuery["state"]): "open" | "closed" | "all" {
  return state === undefined ? "open" : oneOf("state", state, STATES);
}

export function bucketOf(bucket: BucketName | undefined): BucketName | undefined {
  return bucket === undefined ? undefined : oneOf("bucket", bucket, BUCKET_NAMES);
}

export function deedOf(deed: string | undefined): string | undefined {
  if (deed !== undefined && !/^[0-9a-f]{16}$/.test(deed))
    throw new AuditError("FILTER_INVALID", { path: "deed", message: "A deed is named by 16 hexadecimal digits, as the answers give it." });
  return deed;
}

export function groupsOf(groups: readonly GroupName[] = []): readonly GroupName[] {
  if (groups.length > STATS_NAMES_MAX)
    throw new AuditError("FILTER_INVALID", { path: "group", message: `Deeds are grouped by at most ${STATS_NAMES_MAX} names at a time.` });
  if (new Set(groups).size < groups.length)
    throw new AuditError("FILTER_INVALID", { path: "group", message: "Each name to group by stands once." });
  for (const group of groups) if (!isLabel(group)) oneOf("group", group, GROUP_NAMES, ", label.<name>");
  return groups;
}

function isLabel(group: string): boolean {
  const chars = group.length - LABEL.length;
  return group.startsWith(LABEL) && chars >= 1 && chars <= LABEL_NAME_CHARS_MAX;
}

/** A value that came from outside may be anything, whatever its type says. */
function oneOf<Name extends string>(path: string, value: string, names: readonly Name[], more = ""): Name {
  const known = names.find((name) => name === value);
  if (known === undefined) throw new AuditError("FILTER_INVALID", { path, message: `${path} is one of: ${names.join(", ")}${more}.` });
  return known;
}
