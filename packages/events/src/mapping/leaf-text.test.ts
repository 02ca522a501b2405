import fc from "fast-check";
import { expect, test } from "vitest";
import { isLeafText, toLeafId, toLeafName } from "./leaf-text.ts";

test("MAPPING-9: any text becomes a name that a leaf can hold, or nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 20 }), (text, charsMax) => {
      const name = toLeafName(text, charsMax);
      expect(name === undefined || isLeafText(name, charsMax)).toBe(true);
    }),
  );
  expect(toLeafName("a\n\tb\u0000", 10)).toBe("a b");
  expect(toLeafName("ab😀", 3)).toBe("ab");
  expect(toLeafName("\n", 3)).toBeUndefined();
});

test("MAPPING-9: an id that a leaf cannot hold becomes a stable UUID, and two of them stay two", () => {
  expect(toLeafId("s-1", 128)).toBe("s-1");
  const long = "x".repeat(129);
  expect(toLeafId(long, 128)).toBe(toLeafId(long, 128));
  expect(toLeafId(long, 128)).not.toBe(toLeafId(`${long}y`, 128));
  expect(isLeafText(toLeafId("a\nb", 128), 128)).toBe(true);
});
