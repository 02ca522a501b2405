/** The codes this package throws. Callers branch on the code, never on the message. */

/** Every code with the sentence that tells what is wrong. */
export const PROTOCOL_ERRORS = {
  BASE64_INVALID: "The text is not strict base64.",
  UTF8_INVALID: "The bytes or characters are not valid UTF-8.",
  HASH_INVALID: "A hash must be exactly 32 bytes.",
  INDEX_OUT_OF_RANGE: "The index or size is outside the tree, or not an integer from 0 to 2^53 - 1.",
  ENTRY_TOO_LARGE: "The leaf is longer than 65,535 bytes and cannot be put into an entry bundle.",
  TREE_INVALID: "The saved edge does not belong to a tree of this size.",
  PROOF_INVALID: "The proof does not lead to the root hash.",
  TLOG_PROOF_INVALID: "The text is not a c2sp.org/tlog-proof@v1 proof.",
  TILE_INVALID: "The tile has the wrong length or does not belong to the signed tree.",
  TILE_PATH_INVALID: "The path names no tile and no entry bundle.",
  ENTRY_BUNDLE_INVALID: "The entry bundle is malformed or does not belong to the signed tree.",
  VKEY_INVALID: "The verifier key is malformed, unsupported or ambiguous; copy it again from the log's vkey file.",
  NOTE_INVALID: "The text is not a signed note.",
  NOTE_UNSIGNED: "The note carries no signature of a known key; check that the verifier key belongs to this log.",
  SIGNATURE_INVALID: "A signature of a known key does not match the text: the text or the signature was changed.",
  CHECKPOINT_INVALID: "The text is not a checkpoint of this log.",
  COSIGNATURE_INVALID: "A cosignature of a known witness does not match the checkpoint, or cannot be read.",
  COSIGNATURES_MISSING: "Fewer witnesses cosigned the checkpoint than were asked for.",
  LEAF_INVALID: "The leaf does not have the form, or not the hash, that was expected.",
  DISCLOSURE_INVALID: "The disclosure is malformed or is not the one its leaf commits to.",
  BUNDLE_INVALID: "The evidence bundle is malformed or contradicts itself.",
} as const satisfies Record<string, string>;

/** One key of {@link PROTOCOL_ERRORS}. */
export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

/** Facts beside the code. Only ids, numbers and fixed words: never what an entry says. */
export type ProtocolErrorDetail = Readonly<Record<string, string | number>>;

/** The one error class of this package. A `reason` in the detail is a fixed sentence and is appended to the message. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;
  readonly detail: ProtocolErrorDetail;

  constructor(code: ProtocolErrorCode, detail: ProtocolErrorDetail = {}, options?: { cause?: unknown }) {
    const reason = detail.reason;
    super(`${code}: ${PROTOCOL_ERRORS[code]}${reason === undefined ? "" : ` Reason: ${reason}.`}`, options);
    this.code = code;
    this.detail = detail;
  }
}
