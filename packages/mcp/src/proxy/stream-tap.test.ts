import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Channel } from "./channel.ts";
import { createBodyTap } from "./stream-tap.ts";

/** Keeps what it is given. */
function listen(): { channel: Channel; texts: string[]; unread: number[] } {
  const texts: string[] = [];
  const unread: number[] = [];
  const none = (): never => {
    throw new Error("A body of an answer is only read.");
  };
  const channel: Channel = {
    read: (_side, text) => void texts.push(text),
    unread: (_side, byteCount) => void unread.push(byteCount),
    readStrictly: none,
    readHeaders: none,
    end: none,
    openCount: 0,
  };
  return { channel, texts, unread };
}

async function read(type: string, encoding: string, chunks: readonly Uint8Array[]): Promise<{ texts: string[]; unread: number[] }> {
  const { channel, texts, unread } = listen();
  const tap = createBodyTap(channel, type, encoding, true, () => 0);
  for (const chunk of chunks) tap.write(Buffer.from(chunk));
  await tap.end();
  return { texts, unread };
}

test("PROXY-16: messages of an event stream are read whatever the chunks and the line ends", async () => {
  const newline = fc.constantFrom("\n", "\r\n");
  const data = fc.array(fc.stringMatching(/^[a-z{}": ]{1,12}$/), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(data, { maxLength: 5 }), newline, fc.integer({ min: 1, max: 9 }), async (events, end, step) => {
      const text = events.map((lines) => `: note${end}id: 1${end}${lines.map((line) => `data: ${line}${end}`).join("")}${end}`).join("");
      const bytes = Buffer.from(text);
      const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step));
      expect((await read("text/event-stream; charset=utf-8", "", chunks)).texts).toEqual(events.map((lines) => lines.join("\n")));
    }),
  );
});

test("PROXY-16: a stream without its last blank line, and one of carriage returns, is read all the same", async () => {
  expect((await read("text/event-stream", "", [Buffer.from("data:a\n\ndata: b")])).texts).toEqual(["a", "b"]);
  expect((await read("text/event-stream", "", [Buffer.from("data: a\r\rdata: b\r\r")])).texts).toEqual(["a", "b"]);
});

test("PROXY-16: a compressed body is read decoded, and one that cannot be is noted by its size", async () => {
  const body = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}');
  expect((await read("application/json", "gzip", [gzipSync(body)])).texts).toEqual([body.toString()]);
  expect((await read("application/json", "br", [brotliCompressSync(body)])).texts).toEqual([body.toString()]);
  expect(await read("application/json", "gzip", [body])).toEqual({ texts: [], unread: [body.length] });
  expect(await read("application/json", "zstd", [body])).toEqual({ texts: [], unread: [body.length] });
});

test("PROXY-16: of a body that grows when it is decoded no more than a message is kept", async () => {
  const { texts, unread } = await read("application/json", "gzip", [gzipSync(Buffer.alloc(20 * 1_048_576))]);
  expect([texts, unread]).toEqual([[], [20 * 1_048_576]]);
});
