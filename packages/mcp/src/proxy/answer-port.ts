import type { Writable } from "node:stream";

/** The way to the client when the proxy itself has something to say: its lines stand between those of the server, never within one. */
export interface AnswerPort {
  /** Passes bytes of the server on unchanged; whether more may come at once. */
  write(chunk: Buffer): boolean;
  /** Says a line of the proxy, without its newline, as soon as the server is not in the middle of one. */
  say(line: string): void;
  /** The server says nothing more: what is held is said on lines of its own. */
  end(): void;
}

/** @param output Where the client reads. */
export function createAnswerPort(output: Writable): AnswerPort {
  let isAtLineStart = true;
  let held: string[] = [];

  function release(): boolean {
    const text = held.map((line) => `${line}\n`).join("");
    held = [];
    return text === "" || output.write(text);
  }

  return {
    write(chunk) {
      const newline = chunk.lastIndexOf(10);
      if (chunk.length > 0) isAtLineStart = newline === chunk.length - 1;
      if (held.length === 0 || newline === -1) return output.write(chunk);
      output.write(chunk.subarray(0, newline + 1));
      const isFree = release();
      return newline + 1 === chunk.length ? isFree : output.write(chunk.subarray(newline + 1));
    },
    say(line) {
      held.push(line);
      if (isAtLineStart) release();
    },
    end() {
      if (held.length === 0) return;
      if (!isAtLineStart) output.write("\n");
      release();
    },
  };
}
