import { STREAM_EVENT_CHARS_MAX } from "./limits.ts";

/** Reads lines of JSON from the pieces of a body; blank lines are skipped. @throws {SyntaxError} for a line that is not JSON. */
export async function* readJsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  let pendingChars = 0;
  for await (const piece of body) {
    const lines = decoder.decode(piece, { stream: true }).split("\n");
    for (const [position, text] of lines.entries()) {
      pending.push(text);
      pendingChars += text.length;
      if (pendingChars > STREAM_EVENT_CHARS_MAX) throw new Error("The server sent a line that is too long.");
      if (position === lines.length - 1) break; // What is behind the last line feed waits for the rest of its line.
      const line = pending.join("");
      pending = [];
      pendingChars = 0;
      if (line.trim() !== "") yield JSON.parse(line) as unknown;
    }
  }
  const rest = pending.join("");
  if (rest.trim() !== "") yield JSON.parse(rest) as unknown;
}
