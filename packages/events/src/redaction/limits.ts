/** Bounds of redaction and minimisation, with their units and reasons. */

/** Characters of a key name that are looked at, counted from its end: what makes a name secret stands last. */
export const KEY_CHARS_MAX = 64;
/** Characters of one value that are followed to its closing quote. An RSA-8192 key as PEM is about 6,400. */
export const VALUE_CHARS_MAX = 16_384;
/** Layers of encoding that are opened: base64 of a percent-encoded JSON string is two. */
export const DECODE_DEPTH_MAX = 3;
/** Characters of base64 that are worth decoding: shorter runs hold no secret that a rule knows. */
export const BASE64_RUN_CHARS_MIN = 20;
/** Passes over one text. A second pass finds what the first replacement laid bare; texts need more only when built to. */
export const PASSES_MAX = 4;
/** Levels of nesting that are walked. The event schema ends at 64; what is deeper is replaced whole. */
export const WALK_DEPTH_MAX = 80;
/** Key names whose classification is remembered. */
export const KEY_CACHE_MAX = 4_096;
/** Decoded characters per character of text, and a floor: more is an encoding built to exhaust, and is replaced unread. */
export const DECODED_FACTOR_MAX = 8;
export const DECODED_CHARS_FLOOR = 65_536;
/** User patterns of one configuration, and characters of one. */
export const USER_PATTERNS_MAX = 100;
export const USER_PATTERN_CHARS_MAX = 1_000;
/** Characters of the replacement. */
export const REPLACEMENT_CHARS_MAX = 100;
