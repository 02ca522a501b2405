import { hash } from "node:crypto";

/** SHA-256 in one call: a third of the cost of createHash for the short inputs of a tree. */
export const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");

/** SHA-256(0x00 || UTF-8 of the text), without a copy of the text. */
export const hashLeafText = (leaf: string): Uint8Array => hash("sha256", `\u0000${leaf}`, "buffer");

/** The digest of a disclosure (RFC 9901): base64url(SHA-256(ASCII(base64url(UTF-8 of the text)))). */
export const digestOfDisclosure = (text: string | Buffer): string =>
  hash("sha256", (typeof text === "string" ? Buffer.from(text) : text).toString("base64url"), "base64url");
