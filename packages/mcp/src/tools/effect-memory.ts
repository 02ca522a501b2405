import type { AuditEventInput } from "@vouchtrail/events";
import { OPEN_EFFECTS_MAX } from "../limits.ts";

/** What the outcome of an effect repeats of its intent. */
export type Intent = Pick<AuditEventInput, "action" | "target" | "context">;

/** The intents of one process, so that an effect can be closed while the trail is away. It forgets the oldest ones first. */
export interface EffectMemory {
  remember(effectId: string, intent: Intent): void;
  intentOf(effectId: string): Intent | undefined;
}

export function createEffectMemory(): EffectMemory {
  const intents = new Map<string, Intent>();
  return {
    remember(effectId, intent) {
      intents.set(effectId.toLowerCase(), intent);
      const [oldest] = intents.keys();
      if (intents.size > OPEN_EFFECTS_MAX && oldest !== undefined) intents.delete(oldest);
    },
    intentOf: (effectId) => intents.get(effectId.toLowerCase()),
  };
}
