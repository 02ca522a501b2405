import type { Readable, Writable } from "node:stream";

/**
 * Passes every byte on as it comes, and shows it to `tap` afterwards. Nothing is read while the far end does not take more. When the far end is gone, nothing more is read: the near end learns of it as it would have.
 *
 * @param write Passes a chunk on; whether more may come at once, as `Writable.write` tells.
 */
export function pass(
  from: Readable,
  to: Writable,
  tap: (chunk: Buffer) => void,
  write = (chunk: Buffer): boolean => to.write(chunk),
): void {
  from.on("data", (chunk: Buffer) => {
    if (!write(chunk)) from.pause();
    tap(chunk);
  });
  to.on("drain", () => from.resume());
  // Its end is told by close; an error is one way to it.
  to.on("error", () => from.destroy());
  to.on("close", () => from.destroy());
  from.on("error", () => undefined);
}
