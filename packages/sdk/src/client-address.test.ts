import { createServer, type IncomingMessage, request as send } from "node:http";
import { type AddressInfo, BlockList, isIP } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { getIpAddress, setTrustedProxies } from "./client-address.ts";
import { formatIp, isInRange, parseIp, parseIpRange } from "./ip-address.ts";
import { getUserAgent } from "./user-agent.ts";

afterEach(() => setTrustedProxies(undefined));

const SOCKET = { remoteAddress: "10.0.0.9" };
const web = (headers: Record<string, string>): Request => new Request("http://localhost/", { headers });

describe("whose address counts", () => {
  test("SDK-20: a socket's address counts, and no header, unless proxies are trusted", () => {
    const request = {
      socket: { remoteAddress: "::ffff:192.0.2.7" },
      headers: { "x-forwarded-for": "203.0.113.1", forwarded: "for=203.0.113.2" },
    };
    expect(getIpAddress(request)).toBe("192.0.2.7");
    expect(getIpAddress(request, { trustedProxies: 0 })).toBe("192.0.2.7");
    expect(getIpAddress(request, { trustedProxies: [] })).toBe("192.0.2.7");
    expect(getIpAddress(request, { trustedProxies: ["10.0.0.0/8"] })).toBe("192.0.2.7");
  });

  test("SDK-20: what a client writes before the addresses of trusted proxies is not believed", () => {
    const request = { socket: SOCKET, headers: { "x-forwarded-for": "6.6.6.6, 198.51.100.4, 10.1.1.1" } };
    expect(getIpAddress(request, { trustedProxies: ["10.0.0.0/8"] })).toBe("198.51.100.4");
    expect(getIpAddress(request, { trustedProxies: ["uniquelocal", "loopback"] })).toBe("198.51.100.4");
    expect(getIpAddress(request, { trustedProxies: 1 })).toBe("10.1.1.1");
    expect(getIpAddress(request, { trustedProxies: 2 })).toBe("198.51.100.4");
  });

  test("a Web request has the address that the nearest proxy added, unless no proxy is trusted", () => {
    const request = web({ "x-forwarded-for": "6.6.6.6, 198.51.100.4" });
    expect(getIpAddress(request)).toBe("198.51.100.4");
    expect(getIpAddress(request, { trustedProxies: 0 })).toBeUndefined();
    expect(getIpAddress(request, { trustedProxies: [] })).toBeUndefined();
    expect(getIpAddress(request, { trustedProxies: ["198.51.100.0/24"] })).toBe("6.6.6.6");
    expect(getIpAddress(request, { trustedProxies: 2 })).toBe("6.6.6.6");
    expect(getIpAddress(web({}))).toBeUndefined();
  });

  test("the address of a framework counts unless proxies are named", () => {
    const request = { ip: "203.0.113.9", socket: SOCKET, headers: { "x-forwarded-for": "198.51.100.4" } };
    expect(getIpAddress(request)).toBe("203.0.113.9");
    expect(getIpAddress(request, { trustedProxies: 1 })).toBe("198.51.100.4");
    const broken = Object.defineProperty({ socket: SOCKET, headers: {} }, "ip", {
      get() {
        throw new Error("no app");
      },
    });
    expect(getIpAddress(broken)).toBe("10.0.0.9");
  });

  test("the setting of the process counts where a call says nothing", () => {
    const request = { socket: SOCKET, headers: { "X-Forwarded-For": "198.51.100.4" } };
    setTrustedProxies(1);
    expect(getIpAddress(request)).toBe("198.51.100.4");
    expect(getIpAddress(request, { trustedProxies: 0 })).toBe("10.0.0.9");
  });

  test("a chain that is trusted throughout gives its farthest address, and a hop that hides its client gives none", () => {
    expect(getIpAddress({ socket: SOCKET, headers: { "x-forwarded-for": "10.0.0.1, 10.0.0.2" } }, { trustedProxies: ["10.0.0.0/8"] })).toBe(
      "10.0.0.1",
    );
    expect(getIpAddress({ socket: SOCKET, headers: {} }, { trustedProxies: 3 })).toBe("10.0.0.9");
    for (const value of ["unknown", "_hidden", "1.2.3", "6.6.6.6, garbage"]) {
      expect(getIpAddress({ socket: SOCKET, headers: { "x-forwarded-for": value } }, { trustedProxies: 1 })).toBeUndefined();
    }
  });

  test.each([1.5, -1, 65, ["10.0.0.0/33"], ["proxy.example"], ["10.0.0.1/8/9"]])(
    "trusted proxies that are none are refused: %j",
    (trustedProxies) => {
      expect(() => getIpAddress(web({}), { trustedProxies })).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
      expect(() => setTrustedProxies(trustedProxies)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    },
  );
});

describe("what headers say", () => {
  const forwarded = (value: string, trustedProxies = 1): string | undefined => getIpAddress(web({ forwarded: value }), { trustedProxies });

  test("SDK-21: Forwarded is read as RFC 7239 writes it", () => {
    expect(forwarded("for=192.0.2.43")).toBe("192.0.2.43");
    expect(forwarded('For="[2001:DB8:cafe::17]:4711"')).toBe("2001:db8:cafe::17");
    expect(forwarded("for=192.0.2.60;proto=http;by=203.0.113.43")).toBe("192.0.2.60");
    expect(forwarded('by=203.0.113.43; proto="http" ; FOR="192.0.2.60:_port"')).toBe("192.0.2.60");
    expect(forwarded("for=192.0.2.43, for=198.51.100.17")).toBe("198.51.100.17");
    expect(forwarded('for=192.0.2.43,host="a,b;c\\"",for=198.51.100.17', 3)).toBeUndefined();
    expect(forwarded('for=192.0.2.43, for="198.51.100.17";host="a,b"', 2)).toBe("192.0.2.43");
    for (const value of ["for=unknown", "for=_gazonk", 'for="_SEVKISEK"', "proto=https", "for=1.2.3.4;for=5.6.7.8", "for=", 'for="'])
      expect(forwarded(value)).toBeUndefined();
  });

  test("a quote that a client leaves open does not swallow what a proxy adds", () => {
    expect(forwarded('for="6.6.6.6, for=198.51.100.17;proto=https')).toBe("198.51.100.17");
  });

  test("SDK-21: X-Forwarded-For goes before Forwarded and that before X-Real-IP, unless one header is named", () => {
    const request = web({ "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.2", "x-real-ip": "192.0.2.3" });
    expect(getIpAddress(request)).toBe("192.0.2.1");
    expect(getIpAddress(request, { header: "forwarded" })).toBe("192.0.2.2");
    expect(getIpAddress(request, { header: "x-real-ip" })).toBe("192.0.2.3");
    expect(getIpAddress(web({ "x-real-ip": " 192.0.2.3 " }))).toBe("192.0.2.3");
    expect(getIpAddress(web({ "x-real-ip": "192.0.2.3" }), { header: "forwarded" })).toBeUndefined();
  });

  test("ports, brackets, zones and mapped addresses are put into one form", () => {
    const of = (value: string): string | undefined => getIpAddress(web({ "x-forwarded-for": value }));
    expect(of("192.0.2.1:8080")).toBe("192.0.2.1");
    expect(of("[2001:DB8::0:1]:443")).toBe("2001:db8::1");
    expect(of("2001:0db8:0000:0000:0001:0000:0000:0001")).toBe("2001:db8::1:0:0:1");
    expect(of("::FFFF:c000:0201")).toBe("192.0.2.1");
    expect(of("fe80::1%eth0")).toBe("fe80::1");
    expect(of("192.0.2.1,,")).toBe("192.0.2.1");
    for (const value of [
      "010.0.0.1",
      "1.2.3.4.5",
      "[1.2.3.4]",
      ":::1",
      "1::2::3",
      "12345::",
      "::1.2.3.4:5",
      "1:2:3:4:5:6:7:8::",
      "<script>",
    ])
      expect(of(value), value).toBeUndefined();
  });

  test("several fields of one header are one list", () => {
    expect(getIpAddress({ headers: { "x-forwarded-for": ["6.6.6.6", "192.0.2.1"] } })).toBe("192.0.2.1");
  });

  test("hostile headers cost little and are no address", () => {
    const hops = Array.from({ length: 100_000 }, () => "10.0.0.1").join(",");
    const trusting = { trustedProxies: ["10.0.0.0/8"] };
    expect(getIpAddress({ socket: SOCKET, headers: { "x-forwarded-for": `6.6.6.6,${hops}` } }, trusting)).toBe("10.0.0.1");
    for (const value of [
      ",".repeat(1_000_000),
      '"'.repeat(1_000_000),
      "for=\\".repeat(200_000),
      "[".repeat(1_000_000),
      "a=b;".repeat(300_000),
      ":".repeat(1_000_000),
    ]) {
      for (const name of ["x-forwarded-for", "forwarded", "x-real-ip"]) {
        expect(getIpAddress({ socket: SOCKET, headers: { [name]: value } }, { trustedProxies: 60 }) ?? "10.0.0.9").toBe("10.0.0.9");
      }
    }
  });

  test("whatever a request holds, nothing is thrown", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("x-forwarded-for", "forwarded", "x-real-ip", "user-agent"), fc.string({ unit: "binary" })),
        fc.nat(64),
        (headers, trustedProxies) => {
          const address = getIpAddress({ headers, socket: SOCKET }, { trustedProxies });
          expect(address === undefined || isIP(address) > 0).toBe(true);
          expect(() => encodeURIComponent(getUserAgent({ headers }) ?? "")).not.toThrow();
        },
      ),
    );
    for (const request of [
      null,
      undefined,
      {},
      { headers: null },
      {
        headers: {
          get: () => {
            throw new Error("gone");
          },
        },
      },
      { headers: 3 },
    ]) {
      expect(getIpAddress(request as never)).toBeUndefined();
      expect(getUserAgent(request as never)).toBeUndefined();
    }
  });
});

