/** Every bound of the ledger format, its unit, and the reason for the number. */

/** Bytes of one leaf. Its length is a 16-bit number in an entry bundle (C2SP tlog-tiles). */
export const ENTRY_BYTES_MAX = 65_535;

/** Bytes of one hash: SHA-256. */
export const HASH_BYTES = 32;

/** Hashes in a full tile, leaves in a full entry bundle (C2SP tlog-tiles fixes the tile height at 8). */
export const TILE_WIDTH = 256;

/** Highest tile level (C2SP tlog-tiles: 0 to 63). */
export const TILE_LEVEL_MAX = 63;

/** Bytes of a full entry bundle: 256 leaves of the greatest length, each with its two length bytes. */
export const ENTRY_BUNDLE_BYTES_MAX = TILE_WIDTH * (ENTRY_BYTES_MAX + 2);

/** Leaves in a tree. Above it a JavaScript number no longer counts in steps of one. */
export const TREE_SIZE_MAX = Number.MAX_SAFE_INTEGER;

/** Hashes in one inclusion or consistency proof: one per level of a tree of 2^63 leaves (C2SP tlog-proof and tlog-witness). */
export const PROOF_HASHES_MAX = 63;

/** Bytes of unauthenticated `extra` data in a proof. It is nothing we write, so room for a stranger's small note is enough. */
export const PROOF_EXTRA_BYTES_MAX = 65_536;

/** Signature lines in one note. C2SP asks for at least 16; the Go implementation stops at 100 too. */
export const NOTE_SIGNATURES_MAX = 100;

/** Bytes of one signed note: 100 post-quantum signatures of nearly 5 kB and their text fit. */
export const NOTE_BYTES_MAX = 1_048_576;

/** Bytes of a key name or origin: C2SP subtree cosignatures carry it behind one length byte. */
export const KEY_NAME_BYTES_MAX = 255;

/** Characters of a disclosure's salt: 128 bits in base64url. */
export const SALT_CHARS = 22;

/** Characters of a disclosure's digest: 32 bytes in base64url. */
export const DIGEST_CHARS = 43;

/** Characters of a tenant in a leaf. */
export const TENANT_CHARS_MAX = 64;

/** Characters of an action in a leaf. */
export const ACTION_CHARS_MAX = 128;

/** Characters of `occurredAt` in a leaf: RFC 3339 with nanoseconds and offset has 35; the rest is room for longer fractions. */
export const OCCURRED_AT_CHARS_MAX = 64;

/** Erasing entries in one evidence bundle. Each section needs one; the rest is room for an erasure that was repeated. */
export const BUNDLE_ERASURES_MAX = 16;
