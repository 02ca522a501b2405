import { createInterface } from "node:readline/promises";
import { ANSWER_CHARS_MAX } from "./limits.ts";

/** Asks on a terminal. Anything but `y` or `yes` is no, also the end of input. */
export async function isConfirmed(question: string, input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<boolean> {
  const lines = createInterface({ input, output, terminal: false });
  try {
    output.write(question);
    for await (const line of lines) return line.length <= ANSWER_CHARS_MAX && /^\s*y(?:es)?\s*$/i.test(line);
    return false;
  } finally {
    lines.close();
  }
}
