import fc from "fast-check";
import { expect, test } from "vitest";
import { createEventParser, type StreamEvent, streamEvents } from "./event-stream.ts";

const STREAM =
  'retry: 1000\nid: 6\n: tail of x\n\nid: 7\ndata: {"a":"ü😀"}\n\n:\n\ndata:two\ndata: lines\n\nid: 9\r\ndata: crlf\r\n\r\nid: 10\ndata: never ended';
const EVENTS: readonly StreamEvent[] = [{ id: "6" }, { id: "7", data: '{"a":"ü😀"}' }, { data: "two\nlines" }, { id: "9", data: "crlf" }];

test("PAGE-13: the stream reads the same wherever it is cut", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const parts = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      });
      const events: StreamEvent[] = [];
      for await (const event of streamEvents(body)) events.push(event);
      expect(events).toEqual(EVENTS);
    }),
  );
});

test("PAGE-13: comments and unknown fields say nothing", () => {
  const parse = createEventParser();
  expect(parse(":\n\nevent: x\n\n\n\nretry: 5\n\n")).toEqual([]);
});
