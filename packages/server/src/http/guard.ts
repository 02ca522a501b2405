import { BlockList, isIP } from "node:net";
import { AuditError } from "@vouchtrail/events";
import type { FastifyRequest } from "fastify";
import type { Principal, Scope } from "../intake/principal.ts";
import type { KeyStore } from "../keys.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True for 127.0.0.0/8 and ::1, also written as an IPv4-mapped address. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  const family = isIP(plain);
  return family !== 0 && loopback.check(plain, family === 4 ? "ipv4" : "ipv6");
}

const LOCAL_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);
// A proxy on this machine makes the whole world look like loopback; these headers tell that there is one.
const PROXY_HEADERS: ReadonlySet<string> = new Set(["forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"]);
const PROXY_HEADER_START = "x-forwarded-";

export interface GuardOptions {
  readonly keys: KeyStore;
  /** The address listened on, and further names that the Host header may have. */
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly loopbackWithoutKey: boolean;
}

export interface Guard {
  /**
   * Checks Host and Origin: a web page must neither post across sites nor rebind a name to this address.
   * @throws {AuditError} `HOST_FORBIDDEN`, `ORIGIN_FORBIDDEN`.
   */
  checkOrigin(request: FastifyRequest): void;
  /** @throws {AuditError} `KEY_REQUIRED`, `KEY_INVALID`, `SCOPE_MISSING`. */
  authorize(request: FastifyRequest, scope: Scope): Promise<Principal>;
}

export function createGuard(options: GuardOptions): Guard {
  const hosts = new Set([...LOCAL_NAMES, ...options.hosts.map((host) => host.toLowerCase())]);
  const origins = new Set(options.origins.map((origin) => origin.toLowerCase()));

  return {
    checkOrigin(request) {
      const { host, origin } = request.headers;
      // Of two Host headers a proxy may have looked at the other one.
      const isAmbiguous = request.raw.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === "host").length > 1;
      if (host === undefined || isAmbiguous || !hosts.has(hostName(host))) throw new AuditError("HOST_FORBIDDEN");
      if (origin === undefined) return;
      const isOwnPage = /^https?:\/\//.test(origin) && origin.toLowerCase().replace(/^https?:\/\//, "") === host.toLowerCase();
      if (!isOwnPage && !origins.has(origin.toLowerCase())) throw new AuditError("ORIGIN_FORBIDDEN");
    },
    async authorize(request, scope) {
      const secret = bearerOf(request);
      if (secret !== undefined) {
        const principal = await options.keys.authenticate(secret);
        if (!principal.scopes.has(scope)) {
          throw new AuditError("SCOPE_MISSING", { message: `The key lacks the scope "${scope}".` });
        }
        return principal;
      }
      const isKeyless =
        options.loopbackWithoutKey &&
        scope !== "admin" &&
        isLoopback(request.socket.remoteAddress) &&
        !Object.keys(request.headers).some((header) => PROXY_HEADERS.has(header) || header.startsWith(PROXY_HEADER_START));
      if (!isKeyless) throw new AuditError("KEY_REQUIRED");
      return KEYLESS;
    },
  };
}

const KEYLESS: Principal = {
  key: undefined,
  scopes: new Set<Scope>(["ingest", "read"]),
  tenant: undefined,
  source: undefined,
  actorTypes: undefined,
};

/** The name in a Host header, without port and brackets, in lower case. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d+$/, "")).toLowerCase();
}

function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const match = /^Bearer\s+(\S+)$/i.exec(authorization);
  if (match === null) throw new AuditError("KEY_INVALID", { message: "The Authorization header must be: Bearer <key>." });
  return match[1];
}
