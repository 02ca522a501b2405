import type { Channel, Side } from "./channel.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";
import { createLineSplitter } from "./line-splitter.ts";

/** Reads what passed by, line by line, after it has passed. */
export interface MessageTap {
  write(chunk: Buffer): void;
  /** Reads what is left at once. */
  end(): void;
}

/** Makes a tap on one direction of a channel. Rule: PROXY-3. */
export function createMessageTap(channel: Channel, side: Side, nowMs: () => number): MessageTap {
  let waiting: { readonly chunk: Buffer; readonly nowMs: number }[] = [];
  let readMs = 0;
  let isScheduled = false;
  const splitter = createLineSplitter(MESSAGE_BYTES_MAX, {
    line: (bytes) => channel.read(side, bytes.toString("utf8"), readMs),
    oversize: (byteCount) => channel.unread(side, byteCount, "It is too long."),
  });

  function drain(): void {
    isScheduled = false;
    const chunks = waiting;
    waiting = [];
    for (const chunk of chunks) {
      readMs = chunk.nowMs;
      splitter.write(chunk.chunk);
    }
  }

  return {
    write(chunk) {
      waiting.push({ chunk, nowMs: nowMs() });
      if (isScheduled) return;
      isScheduled = true;
      // In the next turn: what has arrived in both directions passes first.
      setImmediate(drain);
    },
    end() {
      drain();
      readMs = nowMs();
      splitter.end();
    },
  };
}
