import type { Writable } from "node:stream";
import pc from "picocolors";

/** Where a command reads and writes. Results go to `out`, everything said about them to `err`. */
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
  /** Writes without a line end, and waits until the reader has taken it. */
  write(text: string): Promise<void>;
  /** Colours of `out`: none unless it is a terminal and `NO_COLOR` is not set. */
  readonly color: Colors;
  readonly errColor: Colors;
  /** Whether a person looks at `err`, so that a progress bar helps. */
  readonly isInteractive: boolean;
  /** Columns of `out`; undefined unless it is a terminal. */
  readonly width: number | undefined;
  readonly errStream: NodeJS.WritableStream;
}

/** Columns of a terminal that does not tell them. */
const TERMINAL_WIDTH_DEFAULT = 80;

type Colors = ReturnType<typeof pc.createColors>;
interface Stream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export function openTerminal(out: Stream, err: Stream, environment: Readonly<Record<string, string | undefined>>): Terminal {
  const isPlain = (environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb";
  return {
    out: (line) => void out.write(`${line}\n`),
    err: (line) => void err.write(`${line}\n`),
    write: (text) => (out.write(text) ? Promise.resolve() : new Promise((resolve) => out.once("drain", resolve))),
    color: pc.createColors(out.isTTY === true && !isPlain),
    errColor: pc.createColors(err.isTTY === true && !isPlain),
    isInteractive: err.isTTY === true && environment.TERM !== "dumb",
    // A terminal that does not say how wide it is counts as one of the old width.
    width: out.isTTY === true ? (out.columns ?? 0) || TERMINAL_WIDTH_DEFAULT : undefined,
    errStream: err,
  };
}

// Control characters and the marks that turn the direction of writing: an event must not be able to paint over the terminal.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text of foreign origin as one harmless line. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeCharacter);
}

/** The same for text that keeps its line breaks and tabs. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (character === "\n" || character === "\t" ? character : escapeCharacter(character)));
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const numbers = new Intl.NumberFormat("en-US");

/** `1,234,567` */
export function countText(count: number): string {
  return numbers.format(count);
}
