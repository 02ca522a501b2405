/** SHA-256 of bytes, 32 bytes; passed in because this package imports no `node:` module. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

/** What stands in place of text that was cut. Length and hash are those of the text as it was before cutting and after redaction. */
export interface CutText {
  /** The rule that cut it. */
  readonly cut: string;
  /** The beginning of the text, whole characters only. */
  readonly preview: string;
  /** UTF-16 code units of the whole. */
  readonly chars: number;
  /** UTF-8 bytes of the whole. */
  readonly bytes: number;
  /** Hex SHA-256 of the UTF-8 of the whole. */
  readonly sha256: string;
}

/**
 * Cuts a text to its first `previewChars` UTF-16 code units; a surrogate pair is never halved. It stands inside a salted section, so that
 * the hash confirms no guess about a text that was erased.
 */
export function cutText(text: string, previewChars: number, rule: string, sha256: Sha256): CutText {
  const bytes = encodeUtf8(text);
  return { cut: rule, preview: previewOf(text, previewChars), chars: text.length, bytes: bytes.length, sha256: toHex(sha256(bytes)) };
}

function previewOf(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const last = text.charCodeAt(chars - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? chars - 1 : chars);
}

/** UTF-8 of a text; half of a surrogate pair becomes U+FFFD, as everywhere in the platform. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    let code = text.charCodeAt(index);
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = code <= 0xdbff ? text.charCodeAt(index + 1) : 0;
      if (low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        index++;
      } else code = 0xfffd;
    }
    if (code < 0x80) bytes[count++] = code;
    else {
      if (code < 0x800) bytes[count++] = 0xc0 | (code >> 6);
      else {
        if (code < 0x10000) bytes[count++] = 0xe0 | (code >> 12);
        else {
          bytes[count++] = 0xf0 | (code >> 18);
          bytes[count++] = 0x80 | ((code >> 12) & 63);
        }
        bytes[count++] = 0x80 | ((code >> 6) & 63);
      }
      bytes[count++] = 0x80 | (code & 63);
    }
  }
  return bytes.subarray(0, count);
}

function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
