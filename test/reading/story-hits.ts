import { type AuditEvent, type AuditEventInput, type JsonObject, joinEvent, type SearchHit, splitEvent } from "@vouchtrail/events";
import { deedOf } from "../../packages/server/src/reading/story/related-entries.ts";

/** What is said of an event beside itself when it becomes an entry. */
export interface HitFacts {
  readonly via: string;
  /** RFC 3339; also `occurredAt` of an event that names none. */
  readonly at: string;
  /** Its content section was erased. */
  readonly isErased?: boolean;
}

const policy = { personalTargets: new Set<string>(), impersonalTargets: new Set(["tool"]), contextIds: "leaf" } as const;

/** An entry as a search gives it, cut into its sections and put together again as the ledger does. */
export function hitOf(index: number, event: AuditEventInput, { via, at, isErased = false }: HitFacts): SearchHit {
  const whole = {
    id: `0197a3c2-7d4b-7c1e-9a55-${String(index).padStart(12, "0")}`,
    occurredAt: at,
    tenant: "default",
    target: { type: event.activity?.type ?? "thing", id: event.activity?.name ?? "thing" },
    ...event,
  } as AuditEvent;
  const { leafMembers, personal, content } = splitEvent(whole, { at, via: "http" }, policy);
  const leaf = JSON.parse(`{"id":"${whole.id}"${leafMembers}}`) as JsonObject;
  const parsed = (text: string | undefined): JsonObject | undefined => (text === undefined ? undefined : (JSON.parse(text) as JsonObject));
  const values = { personal: parsed(personal), content: isErased ? undefined : parsed(content) };
  const present = { state: "present" } as const;
  const erased = { state: "erased", index: index + 1, at } as const;
  const hit = {
    index,
    leafHash: "",
    origin: "test",
    event: joinEvent(leaf, {
      ...(values.personal === undefined ? {} : { personal: values.personal }),
      ...(values.content === undefined ? {} : { content: values.content }),
    }),
    received: { at, via },
    sections: {
      ...(personal === undefined ? {} : { personal: present }),
      ...(content === undefined ? {} : { content: isErased ? erased : present }),
    },
    counted: true,
  } as SearchHit;
  const deed = deedOf(hit);
  return deed === undefined ? hit : { ...hit, deed };
}
