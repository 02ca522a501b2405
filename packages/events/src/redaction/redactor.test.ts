import fc from "fast-check";
import { expect, test } from "vitest";
import { HARMLESS } from "../../../../test/secrets/harmless.ts";
import {
  eventWith,
  namedSecrets,
  randomPassword,
  SECRET_ENCODINGS,
  SECRET_PLACES,
  shapedSecrets,
} from "../../../../test/secrets/planted-secrets.ts";
import { createRedactor } from "./redactor.ts";

const redactor = createRedactor();
const toBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const SEED_PATTERNS = ["password[=:]\\S+", "api[_-]?key[=:]\\S+", "secret[=:]\\S+", "token[=:]\\S+"];

/** Every planted secret in every place and encoding, as [what it is, event, what must be gone]. */
function* plantedEvents(): Generator<readonly [label: string, event: Record<string, unknown>, forbidden: readonly string[]]> {
  for (const { rule, secret, text } of [...shapedSecrets(), ...namedSecrets()]) {
    for (const [encoding, encode] of Object.entries(SECRET_ENCODINGS)) {
      for (const [place, plant] of Object.entries(SECRET_PLACES)) {
        const encoded = encode(text);
        const forbidden = [secret, JSON.stringify(secret).slice(1, -1)];
        if (encoding.startsWith("base64")) forbidden.push(encoded);
        if (encoding.startsWith("percent")) forbidden.push(encode(secret));
        yield [`${rule} as ${encoding} in ${place}: ${text.slice(0, 12)}`, eventWith(plant(encoded)), forbidden];
      }
    }
  }
}

test("REDACT-1: no planted secret, plain or encoded, is left in an event", () => {
  const kinds = new Set([...shapedSecrets(), ...namedSecrets()].map(({ secret }) => secret)).size;
  expect(kinds).toBeGreaterThanOrEqual(100);
  const left: string[] = [];
  for (const [label, event, forbidden] of plantedEvents()) {
    const { event: redacted, hits } = redactor.redactEvent(event);
    const stored = JSON.stringify(redacted);
    if (forbidden.some((text) => stored.includes(text)) || hits.size === 0) left.push(label);
  }
  expect(left).toEqual([]);
});

test("REDACT-1: a secret that stands alone is counted under the rule that knows its shape", () => {
  const strays = shapedSecrets().filter(({ rule, text }) => !redactor.redactText(`x ${text} y`).hits.has(rule));
  expect(strays.map(({ rule }) => rule)).toEqual([]);
});

test("REDACT-2: harmless text comes back as it is", () => {
  expect(HARMLESS.length).toBeGreaterThanOrEqual(220);
  const eaten = HARMLESS.filter((text) => redactor.redactText(text).text !== text);
  expect(eaten).toEqual([]);
  const event = eventWith({ details: { notes: HARMLESS } });
  expect(redactor.redactEvent(event).event).toBe(event);
});

test("REDACT-3: the prefilter says yes to every event in which something is redacted", () => {
  const missed: string[] = [];
  for (const [label, event] of plantedEvents()) if (!redactor.mayContainSecrets(toBytes(event))) missed.push(label);
  expect(missed).toEqual([]);
});

