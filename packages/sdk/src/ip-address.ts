/** The bytes of an address: 4 of IPv4, 16 of IPv6. An IPv4 address that is mapped into IPv6 (`::ffff:192.0.2.1`) is the IPv4 address. */
export type IpBytes = readonly number[];

/** Addresses that share their first bits. */
export interface IpRange {
  readonly bytes: IpBytes;
  readonly prefixBits: number;
}

/** Characters of the longest address in writing: IPv6 with an embedded IPv4 address and a zone. */
const ADDRESS_CHARS_MAX = 80;

/** An address in writing, without port and brackets; a zone (`%eth0`) is left out. Undefined when it is none. */
export function parseIp(text: string): IpBytes | undefined {
  if (text.length > ADDRESS_CHARS_MAX) return undefined;
  if (!text.includes(":")) return parseIpv4(text);
  const zone = text.indexOf("%");
  const bytes = parseIpv6(zone < 0 ? text : text.slice(0, zone));
  return bytes === undefined ? undefined : unmapped(bytes);
}

/** As RFC 5952 writes it: lower case, the longest run of zeros shortened. */
export function formatIp(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2] ?? 0) * 256 + (bytes[index * 2 + 1] ?? 0));
  let [start, length] = [-1, 1];
  for (let index = 0; index < 8; index += 1) {
    let end = index;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - index > length) [start, length] = [index, end - index];
  }
  const write = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return start < 0 ? write(groups) : `${write(groups.slice(0, start))}::${write(groups.slice(start + length))}`;
}

/** `10.0.0.0/8`, or one address. Undefined when it is neither. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const bytes = parseIp(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  const bits = bytes.length * 8;
  if (prefix === undefined) return { bytes, prefixBits: bits };
  if (!/^\d{1,3}$/.test(prefix)) return undefined;
  // The prefix of a mapped IPv4 address counts the 96 bits in front of it.
  const prefixBits = Number(prefix) - (bytes.length === 4 && address.includes(":") ? 96 : 0);
  return prefixBits >= 0 && prefixBits <= bits ? { bytes, prefixBits } : undefined;
}

/** Whether an address is one of the range. IPv4 and IPv6 never are in each other. */
export function isInRange(bytes: IpBytes, range: IpRange): boolean {
  if (bytes.length !== range.bytes.length) return false;
  for (let bit = 0; bit < range.prefixBits; bit += 8) {
    const shift = Math.max(0, 8 - (range.prefixBits - bit));
    const index = bit / 8;
    if ((bytes[index] ?? 0) >> shift !== (range.bytes[index] ?? 0) >> shift) return false;
  }
  return true;
}

function parseIpv4(text: string): IpBytes | undefined {
  const parts = text.split(".");
  // A leading zero means octal to some programs: it is no address to any here.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return parts.map(Number);
}

function parseIpv6(text: string): IpBytes | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const isShort = halves.length === 2;
  const head = parseGroups(halves[0] ?? "", !isShort);
  const tail = isShort ? parseGroups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // "::" stands for one group at least.
  if (isShort ? missing < 2 : missing !== 0) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Bytes of groups of hexadecimal digits; the last one may be an IPv4 address. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (group.includes(".")) {
      const embedded = mayEndInIpv4 && index === groups.length - 1 ? parseIpv4(group) : undefined;
      if (embedded === undefined) return undefined;
      bytes.push(...embedded);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

function unmapped(bytes: IpBytes): IpBytes {
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return isMapped ? bytes.slice(12) : bytes;
}
