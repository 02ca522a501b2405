/** A URL without what may hold secrets. */
export interface UrlText {
  /** Scheme, host, port and path: no user, password, query and fragment. */
  readonly text: string;
  /** In lower case, without port and final dot; an IPv4 address written as a number is spelled out. Empty when there is none. */
  readonly host: string;
}

const URL_PATTERN = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#\\]*)([^?#]*)/;

/** @returns undefined when `text` is no URL with `//`. */
export function readUrl(text: string): UrlText | undefined {
  const match = URL_PATTERN.exec(text.trim());
  if (match === null) return undefined;
  const [, scheme = "", authority = "", path = ""] = match;
  const place = authority.slice(authority.lastIndexOf("@") + 1);
  return { text: `${scheme.toLowerCase()}://${place}${path}`, host: readHost(place) };
}

/** The host of `host`, `host:port` or `[address]:port`, in the one spelling that rules are compared with. */
export function readHost(place: string): string {
  const bracketed = /^\[[^\]]*\]/.exec(place)?.[0];
  const host = (bracketed ?? place.replace(/:\d*$/, "")).toLowerCase().replace(/\.$/, "");
  const mapped = /^\[::ffff:(\d+\.\d+\.\d+\.\d+)\]$/.exec(host)?.[1];
  return mapped ?? spelledAddress(host) ?? host;
}

/** Programs take 2852039166, 0xa9fea9fe and 0251.254.169.254 for 169.254.169.254. */
function spelledAddress(host: string): string | undefined {
  if (!/^[0-9a-fx.]+$/.test(host)) return undefined;
  const parts = host.split(".");
  if (parts.length > 4) return undefined;
  const numbers = parts.map((part) =>
    /^0x[0-9a-f]+$/.test(part)
      ? Number(part)
      : /^0[0-7]+$/.test(part)
        ? Number.parseInt(part, 8)
        : /^\d+$/.test(part)
          ? Number(part)
          : Number.NaN,
  );
  const last = numbers.pop() ?? Number.NaN;
  if (Number.isNaN(last) || numbers.some((number) => !(number <= 255)) || last >= 256 ** (4 - numbers.length)) return undefined;
  const value = numbers.reduce((sum, number, i) => sum + number * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
