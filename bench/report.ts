import { execFileSync } from "node:child_process";
import { cpus, loadavg, platform, release, totalmem } from "node:os";

/** A Markdown table that is also readable as it stands: columns are padded, all but the first aligned to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(3, title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (column === 0 ? (cells[column] ?? "").padEnd(width) : (cells[column] ?? "").padStart(width))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

/** `12,345`, `123`, `12.3` or `1.23`: three digits that matter, or all of a whole number. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function formatMegabytes(bytes: number): string {
  return `${formatNumber(bytes / 1e6)} MB`;
}

/** Where and of what the figures are; the load says who else was at work. */
export function describeRun(command: string): string {
  const processors = cpus();
  return [
    `date: ${new Date().toISOString().slice(0, 16)}Z; commit: ${commitText()}`,
    `command: ${command}; Node.js ${process.versions.node}`,
    `machine: ${processors[0]?.model.trim() ?? "unknown"}, ${processors.length} cores, ${Math.round(totalmem() / 2 ** 30)} GB; ${platform()} ${release().split("-")[0]}; load before the run ${formatNumber(loadavg()[0] ?? 0)}`,
  ].join("\n");
}

function commitText(): string {
  try {
    const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "--", "packages") === "" ? "" : " with changes"}`;
  } catch {
    return "unknown";
  }
}
