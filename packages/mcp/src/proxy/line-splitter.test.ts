import fc from "fast-check";
import { expect, test } from "vitest";
import { createLineSplitter } from "./line-splitter.ts";

function split(bytesMax: number, chunks: readonly Uint8Array[]): { lines: Buffer[]; oversizes: number[] } {
  const lines: Buffer[] = [];
  const oversizes: number[] = [];
  const splitter = createLineSplitter(bytesMax, {
    line: (bytes) => void lines.push(bytes),
    oversize: (count) => void oversizes.push(count),
  });
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return { lines, oversizes };
}

const chunks = fc.array(fc.uint8Array({ maxLength: 30, max: 12 }), { maxLength: 20 });

test("PROXY-3: the lines of a stream are the stream, and each but the last ends with its only newline", () => {
  fc.assert(
    fc.property(chunks, (given) => {
      const { lines, oversizes } = split(1_000_000, given);
      expect(oversizes).toEqual([]);
      expect(Buffer.concat(lines).equals(Buffer.concat(given))).toBe(true);
      for (const line of lines.slice(0, -1)) expect(line.indexOf(10)).toBe(line.length - 1);
    }),
  );
});

test("PROXY-3: lines do not depend on the chunks, and one that is too long is told by its length alone", () => {
  fc.assert(
    fc.property(chunks, fc.integer({ min: 1, max: 20 }), (given, bytesMax) => {
      const pieces = split(bytesMax, given);
      expect(pieces).toEqual(split(bytesMax, [Buffer.concat(given)]));
      expect(pieces.lines.every((line) => line.length <= bytesMax)).toBe(true);
      expect(pieces.oversizes.every((count) => count > bytesMax)).toBe(true);
      const bytes = [...pieces.lines.map((line) => line.length), ...pieces.oversizes].reduce((sum, count) => sum + count, 0);
      expect(bytes).toBe(Buffer.concat(given).length);
    }),
  );
});