test("REDACT-3: the prefilter says yes to whatever text the redactor changes", () => {
  const piece = fc.oneof(
    fc.constantFrom(...[...shapedSecrets(), ...namedSecrets()].map(({ text }) => text)),
    fc.constantFrom(
      "password",
      "token",
      "=",
      ": ",
      '"',
      "'",
      "\\",
      "\\n",
      "\n",
      "--",
      "API key",
      "Bearer ",
      "://a:",
      "@h",
      "%70",
      ",",
      "value",
      "{",
      "}",
      " ",
      "\t",
      ">",
      "[",
      "]",
    ),
    fc.string({ maxLength: 12 }),
    fc.base64String({ minLength: 20, maxLength: 60 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      const event = { details: { text: pieces.join("") } };
      if (redactor.redactEvent(event).hits.size > 0) expect(redactor.mayContainSecrets(toBytes(event))).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test("REDACT-3: an ordinary tool call passes the prefilter", () => {
  const event = eventWith({
    activity: { type: "tool", name: "Read", tool: { name: "Read", parameters: { file_path: "/home/app/src/index.ts" } } },
    source: { name: "hook", instance: "0197a3c2-7d4b-7c1e-9a55-3f2b8c6d1e41", sequence: 5 },
    details: { digest: `sha256:${"0d1f3a5b7c9e".repeat(5)}0d1f`, at: "2026-01-31T12:00:00.000Z", unix: 1_764_000_000_000 },
    usage: { tokensInput: 1, tokensOutput: 2, tokensCacheRead: 3, tokensCacheWrite: 4 },
  });
  expect(redactor.mayContainSecrets(toBytes(event))).toBe(false);
});

test("REDACT-3: the prefilter reads only the bytes it is given", () => {
  const bytes = new TextEncoder().encode(`{"password":"${randomPassword()}"}{"a":1}`);
  expect(redactor.mayContainSecrets(bytes)).toBe(true);
  expect(redactor.mayContainSecrets(bytes, bytes.length - 7)).toBe(false);
});

test("REDACT-4: redacting twice changes nothing more", () => {
  for (const custom of [redactor, createRedactor({ patterns: [...SEED_PATTERNS, "[A-Z]{3,}"], replacement: "<gone>" })]) {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constantFrom(...[...shapedSecrets(), ...namedSecrets()].map(({ text }) => text)),
            fc.string(),
            fc.constantFrom("password=", "token:", "\n", '"', " "),
          ),
        ),
        (pieces) => {
          const once = custom.redactText(pieces.join("")).text;
          expect(custom.redactText(once).text).toBe(once);
        },
      ),
      { numRuns: 500 },
    );
  }
});

test("REDACT-5: values under secret-looking keys are replaced at any depth and in any spelling", () => {
  const secret = randomPassword();
  const keys = [
    "password",
    "dbPassword",
    "DB_PASSWORD",
    "awsSecretAccessKey",
    "STRIPE_SECRET_KEY",
    "api-key",
    "apiKey",
    "x-api-key",
    "authorization",
    "cookie",
    "Set-Cookie",
    "client_secret",
    "refresh_token",
    "idToken",
    "csrfToken",
    "private_key",
    "connectionString",
    "webhook_secret",
    "signingKey",
    "encryption_key",
    "passphrase",
    "PGPASSWORD",
  ];
  for (const key of keys) {
    const { event, hits } = redactor.redactEvent({ details: { a: [{ b: { [key]: secret } }] } });
    expect(event, key).toEqual({ details: { a: [{ b: { [key]: "[REDACTED]" } }] } });
    expect(hits.get("secret-key-value"), key).toBe(1);
  }
});

test("REDACT-5: counts, flags, null and names that only mention a secret survive under such keys", () => {
  const event = {
    details: {
      max_tokens: 4096,
      token_count: 7,
      tokens: "many",
      tokenizer: "o200k_base",
      password_reset_required: true,
      password: null,
      hasPassword: true,
      token: 12345,
      nextPageToken: "CAUQAA22",
      secretName: "my-app-tls",
    },
  };
  expect(redactor.redactEvent(event).event).toBe(event);
});

test("REDACT-5: a name and value apart from each other, an argument list and a header list are understood", () => {
  const secret = randomPassword();
  const event = {
    env: [{ name: "DB_PASSWORD", value: secret }],
    argv: ["deploy", "--password", secret, "--force"],
    headers: [
      ["Authorization", `Bearer ${secret}`],
      ["x-api-key", secret],
    ],
    manifest: { kind: "Secret", data: { anything: Buffer.from(secret).toString("base64") } },
    passwords: [secret, secret],
  };
  const { event: redacted } = redactor.redactEvent(event);
  expect(JSON.stringify(redacted)).not.toContain(secret);
  expect(JSON.stringify(redacted)).not.toContain(Buffer.from(secret).toString("base64"));
  expect(redacted.argv).toEqual(["deploy", "--password", "[REDACTED]", "--force"]);
});

test("REDACT-6: keys that hold a secret are redacted and stay apart", () => {
  const [a, b] = shapedSecrets();
  const { event } = redactor.redactEvent({ details: { [a?.secret ?? ""]: 1, [b?.secret ?? ""]: 2, plain: 3 } });
  expect(event).toEqual({ details: { "[REDACTED]": 1, "[REDACTED] 2": 2, plain: 3 } });
});

test("REDACT-7: the input is not changed, and a clean event comes back as the same object", () => {
  const event = { details: { password: randomPassword() } };
  const before = structuredClone(event);
  expect(redactor.redactEvent(event).event).not.toBe(event);
  expect(event).toEqual(before);
  const clean = { details: { note: "nothing here", __proto__: null } };
  expect(redactor.redactEvent(clean).event).toBe(clean);
});

test("REDACT-7: a member named __proto__ stays a member", () => {
  const event = JSON.parse(`{"details":{"__proto__":{"password":"${randomPassword()}"}}}`) as object;
  expect(JSON.stringify(redactor.redactEvent(event).event)).toBe('{"details":{"__proto__":{"password":"[REDACTED]"}}}');
});

test("REDACT-7: id, time and tenant of an event stay as they are", () => {
  const event = eventWith({ tenant: "team-4" });
  expect(redactor.redactEvent({ ...event, details: { password: randomPassword() } }).event).toMatchObject({
    id: event.id,
    occurredAt: event.occurredAt,
    tenant: "team-4",
  });
});

test("REDACT-8: hits are counted per rule and lengths only as buckets", () => {
  const { hits, lengthBuckets } = redactor.redactEvent({
    details: { password: "a1B2c3D4e5F6g7H8i9J0", token: "x".repeat(3).concat("Q7w8e9") },
  });
  expect([...hits]).toEqual([["secret-key-value", 2]]);
  expect([...lengthBuckets].sort()).toEqual([
    ["17-32", 1],
    ["9-16", 1],
  ]);
});

test("REDACT-9: the patterns of the seed work as written", () => {
  const seeds = createRedactor({ patterns: SEED_PATTERNS, builtIn: false });
  const secret = randomPassword();
  for (const [index, text] of [`password=${secret}`, `api_key:${secret}`, `secret=${secret}`, `token:${secret}`].entries()) {
    const { text: redacted, hits } = seeds.redactText(`a ${text} b`);
    expect(redacted).toBe("a [REDACTED] b");
    expect([...hits]).toEqual([[`pattern-${index + 1}`, 1]]);
    expect(seeds.mayContainSecrets(toBytes({ text }))).toBe(true);
  }
  expect(seeds.mayContainSecrets(toBytes({ text: "nothing to see" }))).toBe(false);
  expect(seeds.redactText(`PASSWORD=${secret}`).text).toBe(`PASSWORD=${secret}`);
});

test("REDACT-9: a pattern without a plain literal sends every event the slow way", () => {
  for (const pattern of ["(?i)hunter\\d", "\\d{4}-x", "ab|cd", "a?b*"]) {
    expect(createRedactor({ patterns: [pattern], builtIn: false }).mayContainSecrets(toBytes({ a: 1 })), pattern).toBe(true);
  }
  expect(createRedactor({ patterns: ["(?i)hunter\\d"], replacement: "#" }).redactText("HUNTER2 hunter3").text).toBe("# #");
});

test("REDACT-9: a pattern beyond RE2 is refused with its path", () => {
  for (const pattern of ["(a)\\1", "(?=a)b", "(", ""]) {
    expect(() => createRedactor({ patterns: ["ok", pattern] }), pattern).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", path: "audit.redaction.patterns.1" }),
    );
  }
  expect(() => createRedactor({ replacement: "" })).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", path: "audit.redaction.replacement" }),
  );
});

