import { v7 } from "uuid";

/** JSON text of an event, ready to be sent, and what a second sending needs to be recognised as the same. */
export interface EventText {
  readonly json: string;
  readonly id: string;
}

export interface MissingMembers {
  readonly id: string;
  readonly occurredAt: string;
  readonly tenant?: string | undefined;
}

/**
 * Gives an event the id and time that it lacks, before it is sent: only then is a retry the same event. The members are put in front of what
 * was written, whose bytes stay as they are: a key that stands there twice is for the server to refuse.
 *
 * @param text One JSON object.
 * @param value The same, parsed.
 * @param missing What to fill in.
 */
export function completeEvent(text: string, value: Readonly<Record<string, unknown>>, missing: MissingMembers): EventText {
  const id = typeof value.id === "string" ? value.id : missing.id;
  const added: Record<string, string> = {};
  if (value.id === undefined) added.id = id;
  if (value.occurredAt === undefined) added.occurredAt = timeOfId(id) ?? missing.occurredAt;
  const line = oneLine(text);
  if (value.tenant === undefined && missing.tenant !== undefined) added.tenant = missing.tenant;
  if (Object.keys(added).length === 0) return { json: line, id };
  const front = JSON.stringify(added).slice(0, -1);
  const rest = line.slice(1).trimStart();
  return { json: `${front}${rest === "}" ? "" : ","}${rest}`, id };
}

/** JSON holds line ends only between its tokens, where a space means the same. */
export function oneLine(json: string): string {
  return json.trim().replace(/[\r\n]+/g, " ");
}

/** A fresh id in the order of time. */
export function newEventId(): string {
  return v7();
}

/** The time inside a UUID of version 7 (RFC 9562 section 5.7). */
function timeOfId(id: string): string | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/i.test(id)) return undefined;
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString();
}
