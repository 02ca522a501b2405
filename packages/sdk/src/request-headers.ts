/** Headers that a caller has parsed already: a `Headers` object, or names with values. */
export type HeaderSource =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | number | undefined>>;

/** The slice of a request that is read: a Web `Request`, an `IncomingMessage`, a request of Express, Fastify or Next.js, or anything with headers. */
export interface RequestLike {
  readonly headers: HeaderSource;
  readonly socket?: { readonly remoteAddress?: string | undefined } | null | undefined;
  /** The address as the framework determined it, by its own setting of trusted proxies. */
  readonly ip?: string | undefined;
}

/** Names that are compared where a header is not found in lower case: enough for every server's own limit. */
const HEADER_NAMES_MAX = 2_000;

/**
 * One header, by its name in lower case. Several fields of one name are joined by commas, as RFC 9110 section 5.3 has it.
 *
 * @returns undefined when there is none, or when reading it throws: auditing never breaks a request.
 */
export function readHeader(request: RequestLike, name: string): string | undefined {
  try {
    const headers = request.headers as HeaderSource | null | undefined;
    if (headers === null || headers === undefined) return undefined;
    if (isHeaders(headers)) return headers.get(name) ?? undefined;
    return toText(Object.hasOwn(headers, name) ? headers[name] : headers[nameAsWritten(headers, name) ?? name]);
  } catch {
    return undefined;
  }
}

function isHeaders(headers: HeaderSource): headers is { get(name: string): string | null | undefined } {
  return "get" in headers && typeof headers.get === "function";
}

/** Gateways hand over names in the case in which they came. */
function nameAsWritten(headers: object, name: string): string | undefined {
  return Object.keys(headers)
    .slice(0, HEADER_NAMES_MAX)
    .find((key) => key.length === name.length && key.toLowerCase() === name);
}

function toText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.filter((part) => typeof part === "string").join(", ");
  return undefined;
}
