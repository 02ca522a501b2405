// Every bound of the audit proxy, its unit and the reason for the number.

/** Bytes of one message that is read. A longer one is passed on and noted by its size: the trail takes no larger event either. */
export const MESSAGE_BYTES_MAX = 16 * 1_048_576;
/** Characters of one message whose parameters or result are recorded. Of a longer one the trail gets size and digest, so that one event never outgrows the limit of the trail. */
export const CONTENT_CHARS_MAX = 4 * 1_048_576;
/** Requests of one channel whose answer is awaited. A peer that never answers must not fill the memory. */
export const OPEN_REQUESTS_MAX = 10_000;
/** Messages of one channel that could not be read and are noted one by one; all are counted. */
export const UNREAD_NOTED_MAX = 100;
/** Lines that `--strict` holds while the trail is asked; then nothing more is read from the client. */
export const HELD_LINES_MAX = 256;
/** Bytes of the lines that `--strict` holds: one message of the largest size. */
export const HELD_BYTES_MAX = MESSAGE_BYTES_MAX;
/** Milliseconds that `--strict` waits for the receipt of an intent: shorter than the patience of every client known. */
export const STRICT_TIMEOUT_MS = 5_000;
/** Milliseconds that the end of the proxy waits for the trail before the rest goes to the disk: clients kill what does not end soon. */
export const CLOSE_TIMEOUT_MS = 2_000;
/** Tools of one server whose definitions are compared. */
export const TOOLS_MAX = 10_000;
/** Bytes of the file that remembers the definitions of one server: {@link TOOLS_MAX} names and digests. */
export const DEFINITIONS_BYTES_MAX = 4 * 1_048_576;
/** Characters of one definition that are recorded with it; of a longer one only the digest. */
export const DEFINITION_CHARS_MAX = 65_536;
/** Levels of nesting of a definition that is compared. */
export const DEFINITION_DEPTH_MAX = 256;
/** Characters of a message that an outcome quotes. */
export const MESSAGE_CHARS_MAX = 1_000;
/** Sessions of a Streamable HTTP server that are followed at once. */
export const HTTP_SESSIONS_MAX = 1_000;

/** JSON-RPC error code of a call that `--strict` refused: the trail did not confirm its intent. From the range that is left to implementations. */
export const REFUSED_CODE = -32_010;
/** JSON-RPC error code of a message that `--strict` refused because it cannot be read. */
export const UNREADABLE_CODE = -32_011;
/** JSON-RPC error code in an answer of the HTTP proxy when the server behind it cannot be reached. */
export const SERVER_AWAY_CODE = -32_012;