describe("addresses", () => {
  test("an address is one exactly where Node.js says so, and its form is stable", () => {
    const texts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/));
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = parseIp(text);
        expect(bytes !== undefined).toBe(isIP(text) > 0);
        if (bytes !== undefined) expect(parseIp(formatIp(bytes))).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("an address is in a range exactly where Node.js says so", () => {
    const subject = (ip: fc.Arbitrary<string>, bits: number) => fc.tuple(ip, ip, fc.nat(bits), fc.boolean());
    fc.assert(
      fc.property(fc.oneof(subject(fc.ipV4(), 32), subject(fc.ipV6(), 128)), ([one, other, prefix, isNear]) => {
        const [base, address] = [parseIp(one), parseIp(isNear ? one : other)];
        const range = parseIpRange(`${one}/${prefix}`);
        if (base === undefined || address === undefined || base.length !== address.length || range === undefined) return;
        const family = base.length === 4 ? "ipv4" : "ipv6";
        const list = new BlockList();
        list.addSubnet(formatIp(base), range.prefixBits, family);
        expect(isInRange(address, range)).toBe(list.check(formatIp(address), family));
      }),
      { numRuns: 500 },
    );
  });
});

describe("user agents", () => {
  test("a user agent is one line of at most 1,024 characters", () => {
    expect(getUserAgent(web({ "user-agent": "curl/8.5" }))).toBe("curl/8.5");
    expect(getUserAgent({ headers: { "User-Agent": "a\r\nb\u0000c" } })).toBe("a b c");
    expect(getUserAgent({ headers: { "user-agent": "x".repeat(1e6) } })).toHaveLength(1_024);
    expect(getUserAgent({ headers: { "user-agent": " " } })).toBeUndefined();
  });
});

test("a request of node:http has the address of its socket and its user agent", async () => {
  const seen = await new Promise<(string | undefined)[]>((resolve) => {
    const server = createServer((request: IncomingMessage, response) => {
      resolve([getIpAddress(request), getUserAgent(request)]);
      response.end();
      server.close();
    }).listen(0, "127.0.0.1", () => {
      send({ port: (server.address() as AddressInfo).port, headers: { "user-agent": "probe", "x-forwarded-for": "6.6.6.6" } }, (response) =>
        response.resume(),
      ).end();
    });
  });
  expect(seen).toEqual(["127.0.0.1", "probe"]);
});
