/** Every bound of the OTLP intake, with its unit and its reason. */

/** Bytes of a body, also after decompression, unless configured otherwise: what the specification recommends. */
export const OTLP_BODY_BYTES_MAX = 64 * 1_048_576;
/** Log records or spans of one request. Exporters send 512 at a time; more than this is a flood. */
export const OTLP_RECORDS_MAX = 50_000;
/** Messages (objects) and lists of one request, however small: each costs memory that its bytes do not show. */
export const OTLP_NODES_MAX = 4_000_000;
/** Attributes of one record, span, resource or list; further ones are counted. Senders stop at 128 unless told otherwise. */
export const OTLP_ATTRIBUTES_MAX = 1_000;
/** Levels of lists and maps in the value of an attribute; what is deeper is counted. */
export const OTLP_VALUE_DEPTH_MAX = 32;
/** Levels of messages in protobuf: 32 levels of maps take three each. */
export const OTLP_MESSAGE_DEPTH_MAX = 110;
/** Characters of the JSON of a resource: it is kept with each of its records. Of larger ones the short attributes are kept. */
export const OTLP_RESOURCE_CHARS_MAX = 4_096;
/** Events and links of one span; further ones are counted. */
export const OTLP_SPAN_PARTS_MAX = 1_000;
/** Events of one append: other requests get their turn between two of them. */
export const OTLP_APPEND_EVENTS_MAX = 1_000;
/** Characters of the message in an answer. */
export const OTLP_MESSAGE_CHARS_MAX = 1_000;
