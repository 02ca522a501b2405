import { type RequestLike, readHeader } from "./request-headers.ts";

/** Characters of a user agent that are kept. Longer ones are made up; what identifies a program stands at the beginning. */
const USER_AGENT_CHARS_MAX = 1_024;

/**
 * What the client says it is: a claim, shortened to 1,024 characters and without control characters. Never throws.
 *
 * @returns undefined when the request says nothing.
 */
export function getUserAgent(request: RequestLike | null | undefined): string | undefined {
  if (request === null || request === undefined) return undefined;
  const text = readHeader(request, "user-agent")
    ?.slice(0, USER_AGENT_CHARS_MAX)
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ")
    .toWellFormed()
    .trim();
  return text === "" ? undefined : text;
}
