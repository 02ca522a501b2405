import { AuditError } from "@vouchtrail/events/errors";
import { forwardedFor } from "./forwarded.ts";
import { formatIp, type IpBytes, type IpRange, isInRange, parseIp, parseIpRange } from "./ip-address.ts";
import { type RequestLike, readHeader } from "./request-headers.ts";

/**
 * Who may say for whom a request is passed on: a number of proxies between the client and this program (0: none), or their addresses: single ones, ranges
 * (`10.0.0.0/8`), or `loopback`, `linklocal` and `uniquelocal` (private networks).
 */
export type TrustedProxies = number | readonly string[];

/** The header that the nearest proxy writes. */
export type ForwardedHeader = "x-forwarded-for" | "forwarded" | "x-real-ip";

export interface ClientAddressOptions {
  /** Default: what {@link setTrustedProxies} set, else see {@link getIpAddress}. */
  readonly trustedProxies?: TrustedProxies | undefined;
  /**
   * The only header that is read. Default: the first of `X-Forwarded-For`, `Forwarded` and `X-Real-IP` that the request has. Name it where the proxy writes
   * another one than `X-Forwarded-For` and lets that pass as the client sent it.
   */
  readonly header?: ForwardedHeader | undefined;
}

/** Proxies that are looked through at most. Longer chains do not exist; longer headers do. */
export const PROXIES_MAX = 64;

const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

let defaultProxies: TrustedProxies | undefined;

/**
 * Sets for this process which proxies are trusted where a call does not say so; undefined: as at the start.
 *
 * @throws {AuditError} `CONFIG_INVALID`.
 */
export function setTrustedProxies(trustedProxies: TrustedProxies | undefined): void {
  if (trustedProxies !== undefined) toTrust(trustedProxies);
  defaultProxies = trustedProxies;
}

/**
 * The address of the client, IPv6 as RFC 5952 writes it and IPv4 also where it is mapped into IPv6.
 *
 * Only what a trusted proxy wrote is believed. Headers are read from their end, where the nearest proxy added what it saw:
 * - with `trustedProxies`: the first address, from the nearest on, that is not of a trusted proxy;
 * - without, where the request has an `ip` of its framework (Express, Fastify): that one, by the framework's own setting;
 * - without, where it has a socket: the address of the socket;
 * - without, where it has neither (a Web `Request`, as in a Next.js route handler): the last address of the header, which is what the proxy or the platform
 *   in front added. A runtime that is open to the network with no proxy at all passes on what clients write there: set 0 for it.
 *
 * @returns undefined when it is not known: nothing is made up, and no proxy is taken for a client that it hides.
 * @throws {AuditError} `CONFIG_INVALID` for trusted proxies that are none. Whatever a request holds, nothing is thrown, and at most 64 hops are read.
 */
export function getIpAddress(request: RequestLike | null | undefined, options: ClientAddressOptions = {}): string | undefined {
  const trusted = options.trustedProxies ?? defaultProxies;
  const trust = trusted === undefined ? undefined : toTrust(trusted);
  if (request === null || request === undefined) return undefined;
  const { ip, remoteAddress } = readPeer(request);
  if (trust === undefined) {
    const known = ip ?? remoteAddress;
    return known === undefined ? format(claims(request, options.header)[0]) : format(parseIp(known));
  }
  // Where the sender is not seen it is the proxy in front.
  const peer = remoteAddress === undefined ? undefined : parseIp(remoteAddress);
  return format(clientOf(peer, claims(request, options.header), trust, remoteAddress !== undefined));
}

type Trust = (address: IpBytes | undefined, hop: number) => boolean;

function clientOf(
  peer: IpBytes | undefined,
  claimed: readonly (IpBytes | undefined)[],
  isTrusted: Trust,
  isPeerSeen: boolean,
): IpBytes | undefined {
  let client = peer;
  // A sender that is not seen can be judged by its position only: it is trusted where any proxy is.
  if (isPeerSeen ? !isTrusted(peer, 0) : !isTrusted(undefined, 0)) return client;
  for (const [index, address] of claimed.entries()) {
    client = address;
    if (address === undefined || !isTrusted(address, index + 1)) break;
  }
  return client;
}

const compiled = new WeakMap<readonly string[], Trust>();

function toTrust(trusted: TrustedProxies): Trust {
  if (typeof trusted === "number") {
    if (!Number.isInteger(trusted) || trusted < 0 || trusted > PROXIES_MAX) throw invalid(`expected a number from 0 to ${PROXIES_MAX}`);
    return (_address, hop) => hop < trusted;
  }
  if (!Array.isArray(trusted)) throw invalid("expected a number of proxies or a list of addresses");
  const known = compiled.get(trusted);
  if (known !== undefined) return known;
  const ranges = trusted.flatMap((text) => NAMED_RANGES[text] ?? [text]).map(toRange);
  const trust: Trust = (address) => (address === undefined ? ranges.length > 0 : ranges.some((range) => isInRange(address, range)));
  compiled.set(trusted, trust);
  return trust;
}

function toRange(text: string): IpRange {
  const range = typeof text === "string" ? parseIpRange(text) : undefined;
  if (range === undefined) throw invalid("each must be an address, a range like 10.0.0.0/8, loopback, linklocal or uniquelocal");
  return range;
}

function invalid(reason: string): AuditError {
  return new AuditError("CONFIG_INVALID", { path: "trustedProxies", message: `trustedProxies: ${reason}.` });
}

function readPeer(request: RequestLike): { ip: string | undefined; remoteAddress: string | undefined } {
  const read = (get: () => unknown): string | undefined => {
    try {
      const value = get();
      return typeof value === "string" && value !== "" ? value : undefined;
    } catch {
      return undefined; // A getter of a framework, or a socket that is gone.
    }
  };
  return { ip: read(() => request.ip), remoteAddress: read(() => request.socket?.remoteAddress) };
}

/** What the header says, nearest hop first; a hop that names no address is undefined. */
function claims(request: RequestLike, only: ForwardedHeader | undefined): readonly (IpBytes | undefined)[] {
  for (const name of only === undefined ? (["x-forwarded-for", "forwarded", "x-real-ip"] as const) : [only]) {
    const value = readHeader(request, name);
    if (value !== undefined && value.trim() !== "") return forwardedFor(name, value, PROXIES_MAX);
  }
  return [];
}

function format(address: IpBytes | undefined): string | undefined {
  return address === undefined ? undefined : formatIp(address);
}
