const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const STEPS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/**
 * A bar of at most `width` columns, exact to an eighth of one. What is more than nothing shows at least as a thin line.
 *
 * @param share From 0 to 1; anything else is taken as the nearer end.
 */
export function barText(share: number, width: number): string {
  const bounded = Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share));
  const eighths = bounded === 0 ? 0 : Math.max(1, Math.round(bounded * width * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

/**
 * One column a value: the greatest is the highest, and only nothing lies on the ground.
 *
 * @param values Not negative.
 */
export function sparkline(values: readonly number[]): string {
  const most = values.reduce((greatest, value) => Math.max(greatest, value), 0);
  const top = STEPS.length - 1;
  return values.map((value) => (value <= 0 || most === 0 ? STEPS[0] : STEPS[Math.max(1, Math.round((value / most) * top))]!)).join("");
}

/** Sums of neighbours, so that at most `count` values are left and each stands for equally many (the last for what is left over). */
export function condense(values: readonly number[], count: number): number[] {
  const each = Math.max(1, Math.ceil(values.length / count));
  const sums: number[] = [];
  for (const [position, value] of values.entries()) {
    const at = Math.floor(position / each);
    sums[at] = (sums[at] ?? 0) + value;
  }
  return sums;
}
