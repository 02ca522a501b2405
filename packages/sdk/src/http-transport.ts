import { AuditError, ERRORS, type ErrorCode, type Fault } from "@vouchtrail/events/errors";
import type { Answer, OutgoingEvent, Receipt, Transport } from "./transport.ts";

export interface HttpTransportOptions {
  /** Base URL of the server, such as `http://127.0.0.1:7431`. */
  readonly url: string;
  /** API key with the scope `ingest`. */
  readonly key?: string | undefined;
  /** The door that the events are recorded under as `received.via`; default `sdk`. */
  readonly via?: "sdk" | "proxy" | "mcp";
  /** Default: the `fetch` of the platform. */
  readonly fetch?: typeof globalThis.fetch;
}

interface AnswerBody {
  readonly receipts?: readonly (Receipt & { readonly position?: number })[];
  readonly errors?: readonly (Fault & { readonly position: number })[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** Sends events to a server over HTTP, each batch as one request to `POST /api/v1/events`. Rule: SDK-7. */
export function createHttpTransport({ url, key, via = "sdk", fetch = globalThis.fetch }: HttpTransportOptions): Transport {
  const address = addressOf(url, via);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (key !== undefined && key !== "") headers.authorization = `Bearer ${key}`;

  return {
    async send(events, signal) {
      const body = `[${events.map(({ json }) => json).join(",")}]`;
      let response: Response;
      let text: string;
      try {
        response = await fetch(address, { method: "POST", headers, body, signal, redirect: "error" });
        text = await response.text();
      } catch (error) {
        throw new AuditError("TRAIL_UNREACHABLE", { cause: error });
      }
      return answersOf(events, response, text);
    },
  };
}

function addressOf(url: string, via: string): string {
  let base: URL;
  try {
    base = new URL(url);
  } catch {
    throw new AuditError("CONFIG_INVALID", {
      path: "url",
      message: "The url of the trail is no URL. It looks like http://127.0.0.1:7431.",
    });
  }
  if (base.protocol !== "http:" && base.protocol !== "https:")
    throw new AuditError("CONFIG_INVALID", { path: "url", message: "The url of the trail begins with http:// or https://." });
  // Credentials in a URL end up in logs.
  if (base.username !== "" || base.password !== "")
    throw new AuditError("CONFIG_INVALID", { path: "url", message: "The url of the trail holds a password. Give the key as `key`." });
  base.pathname = `${base.pathname.replace(/\/+$/, "")}/api/v1/events`;
  base.search = `?via=${via}`;
  return base.href;
}

/** One answer for each event, whatever the status; an answer that does not tell of every event is none. */
function answersOf(events: readonly OutgoingEvent[], response: Response, text: string): readonly Answer[] {
  const body = parse(text);
  const answers: (Answer | undefined)[] = new Array(events.length);
  const isTold = response.status === 201 || response.status === 207 || response.status === 400;
  if (isTold && body !== undefined) {
    (body.receipts ?? []).forEach((told, i) => {
      const { position = i, ...receipt } = told;
      if (events[position]?.id === receipt.id && isReceipt(receipt)) answers[position] = { receipt };
    });
    for (const { position, code, path, message } of body.errors ?? []) {
      if (events[position] !== undefined) answers[position] = { fault: { code: codeOf(code) ?? "EVENT_INVALID", path, message } };
    }
    // An empty place is no answer; `every` would pass over it.
    if (!answers.includes(undefined)) return answers as Answer[];
  }
  const code = codeOf(body?.error?.code);
  const seconds = Number(response.headers.get("retry-after"));
  throw new AuditError(code ?? (response.status === 413 ? "BODY_TOO_LARGE" : "TRAIL_UNREACHABLE"), {
    message:
      code !== undefined && body?.error !== undefined
        ? body.error.message
        : `The trail answered with ${response.status} and nothing that can be read.`,
    detail: { status: response.status, ...(seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}) },
  });
}

function isReceipt(value: Partial<Receipt>): value is Receipt {
  return typeof value.origin === "string" && typeof value.index === "number" && typeof value.leafHash === "string";
}

function codeOf(code: unknown): ErrorCode | undefined {
  return typeof code === "string" && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
}

function parse(text: string): AnswerBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as AnswerBody) : undefined;
  } catch {
    return undefined;
  }
}
