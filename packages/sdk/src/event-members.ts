import type { NativeEventInput } from "./event-input.ts";

/**
 * The required members that an event lacks or that are of another type, as paths. The server looks at everything else: it is asked anyway, and its answer names every fault.
 */
export function missingMembers(event: NativeEventInput): string[] {
  const missing: string[] = [];
  const need = (value: unknown, path: string): void => {
    if (typeof value !== "string" || value === "") missing.push(path);
  };
  // Callers without types send anything.
  const { action, actor, target, outcome, activity } = event as Partial<NativeEventInput>;
  need(action, "action");
  need(actor?.type, "actor.type");
  need(actor?.id, "actor.id");
  if (activity === undefined || target !== undefined) {
    need(target?.type, "target.type");
    need(target?.id, "target.id");
  }
  need(outcome?.status, "outcome.status");
  return missing;
}
