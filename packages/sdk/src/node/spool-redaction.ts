type Redact = (json: string) => string;

/** What is written instead of an event that cannot be redacted: that it was there, and nothing of it. */
const NOT_REDACTED = { outcome: { status: "failure", code: "NOT_REDACTED" } };

let loading: Promise<Redact> | undefined;

/**
 * What takes known secrets out of the JSON of an event before it is written to the disk. Loaded when it is first needed, because most processes never spool, and loading takes longer than
 * everything else of the SDK.
 */
export function loadSpoolRedaction(): Promise<Redact> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined; // It is tried again with the next write.
    throw error;
  });
  return loading;
}

async function load(): Promise<Redact> {
  const { createRedactor } = await import("@vouchtrail/events/redaction");
  const redactor = createRedactor();
  return (json) => {
    if (!redactor.mayContainSecrets(Buffer.from(json))) return json;
    const event = JSON.parse(json) as Readonly<Record<string, unknown>>;
    try {
      return JSON.stringify(redactor.redactEvent(event).event);
    } catch {
      // One event must not keep those beside it from the disk.
      const { id, occurredAt, tenant, action, actor, target, source } = event;
      return JSON.stringify({ id, occurredAt, tenant, action, actor, target, source, ...NOT_REDACTED });
    }
  };
}
