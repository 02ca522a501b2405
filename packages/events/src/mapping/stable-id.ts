import { encodeUtf8 } from "@vouchtrail/protocol";
import { v5 } from "uuid";

// The name space of every id that this package derives. Changing it would make a repeated import store everything twice.
const NAMESPACE = "6f1d9c1e-6c1b-5a0e-9d0b-3f6d2b8a7c41";

/**
 * A UUID (version 5) that is the same for the same parts, on every machine and in every version.
 *
 * @param kind What the id stands for, so that one foreign id can name several events.
 * @param parts The foreign ids, in order. They are framed as JSON: `["a","bc"]` and `["ab","c"]` differ.
 *
 * Source: RFC 9562 section 5.5. Rule: MAPPING-3.
 */
export function stableId(kind: string, ...parts: readonly string[]): string {
  // As bytes: text is taken apart character by character, which costs more than the digest. JSON holds no half surrogate, so the bytes are the same.
  return v5(encodeUtf8(JSON.stringify([kind, ...parts])), NAMESPACE);
}
