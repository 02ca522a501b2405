/** Reads server-sent events from a body that is fetched: EventSource cannot send a key. Source: HTML Living Standard section 9.2.6. */

/** What one block of the stream says. `data` is absent for a block that only sets the id. */
export interface StreamEvent {
  readonly id?: string;
  readonly data?: string;
}

/** Takes text as it comes, cut anywhere, and gives the events that are complete. */
export function createEventParser(): (text: string) => StreamEvent[] {
  let rest = "";
  let id: string | undefined;
  let data: string[] = [];

  function take(line: string): StreamEvent | undefined {
    if (line === "") {
      const event = { ...(id === undefined ? {} : { id }), ...(data.length === 0 ? {} : { data: data.join("\n") }) };
      id = undefined;
      data = [];
      return "id" in event || "data" in event ? event : undefined;
    }
    const [, name = "", value = ""] = /^([^:]*)(?:: ?)?([\s\S]*)$/.exec(line) ?? [];
    if (name === "id") id = value;
    else if (name === "data") data.push(value);
    return undefined;
  }

  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    return lines.map((line) => take(line.endsWith("\r") ? line.slice(0, -1) : line)).filter((event) => event !== undefined);
  };
}

/** The events of a body, as they come. Ends with the body; throws what reading it throws. */
export async function* streamEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const parse = createEventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield* parse(decoder.decode(part.value, { stream: true }));
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
