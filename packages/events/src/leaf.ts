// How text and ids of others become what a leaf can hold, without the schemas of the event. A new line here is public API.
export { ACTIVITY_NAME_CHARS_MAX, CODE_CHARS_MAX, CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX, MODEL_CHARS_MAX, NAME_CHARS_MAX } from "./limits.ts";
export { isLeafText, replaceLoneSurrogates, toLeafCode, toLeafId, toLeafName } from "./mapping/leaf-text.ts";
export { stableId } from "./mapping/stable-id.ts";
export { formatTraceParent, parseTraceParent, type TraceParent } from "./mapping/traceparent.ts";
