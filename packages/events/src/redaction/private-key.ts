import { VALUE_CHARS_MAX } from "./limits.ts";

const HEADER = /-----BEGIN[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----/y;
const FOOTER = /-----END[ +][A-Z0-9 +]{0,60}-----/y;
const REST = /[A-Za-z0-9+/=\s\\:,.]{0,16384}/y;

/**
 * The end of the private key block (RFC 7468, OpenPGP) that starts at `start`, or -1. A block that was cut before its last line ends where
 * its base64 ends.
 */
export function privateKeyEnd(text: string, start: number): number {
  HEADER.lastIndex = start;
  if (!HEADER.test(text)) return -1;
  const body = HEADER.lastIndex;
  const dashes = text.slice(body, body + VALUE_CHARS_MAX).indexOf("-----");
  if (dashes >= 0) {
    FOOTER.lastIndex = body + dashes;
    if (FOOTER.test(text)) return FOOTER.lastIndex;
  }
  REST.lastIndex = body;
  REST.test(text);
  // A header that is only mentioned has nothing behind it.
  return /[A-Za-z0-9+/]{16}/.test(text.slice(body, REST.lastIndex)) ? Math.max(body, REST.lastIndex) : -1;
}
