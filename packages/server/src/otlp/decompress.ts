import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { AuditError } from "@vouchtrail/events";

const inflate = promisify(gunzip);

/**
 * The bytes of a body without its `Content-Encoding`.
 *
 * @param bytesMax Of the result: a small body may hold a large one.
 * @throws {AuditError} `CONTENT_TYPE_UNSUPPORTED`: neither gzip nor identity. `BODY_TOO_LARGE`. `BODY_INVALID`: it is not gzip.
 */
export async function decompress(body: Buffer, contentEncoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const encoding = (contentEncoding ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "" || body.length === 0) return body;
  if (encoding !== "gzip")
    throw new AuditError("CONTENT_TYPE_UNSUPPORTED", { message: "The content encoding is not accepted here. Send gzip or none." });
  try {
    return await inflate(body, { maxOutputLength: bytesMax });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ERR_BUFFER_TOO_LARGE")
      throw new AuditError("BODY_TOO_LARGE", {
        message: `The body has more than ${bytesMax} bytes after decompression. Send fewer records a request.`,
        cause,
      });
    throw new AuditError("BODY_INVALID", { message: "The body is not valid gzip.", cause });
  }
}
