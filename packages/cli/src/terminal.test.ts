import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { openTerminal, printable, printableLines } from "./terminal.ts";

function openStream(isTTY: boolean): PassThrough & { isTTY: boolean } {
  return Object.assign(new PassThrough(), { isTTY });
}

test("colours appear on a terminal only, and never against NO_COLOR", () => {
  const red = (isTTY: boolean, environment: Record<string, string> = {}): string =>
    openTerminal(openStream(isTTY), openStream(isTTY), environment).color.red("x");
  expect(red(true)).toBe("\u001b[31mx\u001b[39m");
  expect(red(false)).toBe("x");
  expect(red(true, { NO_COLOR: "1" })).toBe("x");
  expect(red(true, { NO_COLOR: "" })).not.toBe("x");
  expect(red(true, { TERM: "dumb" })).toBe("x");
});

test("text of foreign origin cannot move the cursor, break the line or turn the direction of writing", () => {
  expect(printable("a\u001b[2Jb\nc\u202ed\u009be é 漢 🙂")).toBe("a\\u001b[2Jb\\u000ac\\u202ed\\u009be é 漢 🙂");
  expect(printableLines("a\n\tb\r\u0000")).toBe("a\n\tb\\u000d\\u0000");
});
