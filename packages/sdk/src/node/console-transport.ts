import type { OutgoingEvent, Transport } from "../transport.ts";

/**
 * Writes each event as one readable line instead of sending it: what a developer sees who has no server yet. The answer is no receipt of a trail: its origin is
 * `console`, and nothing is kept.
 */
export function createConsoleTransport(write: (line: string) => unknown = (line) => process.stderr.write(line)): Transport {
  let index = 0;
  let isIntroduced = false;
  return {
    async send(events) {
      if (!isIntroduced)
        write("audit: no trail is set, events are shown here and not kept. Set VOUCHTRAIL_URL, for example to http://127.0.0.1:7431.\n");
      isIntroduced = true;
      return events.map((event) => {
        write(`audit: ${describe(event)}\n`);
        return { receipt: { origin: "console", id: event.id, index: index++, leafHash: "" } };
      });
    },
  };
}

interface Described {
  readonly action?: string;
  readonly actor?: { readonly type: string; readonly id: string };
  readonly target?: { readonly type: string; readonly id: string };
  readonly outcome?: { readonly status: string; readonly code?: string };
  readonly details?: unknown;
}

function describe({ json }: OutgoingEvent): string {
  const { action, actor, target, outcome, details } = JSON.parse(json) as Described;
  const on = target === undefined ? "" : ` on ${target.type}/${target.id}`;
  const code = outcome?.code === undefined ? "" : ` (${outcome.code})`;
  return `${action} by ${actor?.type}/${actor?.id}${on}: ${outcome?.status}${code}${details === undefined ? "" : ` ${JSON.stringify(details)}`}`;
}
