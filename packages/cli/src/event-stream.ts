import { STREAM_EVENT_CHARS_MAX } from "./limits.ts";

/** One server-sent event. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/**
 * Reads server-sent events from the pieces of a body. Comments are skipped; an event without data only moves the last id, which is given
 * with empty data, so that a reader that reconnects goes on from there.
 *
 * Source: HTML standard, section 9.2.6 (the field `event` is not used here, `retry` not obeyed).
 */
export async function* readEventStream(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  let pendingChars = 0;
  let id: string | undefined;
  let data: string[] = [];

  function* take(line: string): Generator<StreamEvent> {
    if (line === "") {
      if (id !== undefined || data.length > 0) yield { id, data: data.join("\n") };
      id = undefined;
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }

  for await (const piece of body) {
    const lines = decoder.decode(piece, { stream: true }).split("\n");
    for (const [position, text] of lines.entries()) {
      pending.push(text);
      pendingChars += text.length;
      if (pendingChars > STREAM_EVENT_CHARS_MAX) throw new Error("The server sent an event that is too long.");
      if (position === lines.length - 1) break; // What is behind the last line feed waits for the rest of its line.
      const line = pending.join("");
      pending = [];
      pendingChars = 0;
      yield* take(line.endsWith("\r") ? line.slice(0, -1) : line);
    }
  }
}
