import type { Readable, Writable } from "node:stream";
import type { AuditError } from "@vouchtrail/events";
import type { Channel } from "./channel.ts";
import { HELD_BYTES_MAX, HELD_LINES_MAX, MESSAGE_BYTES_MAX, REFUSED_CODE, UNREADABLE_CODE } from "./limits.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { readMessages } from "./message.ts";

/** What became of a message that a strict proxy was given: it may pass, or it may not and the client is told so. */
export type Verdict = { readonly isPassed: true } | { readonly isPassed: false; readonly answers: readonly string[] };

const PASSED: Verdict = { isPassed: true };

/**
 * Decides about one message of the client: a call passes when its intent is in the trail. What cannot be read does not pass: it could be a call, to a server that reads it otherwise.
 *
 * @returns With a refusal, the answers for the client as JSON-RPC messages: one for each request in the message.
 *
 * Rules: PROXY-13, PROXY-14.
 */
export async function judge(channel: Channel, text: string, nowMs: () => number): Promise<Verdict> {
  if (text.trim() === "") return PASSED;
  const messages = readMessages(text);
  // A carriage return is a blank to JSON and the end of a line to some readers: what follows it would be a message to them.
  if (messages === undefined || text.trimEnd().includes("\r")) return refuseUnread(channel, Buffer.byteLength(text));
  try {
    await channel.readStrictly(text, nowMs);
    return PASSED;
  } catch (error) {
    const { code, message } = error as AuditError;
    const words = `The call was not made: the audit trail did not confirm that it is recorded (${code}: ${message}) Start the trail or check its URL and key, then call again; without --strict calls are made while the trail is away.`;
    const answers = messages
      .filter((one) => one.kind === "request")
      .map(({ id }) => JSON.stringify({ jsonrpc: "2.0", id, error: { code: REFUSED_CODE, message: words, data: { code } } }));
    return { isPassed: false, answers };
  }
}

function refuseUnread(channel: Channel, byteCount: number): Verdict {
  channel.unread("client", byteCount, "It is no JSON-RPC message, and was not passed on.");
  const message = `The message was not passed on: a strict audit proxy passes only what it can read. Send one JSON-RPC message a line, of at most ${MESSAGE_BYTES_MAX} bytes.`;
  return { isPassed: false, answers: [JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: UNREADABLE_CODE, message } })] };
}

/** What a strict proxy does with the lines of its client. */
export interface StrictPassage {
  /** Resolves when every line that has come so far has passed or was refused. */
  settled(): Promise<void>;
}

/**
 * Passes the lines of the client on in their order, each once it may. The bytes of a line are not changed.
 *
 * @param answer Tells the client what was refused, as one line of JSON.
 */
export function passStrictly(
  from: Readable,
  to: Writable,
  channel: Channel,
  nowMs: () => number,
  answer: (line: string) => void,
): StrictPassage {
  const held: { readonly bytes: Buffer; readonly verdict: Promise<Verdict> }[] = [];
  let heldBytes = 0;
  let isPassing = false;
  let isEnded = false;
  let passing: Promise<void> = Promise.resolve();

  const splitter = createLineSplitter(MESSAGE_BYTES_MAX, {
    line: (bytes) => hold(bytes, judge(channel, bytes.toString("utf8"), nowMs)),
    oversize: (byteCount) => hold(Buffer.alloc(0), Promise.resolve(refuseUnread(channel, byteCount))),
  });

  function hold(bytes: Buffer, verdict: Promise<Verdict>): void {
    held.push({ bytes, verdict });
    heldBytes += bytes.length;
    if (!isPassing) passing = release();
  }

  async function release(): Promise<void> {
    isPassing = true;
    for (let first = held.shift(); first !== undefined; first = held.shift()) {
      const verdict = await first.verdict;
      heldBytes -= first.bytes.length;
      if (!verdict.isPassed) verdict.answers.forEach(answer);
      else if (!to.destroyed && !to.write(first.bytes)) await writable(to);
      if (!isFull()) from.resume();
    }
    isPassing = false;
    if (isEnded) to.end();
  }

  const isFull = (): boolean => held.length >= HELD_LINES_MAX || heldBytes >= HELD_BYTES_MAX;

  from.on("data", (chunk: Buffer) => {
    splitter.write(chunk);
    if (isFull()) from.pause();
  });
  from.on("end", () => {
    splitter.end();
    isEnded = true;
    if (!isPassing) to.end();
  });
  to.on("error", () => from.destroy());
  to.on("close", () => from.destroy());
  from.on("error", () => undefined);
  return { settled: () => passing };
}

/** Resolves when more can be written, or nothing any more. */
function writable(to: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      to.off("drain", done);
      to.off("close", done);
      resolve();
    };
    to.on("drain", done);
    to.on("close", done);
  });
}
