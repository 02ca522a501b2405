import type { Terminal } from "../terminal.ts";
import { printableLines } from "../terminal.ts";

/** The unified diff between two texts of a file; undefined stands for no file. */
export async function diffText(path: string, before: string | undefined, after: string | undefined): Promise<string> {
  // Loaded only here: every command would start later for it.
  const { createTwoFilesPatch } = await import("diff");
  const old = before === undefined ? "/dev/null" : path;
  const now = after === undefined ? "/dev/null" : path;
  return createTwoFilesPatch(old, now, before ?? "", after ?? "", undefined, undefined, { context: 3 }).replace(
    /^(?:Index: .*\n)?=+\n/,
    "",
  );
}

/** The same for a terminal. */
export function coloredDiff(diff: string, color: Terminal["color"]): string {
  return printableLines(diff.replaceAll("\r\n", "\n"))
    .trimEnd()
    .split("\n")
    .map((line) => {
      if (/^(?:---|\+\+\+) /.test(line)) return color.bold(line);
      if (line.startsWith("@@")) return color.cyan(line);
      return line.startsWith("+") ? color.green(line) : line.startsWith("-") ? color.red(line) : line;
    })
    .join("\n");
}
