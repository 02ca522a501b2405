/**
 * Every bound of the event and of intake, with its unit and its reason. Lengths of text count UTF-16 code units, as JavaScript does.
 *
 * The leaf limits are chosen so that a leaf stays under {@link LEAF_BYTES_MAX} by construction: leaf text holds no control character and no
 * lone surrogate, so a code unit is at most 3 bytes in JSON.
 */

/** Bytes of one leaf. An entry bundle allows 65,535; a small leaf keeps tiles and proofs cheap. */
export const LEAF_BYTES_MAX = 8_192;
/** Bytes of the leaf of a system entry: an erasure may name many ranges. An entry bundle's length prefix ends at 65,535. */
export const SYSTEM_LEAF_BYTES_MAX = 65_000;
/** Bytes of one disclosure unless configured otherwise; what is over is cut to a preview with length and hash. */
export const DISCLOSURE_BYTES_MAX = 1_048_576;

/** Characters of a tenant name. */
export const TENANT_CHARS_MAX = 64;
/** Characters of an action. */
export const ACTION_CHARS_MAX = 128;
/** Characters of an actor, target or chain member id. */
export const ID_CHARS_MAX = 200;
/** Characters of a target type. */
export const TYPE_CHARS_MAX = 64;
/** Characters of an outcome code. */
export const CODE_CHARS_MAX = 64;
/** Characters of an activity name. */
export const ACTIVITY_NAME_CHARS_MAX = 128;
/** Characters of one id in `context`. */
export const CONTEXT_ID_CHARS_MAX = 128;
/** Characters of a trace id and of a parent event's id in `context`: 32 hexadecimal digits and a UUID, with room. */
export const TRACE_ID_CHARS_MAX = 64;
/** Characters of a span id in `context`. */
export const SPAN_ID_CHARS_MAX = 32;
/** Characters of a model name. */
export const MODEL_CHARS_MAX = 100;
/** Characters of a source name or instance. */
export const SOURCE_CHARS_MAX = 128;
/** Characters of a display name or e-mail address (kept in a section, not in the leaf). */
export const NAME_CHARS_MAX = 1_000;
/** Characters of a URL or user agent (kept in a section). */
export const URL_CHARS_MAX = 8_192;
/** Labels of one event, and characters of a label's name and value: they are indexed. */
export const LABELS_MAX = 16;
export const LABEL_NAME_CHARS_MAX = 64;
export const LABEL_VALUE_CHARS_MAX = 256;
/** Members of a delegation chain: longer ones are a loop. */
export const ON_BEHALF_OF_MAX = 16;
/** Options of a decision, and resources of one action. */
export const LIST_MEMBERS_MAX = 1_000;
/** Rules named in the `redactions` of one leaf; hits of further rules are added up under `other`. */
export const REDACTION_RULES_MAX = 16;
/** Characters of a rule's id. */
export const REDACTION_RULE_CHARS_MAX = 40;

/** Levels of nesting in one event: deeper ones exhaust the stack of whoever reads them. */
export const EVENT_DEPTH_MAX = 64;
/** Bytes of one event as sent, before minimisation. */
export const EVENT_BYTES_MAX = 16 * 1_048_576;
/** Bytes of one request body after decoding. */
export const BODY_BYTES_MAX = 32 * 1_048_576;
/** Events of one request. */
export const REQUEST_EVENTS_MAX = 10_000;
/** Faults reported for one event; the rest is counted. */
export const FAULTS_MAX = 20;
