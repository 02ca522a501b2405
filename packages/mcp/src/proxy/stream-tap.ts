import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Channel } from "./channel.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";
import { createLineSplitter } from "./line-splitter.ts";

/** Reads the body of an HTTP answer while it passes. */
export interface BodyTap {
  write(chunk: Buffer): void;
  /** Resolves when all of it is read. */
  end(): Promise<void>;
}

const DECODERS = { gzip: createGunzip, "x-gzip": createGunzip, br: createBrotliDecompress, deflate: createInflate } as const;

/**
 * A tap for a body of this content type and encoding: messages of a `text/event-stream` one by one as they come, anything else as one message at its end. Of a body that cannot be read the size is noted.
 *
 * @param isMessage Whether a body that is no stream is expected to hold a message.
 */
export function createBodyTap(channel: Channel, type: string, encoding: string, isMessage: boolean, nowMs: () => number): BodyTap {
  const plain = /^text\/event-stream\b/i.test(type) ? eventStreamTap(channel, nowMs) : messageTap(channel, isMessage, nowMs);
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity") return plain;
  return decodedTap(plain, channel, name);
}

/** Each `data` of an event stream. Source: WHATWG HTML, section 9.2.6. */
function eventStreamTap(channel: Channel, nowMs: () => number): BodyTap {
  let data: string[] = [];
  let chars = 0;

  function takeLine(line: string): void {
    if (line === "") {
      if (data.length > 0) dispatch();
      return;
    }
    const [, value] = /^data(?:: ?([\s\S]*))?$/.exec(line) ?? [];
    if (!/^data(?::|$)/.test(line)) return;
    chars += (value ?? "").length + 1;
    if (chars <= MESSAGE_BYTES_MAX) data.push(value ?? "");
  }

  function dispatch(): void {
    const text = data.join("\n");
    if (chars > MESSAGE_BYTES_MAX) channel.unread("server", chars, "It is too long.");
    else channel.read("server", text, nowMs());
    data = [];
    chars = 0;
  }

  const splitter = createLineSplitter(MESSAGE_BYTES_MAX, {
    line(bytes) {
      const text = bytes.toString("utf8").replace(/\r?\n$/, "");
      // Lines may also end with a carriage return alone.
      for (const line of text.split("\r")) takeLine(line.replace(/^\ufeff/, ""));
    },
    oversize: (byteCount) => channel.unread("server", byteCount, "It is too long."),
  });
  return {
    write: splitter.write,
    async end() {
      splitter.end();
      // A client does not take what has no blank line behind it; what it held is read all the same.
      if (data.length > 0) dispatch();
    },
  };
}

function messageTap(channel: Channel, isMessage: boolean, nowMs: () => number): BodyTap {
  let parts: Buffer[] = [];
  let byteCount = 0;
  return {
    write(chunk) {
      byteCount += chunk.length;
      if (byteCount <= MESSAGE_BYTES_MAX && isMessage) parts.push(chunk);
      else parts = [];
    },
    async end() {
      if (!isMessage || byteCount === 0) return;
      if (byteCount > MESSAGE_BYTES_MAX) channel.unread("server", byteCount, "It is too long.");
      else channel.read("server", Buffer.concat(parts).toString("utf8"), nowMs());
    },
  };
}

/** Decodes beside the stream: what passes stays as it was encoded. */
function decodedTap(plain: BodyTap, channel: Channel, name: string): BodyTap {
  let byteCount = 0;
  if (!Object.hasOwn(DECODERS, name)) {
    return {
      write: (chunk) => {
        byteCount += chunk.length;
      },
      end: async () => channel.unread("server", byteCount, "Its content encoding is not known."),
    };
  }
  const decoder = DECODERS[name as keyof typeof DECODERS]();
  const done = new Promise<void>((resolve) => {
    decoder.on("data", (chunk: Buffer) => plain.write(chunk));
    decoder.on("end", resolve);
    decoder.on("error", () => {
      channel.unread("server", byteCount, "It cannot be decoded.");
      resolve();
    });
  });
  return {
    write(chunk) {
      byteCount += chunk.length;
      decoder.write(chunk);
    },
    async end() {
      decoder.end();
      await done;
      await plain.end();
    },
  };
}
