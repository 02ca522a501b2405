/**
 * Secrets made up anew for every run, and the places where people leave them. No secret stands in this file: each is put together from the
 * published beginning of its format and random characters, so that nothing here trips a host's push protection.
 */
import { randomInt } from "node:crypto";

export interface PlantedSecret {
  /** The built-in rule that knows it, or `named` for one that only its surroundings give away. */
  readonly rule: string;
  /** The characters that must not be stored. */
  readonly secret: string;
  /** How it stands in text: the secret itself, or an assignment that holds it. */
  readonly text: string;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const HEX = "0123456789abcdef";
const ALNUM = LOWER + UPPER + DIGITS;

/** Random characters of an alphabet; never eight times the same in a row, as no generator of keys yields that. */
export function randomChars(length: number, alphabet = ALNUM): string {
  let text = "";
  while (text.length < length) text += alphabet[randomInt(alphabet.length)];
  return text;
}

/** A password or key without a format: letters of both cases and digits. */
export function randomPassword(length = 16): string {
  return `${randomChars(length - 4)}${randomChars(1, LOWER)}${randomChars(1, UPPER)}${randomChars(2, DIGITS)}`;
}

const base64url = (text: string): string => Buffer.from(text).toString("base64url");

function randomCard(): string {
  const body = `4${randomChars(14, DIGITS)}`;
  let sum = 0;
  for (const [index, digit] of [...body].reverse().entries()) {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return body + String((10 - (sum % 10)) % 10);
}

function randomPem(kind: string): string {
  const lines = Array.from({ length: 6 }, () => randomChars(64));
  return [`-----BEGIN ${kind}PRIVATE ${"KEY"}-----`, ...lines, `-----END ${kind}PRIVATE ${"KEY"}-----`].join("\n");
}

/** Secrets that a rule knows by their shape. */
export function shapedSecrets(): readonly PlantedSecret[] {
  const mixed = (length: number): string =>
    `${randomChars(1, UPPER)}${randomChars(length - 3)}${randomChars(1, DIGITS)}${randomChars(1, LOWER)}`;
  const made: readonly (readonly [rule: string, secret: string])[] = [
    ["aws-access-key-id", `AK${"IA"}${randomChars(16, UPPER + DIGITS)}`],
    ["aws-access-key-id", `AS${"IA"}${randomChars(16, UPPER + DIGITS)}`],
    ["gcp-api-key", `AI${"za"}${randomChars(35)}`],
    ["google-oauth-secret", `GOC${"SPX-"}${randomChars(28)}`],
    ["google-oauth-token", `ya${"29."}${mixed(60)}`],
    ["azure-client-secret", `${randomChars(3)}8${"Q~"}${randomChars(34)}`],
    ["github-token", `gh${"p_"}${mixed(36)}`],
    ["github-token", `gh${"o_"}${mixed(36)}`],
    ["github-token", `gh${"u_"}${mixed(36)}`],
    ["github-token", `gh${"s_"}${mixed(36)}`],
    ["github-token", `gh${"r_"}${mixed(36)}`],
    ["github-fine-grained-token", `github${"_pat_"}${mixed(22)}_${mixed(59)}`],
    ["gitlab-token", `gl${"pat-"}${mixed(20)}`],
    ["gitlab-token", `gl${"dt-"}${mixed(20)}`],
    ["bitbucket-token", `AT${"BB"}${mixed(32)}`],
    ["atlassian-token", `ATA${"TT3"}${mixed(180)}`],
    ["npm-token", `np${"m_"}${mixed(36)}`],
    ["pypi-token", `py${"pi-"}AgEIcHlwaS5vcmc${mixed(120)}`],
    ["rubygems-key", `ruby${"gems_"}${randomChars(48, HEX)}`],
    ["crates-token", `ci${"o"}${mixed(32)}`],
    ["docker-token", `dckr${"_pat_"}${mixed(27)}`],
    ["slack-token", `xo${"xb-"}${randomChars(12, DIGITS)}-${randomChars(12, DIGITS)}-${mixed(24)}`],
    ["slack-token", `xo${"xp-"}${randomChars(12, DIGITS)}-${mixed(30)}`],
    ["slack-app-token", `xa${"pp-"}1-${randomChars(11, UPPER)}-${randomChars(13, DIGITS)}-${randomChars(60, HEX)}`],
    ["discord-token", `M${"T"}${randomChars(24)}.${randomChars(6)}.${randomChars(38)}`],
    ["telegram-bot-token", `AA${randomChars(33)}`],
    ["twilio-key", `S${"K"}${randomChars(32, HEX)}`],
    ["sendgrid-key", `S${"G."}${randomChars(22)}.${randomChars(43)}`],
    ["mailgun-key", `ke${"y-"}${randomChars(32, HEX)}`],
    ["mailchimp-key", `${randomChars(32, HEX)}-${"us"}14`],
    ["stripe-key", `sk${"_live_"}${mixed(24)}`],
    ["stripe-key", `rk${"_live_"}${mixed(24)}`],
    ["stripe-key", `sk${"_test_"}${mixed(24)}`],
    ["stripe-webhook-secret", `wh${"sec_"}${mixed(32)}`],
    ["square-token", `sq0${"atp-"}${mixed(22)}`],
    ["paypal-braintree-token", `access_${"token$"}production$${randomChars(16, LOWER + DIGITS)}$${randomChars(32, HEX)}`],
    ["shopify-token", `shp${"at_"}${randomChars(32, HEX)}`],
    ["openai-key", `sk${"-proj-"}${mixed(80)}`],
    ["openai-legacy-key", `sk${"-"}${mixed(48)}`],
    ["anthropic-key", `sk${"-ant-"}api03-${mixed(90)}AA`],
    ["openrouter-key", `sk${"-or-"}v1-${randomChars(64, HEX)}`],
    ["huggingface-token", `h${"f_"}${mixed(34)}`],
    ["replicate-token", `r${"8_"}${mixed(37)}`],
    ["groq-key", `gs${"k_"}${mixed(52)}`],
    ["perplexity-key", `pp${"lx-"}${mixed(48)}`],
    ["xai-key", `xa${"i-"}${mixed(80)}`],
    ["databricks-token", `da${"pi"}${randomChars(32, HEX)}`],
    ["vercel-token", `vc${"p_"}${mixed(56)}`],
    ["netlify-token", `nf${"p_"}${mixed(36)}`],
    ["digitalocean-token", `dop${"_v1_"}${randomChars(64, HEX)}`],
    ["heroku-key", `HR${"KU-"}AA${mixed(58)}`],
    ["cloudflare-origin-key", `v1${".0-"}${randomChars(24, HEX)}-${randomChars(146, HEX)}`],
    ["fly-token", `fm${"2_"}${mixed(120)}`],
    ["linear-key", `lin${"_api_"}${mixed(40)}`],
    ["notion-token", `nt${"n_"}${mixed(46)}`],
    ["notion-legacy-token", `sec${"ret_"}${mixed(43)}`],
    ["figma-token", `fi${"gd_"}${mixed(40)}`],
    ["sentry-token", `sn${"trys_"}${mixed(90)}`],
    ["grafana-token", `gl${"sa_"}${mixed(32)}_${randomChars(8, HEX)}`],
    ["new-relic-key", `NR${"AK-"}${randomChars(27, UPPER + DIGITS)}`],
    ["vault-token", `hv${"s."}${mixed(90)}`],
    ["terraform-token", `${mixed(14)}.atlas${"v1."}${mixed(67)}`],
    ["doppler-token", `dp.${"pt."}${mixed(43)}`],
    ["onepassword-token", `op${"s_"}eyJ${mixed(250)}`],
    ["age-secret-key", `AGE-SECRET-${"KEY-"}1${randomChars(58, UPPER + DIGITS)}`],
    ["postman-key", `PM${"AK-"}${randomChars(24, HEX)}-${randomChars(34, HEX)}`],
    ["supabase-key", `sb${"p_"}${randomChars(39, HEX)}7`],
    ["pulumi-token", `pu${"l-"}${randomChars(40, HEX)}`],
    ["jwt", `${base64url(`{"alg":"HS256","n":"${randomChars(4)}"}`)}.${base64url(`{"sub":"${randomChars(12)}","iat":1}`)}.${mixed(43)}`],
    ["payment-card", randomCard()],
    ["private-key", randomPem("")],
    ["private-key", randomPem("RSA ")],
    ["private-key", randomPem("OPENSSH ")],
  ];
  return made.map(([rule, secret]) => ({
    rule,
    secret,
    text: rule === "telegram-bot-token" ? `${randomChars(10, DIGITS)}:${secret}` : secret,
  }));
}

/** Secrets without a shape, each with the surroundings that give it away. */
export function namedSecrets(): readonly PlantedSecret[] {
  const forms: readonly ((secret: string) => string)[] = [
    (secret) => `export DB_PASSWORD=${secret}`,
    (secret) => `AWS_SECRET_ACCESS_KEY=${secret}`,
    (secret) => `STRIPE_SECRET_KEY="${secret}"`,
    (secret) => `PGPASSWORD=${secret} psql -h db.internal -U app`,
    (secret) => `mysql -u root -p${secret} -e "show tables"`,
    (secret) => `curl -u admin:${secret} https://api.example.com/v1`,
    (secret) => `curl -H "X-Api-Key: ${secret}" https://api.example.com/v1`,
    (secret) => `curl -H 'Authorization: Bearer ${secret}' https://api.example.com/v1`,
    (secret) => `Authorization: Token ${secret}`,
    (secret) => `Authorization: Basic ${Buffer.from(`admin:${secret}`).toString("base64")}`,
    (secret) => `Host: example.com\r\nCookie: session=${secret}; theme=dark\r\nAccept: */*`,
    (secret) => `Set-Cookie: sid=${secret}; Path=/; HttpOnly`,
    (secret) => `https://example.com/callback?state=1&access_token=${secret}&x=2`,
    (secret) => `https://store.blob.core.windows.net/c/b?sv=2022&sig=${secret}${randomChars(12)}`,
    (secret) => `postgres://app:${secret}@db.internal:5432/app`,
    (secret) => `mongodb+srv://app:${secret}@cluster0.example.net/app`,
    (secret) => `redis://:${secret}@cache:6379/0`,
    (secret) => `Server=db;Database=app;User Id=sa;Password=${secret};Encrypt=true`,
    (secret) => `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${secret}${randomChars(72)}==;EndpointSuffix=core.windows.net`,
    (secret) => `{"user":"app","password":"${secret}"}`,
    (secret) => `{"clientId":"app","clientSecret":"${secret}","n":1}`,
    (secret) => `password: ${secret}\nhost: db.internal`,
    (secret) => `[db]\nuser = app\npassword = ${secret}\n`,
    (secret) => `deploy --user app --password ${secret} --force`,
    (secret) => `const apiKey = "${secret}";`,
    (secret) => `config.auth_token = '${secret}'`,
    (secret) => `<add key="x"/><password>${secret}</password>`,
    (secret) => `machine example.com login app password ${secret}`,
    (secret) => `CREATE USER app IDENTIFIED BY '${secret}'`,
    (secret) => `the password is ${secret} and it works`,
    (secret) => `API key: ${secret}`,
    (secret) => `sshpass -p ${secret} ssh root@host`,
    (secret) => `docker login -u app -p ${secret} registry.example.com`,
    (secret) => `//registry.example.com/:_authToken=${secret}`,
    (secret) => `datadog api key: ${randomChars(32, HEX)} token=${secret}`,
    (secret) => `spring.datasource.password=${secret}`,
    (secret) => `webhook_secret => "${secret}"`,
    (secret) => `ENCRYPTION_KEY='${secret}'`,
    (secret) => `client.setPassword("${secret}")`,
    (secret) => `<property name="password" value="${secret}"/>`,
    (secret) => `password: String::from("${secret}")`,
    (secret) => `{"Key":"DB_PASSWORD","Value":"${secret}"}`,
    (secret) => `OPENAI_KEY=${secret}`,
    (secret) => `log in as admin with password ${secret}`,
    (secret) => `auth: { user: 'a', pass: '${secret}' }`,
  ];
  return forms.map((form) => {
    const secret = randomPassword(18);
    return { rule: "named", secret, text: form(secret) };
  });
}

/** How a text is written where it is planted. */
export const SECRET_ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text.length < 24 ? `note for the build: ${text}` : text).toString("base64"),
  base64url: (text) => Buffer.from(`see ${text.padEnd(20)}`).toString("base64url"),
  percent: (text) => encodeURIComponent(text),
  "percent of every byte": (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join(""),
  "JSON string": (text) => JSON.stringify({ note: text }),
  "JSON string in a JSON string": (text) => JSON.stringify({ body: JSON.stringify({ note: text }) }),
  "base64 of a JSON string": (text) => Buffer.from(JSON.stringify({ note: text })).toString("base64"),
};

/** Where a text is planted: parts of an event by name. */
export const SECRET_PLACES: Readonly<Record<string, (text: string) => Record<string, unknown>>> = {
  prompt: (text) => ({
    activity: { type: "message", name: "prompt", message: { role: "user", text: `Please use this:\n${text}\nand go on.` } },
  }),
  "tool input": (text) => ({
    activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: `set -e\n${text}`, description: "run" } } },
  }),
  "tool output": (text) => ({ outcome: { status: "success", result: { stdout: `line 1\n${text}\nline 3\n`, stderr: "" } } }),
  error: (text) => ({ outcome: { status: "failure", message: `failed near ${text}` } }),
  "environment dump": (text) => ({ details: { env: `HOME=/home/app\nNOTE=1\n${text}\nLANG=C\n` } }),
  "object key": (text) => ({ details: { [text]: 1 } }),
};

/** A whole event around the parts. */
export function eventWith(parts: Record<string, unknown>): Record<string, unknown> {
  return {
    id: "0197a3c2-7d4b-7c1e-9a55-3f2b8c6d1e40",
    occurredAt: "2026-03-01T10:11:12.345Z",
    tenant: "default",
    action: "ai.tool_call",
    actor: { type: "agent", id: "agent-7" },
    target: { type: "tool", id: "Bash" },
    outcome: { status: "success" },
    usage: { tokensInput: 1200, tokensOutput: 345, durationMs: 87 },
    context: { sessionId: "5b0a3d52-91a7-4a77-8f3e-0d7a6f0f2b11", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" },
    ...parts,
  };
}
