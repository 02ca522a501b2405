/** Payment card numbers: length and first digits of a known network, plausible grouping, and the Luhn check digit (ISO/IEC 7812-1). */

const NETWORKS =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17})$/;
const GROUPS = /^(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5})$/;
const RUN = /\d(?:[ -]?\d){12,30}/g;

/** Calls `push` with start and end of each card number in the text. */
export function findCards(text: string, push: (start: number, end: number) => void): void {
  RUN.lastIndex = 0;
  for (let match = RUN.exec(text); match !== null; match = RUN.exec(text)) {
    const end = match.index + match[0].length;
    if (/[\w.-]/.test(text[match.index - 1] ?? "") && !isEscape(text, match.index)) continue;
    if (/[\w-]/.test(text[end] ?? "") || (text[end] === "." && /\d/.test(text[end + 1] ?? ""))) continue;
    if (isCard(match[0])) push(match.index, end);
  }
}

function isEscape(text: string, index: number): boolean {
  return text[index - 2] === "\\" && /[nrt]/.test(text[index - 1] ?? "");
}

function isCard(run: string): boolean {
  if (!GROUPS.test(run)) return false;
  const digits = run.replace(/[ -]/g, "");
  if (!NETWORKS.test(digits) || /^(\d)\1*$/.test(digits)) return false;
  let sum = 0;
  for (let index = digits.length - 1, isDoubled = false; index >= 0; index--, isDoubled = !isDoubled) {
    const digit = digits.charCodeAt(index) - 0x30;
    sum += isDoubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}
