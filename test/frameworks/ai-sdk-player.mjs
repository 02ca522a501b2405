// Plays scenarios with the real AI SDK, and keeps what was recorded of each.
import { registerTelemetry } from "ai";
import { auditAiSdk, auditTelemetry } from "../../packages/sdk/dist/node/agents/ai-sdk.js";
import { mockAudit } from "../../packages/sdk/dist/node/testing/mock-audit.js";

/** How an application can let the adapter hear the AI SDK. `own` names integrations of its own, so that only the channel tells. */
export const WAYS = {
  telemetry: (options) => {
    registerTelemetry(auditTelemetry(options));
    return {};
  },
  perCall: (options) => ({ telemetry: { integrations: [auditTelemetry(options)] } }),
  global: (options) => ({ end: auditAiSdk(options) }),
  channel: (options) => ({ end: auditAiSdk(options), telemetry: { integrations: [{}] } }),
  both: (options) => {
    registerTelemetry(auditTelemetry(options), auditTelemetry(options));
    return { end: auditAiSdk(options) };
  },
};

/** What was recorded and seen, by the name of the scenario. */
export const told = {};
/** @param play Gets the settings for each call of the AI SDK and the emitter; what it returns is told as well. */
export async function scenario(name, way, options, play) {
  const audit = mockAudit();
  const { end, telemetry } = WAYS[way]({ emitter: audit.emitter, ...options });
  const settings = telemetry === undefined ? {} : { telemetry };
  let notes;
  try {
    notes = await play(settings, audit);
  } catch (error) {
    notes = { thrown: `${error.name}: ${error.message}` };
  }
  // Events are made when they are told; those of a stream are told when its last callback has run.
  await new Promise((resolve) => setImmediate(resolve));
  end?.();
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = [];
  told[name] = { events: [...audit.events], notes };
}
