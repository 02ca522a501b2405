const NEWLINE = 10;

export interface LineReader {
  /** One line with its newline; the last one of a stream may have none. */
  line(bytes: Buffer): void;
  /** A line that was too long to keep, and how long it was in bytes. */
  oversize(byteCount: number): void;
}

export interface LineSplitter {
  write(chunk: Buffer): void;
  /** The stream has ended: what is left is its last line. */
  end(): void;
}

/**
 * Cuts a stream of bytes into lines, whatever its chunks. It keeps at most `bytesMax` bytes of a line; all lines together are the stream, but for those that are too long.
 *
 * Cut at bytes, not characters: a newline byte is never part of another character in UTF-8, and a stream that is no UTF-8 has lines as well.
 */
export function createLineSplitter(bytesMax: number, reader: LineReader): LineSplitter {
  let parts: Buffer[] = [];
  let byteCount = 0;

  function add(part: Buffer): void {
    byteCount += part.length;
    if (byteCount <= bytesMax) parts.push(part);
    else parts = [];
  }

  function finish(): void {
    const bytes = byteCount;
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    byteCount = 0;
    if (bytes > bytesMax) reader.oversize(bytes);
    else if (whole !== undefined && bytes > 0) reader.line(whole);
  }

  return {
    write(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        add(chunk.subarray(start, end + 1));
        start = end + 1;
        finish();
      }
      if (start < chunk.length) add(chunk.subarray(start));
    },
    end: finish,
  };
}