test("REDACT-9: a pattern that hangs a backtracking engine finishes", () => {
  const slow = createRedactor({ patterns: ["(a+)+$"], builtIn: false });
  expect(slow.redactText(`${"a".repeat(20_000)}!`).hits.size).toBe(0);
});

test("REDACT-10: configured keys count as secret in any spelling, also without the built-in rules", () => {
  for (const builtIn of [true, false]) {
    const custom = createRedactor({ keys: ["vpnPin"], builtIn });
    const event = { details: { VPN_PIN: "8841-xy", text: "vpn-pin=8841xy" } };
    expect(custom.mayContainSecrets(toBytes(event))).toBe(true);
    expect(JSON.stringify(custom.redactEvent(event).event)).not.toMatch(/8841/);
  }
  expect(createRedactor({ builtIn: false }).redactText(`password=${randomPassword()}`).hits.size).toBe(0);
});

const HOSTILE: Readonly<Record<string, string>> = {
  letter: "a",
  upper: "A",
  digit: "4",
  blank: " ",
  equals: "=",
  colon: "password: ",
  quote: "'",
  backslash: "\\",
  dash: "-",
  percent: "%41",
  escape: "\\u0041",
  json: '{"password":',
  open: 'password="',
  escaped: 'password=\\"',
  single: "password: '",
  jwt: "eyJ",
  "jwt parts": "eyJ-eyJa.",
  base64: "QUFB",
  "base64 of names": "cGFzc3dvcmQ9",
  curl: "curl -u ",
  mysql: "mysql -",
  pem: "-----BEGIN PRIVATE KEY-----",
  url: "://a:",
  "url at": "://a:b@",
  bearer: "Bearer ",
  card: "4111 ",
  cookie: "cookie: a=b",
  authorization: "authorization: Bearer ",
  key: "key ",
  flag: "--password ",
  vendor: "datadog ",
  xml: "<password>",
  netrc: "login x password ",
  redis: "redis-cli ",
  wrapped: `${"A".repeat(76)}\n`,
  token: "token token=",
  sk: "sk-",
  account: "AccountKey=",
};

