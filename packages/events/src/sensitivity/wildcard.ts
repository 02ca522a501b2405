/**
 * Whether the whole of `text` matches `pattern`, in which `*` stands for any characters, also none, and `?` for one.
 *
 * Only the last star is ever tried again, so the time is at most the product of both lengths.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const symbol = pattern[inPattern];
    if (symbol === "*") {
      star = inPattern++;
      starAt = at;
    } else if (symbol !== undefined && (symbol === "?" || symbol === text[at])) {
      inPattern++;
      at++;
    } else if (star >= 0) {
      inPattern = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[inPattern] === "*") inPattern++;
  return inPattern === pattern.length;
}
