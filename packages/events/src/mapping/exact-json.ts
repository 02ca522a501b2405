import { replaceLoneSurrogates } from "./leaf-text.ts";

// A string, or a number outside of strings. The string part is unrolled: it never backtracks, however long the string.
const TOKEN_PATTERN = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
// Whatever does not match holds only numbers that JavaScript represents exactly enough to print them again.
const SUSPICIOUS_NUMBER_PATTERN = /\d{16}|\d\.\d{15}|\d[eE][+-]?\d{2}/;
const SURROGATE_ESCAPE_PATTERN = /\\u[dD][89a-fA-F]|[\ud800-\udfff]/;

/**
 * Parses JSON text of foreign origin without losing anything: a number that JavaScript cannot hold (1234567890123456789, 1e400) becomes a
 * string with the digits as written, and half a surrogate pair becomes U+FFFD, because the trail takes neither.
 *
 * @returns The value and how many numbers and strings were repaired.
 * @throws {SyntaxError} when the text is not JSON.
 */
export function parseExactJson(text: string): { value: unknown; repairCount: number } {
  const repairs = { count: 0 };
  let exact = text;
  if (SUSPICIOUS_NUMBER_PATTERN.test(text)) {
    // Parsed once before, so that quoting a number cannot turn broken text into valid text.
    JSON.parse(text);
    exact = text.replace(TOKEN_PATTERN, (token) => {
      if (token.startsWith('"') || isExactNumber(token)) return token;
      repairs.count++;
      return `"${token}"`;
    });
  }
  const value: unknown = JSON.parse(exact);
  return { value: SURROGATE_ESCAPE_PATTERN.test(text) ? wellFormed(value, repairs) : value, repairCount: repairs.count };
}

/** Whether the JSON number `token` still has its value after it went through a JavaScript number. */
export function isExactNumber(token: string): boolean {
  return normalNumber(token) === normalNumber(String(Number(token)));
}

// Sign, digits without outer zeros, and the power of ten of the last digit: equal texts are equal numbers.
function normalNumber(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) return text; // Infinity, which no JSON number equals.
  const fraction = parts[3] ?? "";
  const digits = `${parts[2]}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  return `${parts[1]}${significant}e${Number(parts[4] ?? 0) - fraction.length + digits.length - significant.length}`;
}

function wellFormed(value: unknown, repairs: { count: number }): unknown {
  if (typeof value === "string") {
    const repaired = replaceLoneSurrogates(value);
    if (repaired !== value) repairs.count++;
    return repaired;
  }
  if (Array.isArray(value)) return value.map((member) => wellFormed(member, repairs));
  if (typeof value !== "object" || value === null) return value;
  // Object.fromEntries defines keys, so that a key named __proto__ stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [replaceLoneSurrogates(key), wellFormed(member, repairs)]));
}