test("REDACT-11: work grows with the length of hostile text, not with its square", () => {
  // 16 times the text may cost 64 times the time, which squares would exceed fourfold; small times are all noise.
  const cost = (text: string): number => {
    const before = process.cpuUsage();
    redactor.redactText(text);
    redactor.mayContainSecrets(new TextEncoder().encode(text));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  const slow = Object.entries(HOSTILE).filter(([, unit]) => {
    const small = cost(unit.repeat(Math.ceil(65_536 / unit.length)));
    return cost(unit.repeat(Math.ceil(1_048_576 / unit.length))) > 64 * Math.max(small, 30);
  });
  expect(slow.map(([name]) => name)).toEqual([]);
});

test("REDACT-11: three layers of encoding are opened, and innocent text under more comes back as it is", () => {
  const wrap = (text: string, layers: number): string => (layers === 0 ? text : wrap(Buffer.from(text).toString("base64"), layers - 1));
  const secret = `a note with password=${randomPassword()} in it`;
  for (const layers of [1, 2, 3]) expect(redactor.redactText(wrap(secret, layers)).text, `${layers}`).toBe("[REDACTED]");
  expect(redactor.redactText(wrap("a plain sentence without any secret in it", 6)).hits.size).toBe(0);
});

test("REDACT-11: nesting beyond what is walked is replaced whole", () => {
  let nested: object = { password: randomPassword() };
  for (let level = 0; level < 200; level++) nested = { a: nested };
  const { event, hits } = redactor.redactEvent(nested);
  expect(JSON.stringify(event)).not.toContain("password");
  expect([...hits]).toEqual([["nested-unread", 1]]);
});

test("REDACT-2: base64 that a tool wrapped at 76 characters is read across its lines", () => {
  const lines =
    Buffer.from(`${"some words before it, ".repeat(6)}password=${randomPassword()} ${"and after it ".repeat(6)}`)
      .toString("base64")
      .match(/.{1,76}/g) ?? [];
  expect(lines.length).toBeGreaterThan(2);
  expect(redactor.redactText(`out:\n${lines.join("\n")}\nend`).text).toBe("out:\n[REDACTED]\nend");
});
