import { Presets, SingleBar } from "cli-progress";
import type { Terminal } from "./terminal.ts";

/** A bar on standard error, or nothing where nobody looks. */
export interface Progress {
  update(done: number, total: number | undefined): void;
  /** Takes the bar away, so that the lines after it stand alone. */
  close(): void;
}

export function openProgress(terminal: Terminal, label: string, unit: "bytes" | "entries", isWanted: boolean): Progress {
  if (!isWanted || !terminal.isInteractive) return { update() {}, close() {} };
  const scale = unit === "bytes" ? 1_048_576 : 1;
  const name = unit === "bytes" ? "MB" : unit;
  const bar = new SingleBar(
    {
      format: `${label} [{bar}] {percentage}% {value}/{total} ${name}`,
      stream: terminal.errStream,
      clearOnComplete: true,
      hideCursor: true,
      formatValue: (value, _options, type) =>
        type === "percentage" ? String(value) : scale === 1 ? String(value) : (value / scale).toFixed(1),
    },
    Presets.legacy,
  );
  let isStarted = false;
  return {
    update(done, total) {
      const end = Math.max(total ?? done, done, 1);
      if (!isStarted) bar.start(end, done);
      else {
        bar.setTotal(end);
        bar.update(done);
      }
      isStarted = true;
    },
    close() {
      if (isStarted) bar.stop();
    },
  };
}
