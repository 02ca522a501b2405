import fc from "fast-check";
import { expect, test } from "vitest";
import { readEventStream, type StreamEvent } from "./event-stream.ts";

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
  }
  yield bytes.subarray(from);
}

async function eventsOf(text: string, sizes: readonly number[] = []): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEventStream(pieces(Buffer.from(text), sizes))) events.push(event);
  return events;
}

test("events come out as they were written, wherever the bytes are cut", async () => {
  const written = fc.array(fc.record({ id: fc.nat().map(String), data: fc.json().map((json) => JSON.stringify(json)) }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      written,
      fc.array(fc.nat({ max: 30 }), { maxLength: 40 }),
      fc.constantFrom("\n", "\r\n"),
      async (events, sizes, end) => {
        const text = events.map(({ id, data }) => `id: ${id}${end}data: ${data}${end}${end}`).join("");
        expect(await eventsOf(text, sizes)).toEqual(events);
      },
    ),
  );
});

test("comments are skipped, an id alone moves on, several data lines are one text, an unfinished event is dropped", async () => {
  expect(await eventsOf("retry: 1000\nid: 6\n: hello\n\n:\n\nid:7\ndata:a\ndata: b\n\nid: 8\ndata: c\n")).toEqual([
    { id: "6", data: "" },
    { id: "7", data: "a\nb" },
  ]);
});
