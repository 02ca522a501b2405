/**
 * The rules that know a secret by its shape. Each begins at a literal that the keyword automaton finds, so a text without any of the literals
 * costs one pass. Every repetition is bounded and no repetition stands inside another: matching at one place takes bounded time.
 *
 * Sources: the token formats that the vendors publish for secret scanning.
 */
import { isPlaceholder, looksRandom } from "./placeholder.ts";

export interface TokenRule {
  /** Stable name, kebab-case, at most 40 characters. It is stored in leaves: never rename one. */
  readonly id: string;
  /** Lower-case literals, one of which stands in every match, at its start or `back` characters after it. */
  readonly starts: readonly string[];
  /** Sticky. Without groups the whole match is the secret; with groups, group 1 stays and group 2, right behind it, is the secret. */
  readonly pattern: RegExp;
  /** Characters of the match before the literal. */
  readonly back?: number;
  /** What may not stand before the match: a letter or digit (default), also `_` and `-`, or nothing at all. */
  readonly boundary?: "word" | "strict" | "none";
  /** Token characters that follow the literal in every match; lets the prefilter dismiss a mere mention. */
  readonly tail?: number;
  /** A character that every match holds before the next white space or quote; lets the prefilter dismiss plain URLs. */
  readonly holds?: string;
  readonly accept?: (secret: string) => boolean;
}

const notPlaceholder = (secret: string): boolean => !isPlaceholder(secret);
const looksLikeToken = (secret: string): boolean => !isPlaceholder(secret) && looksRandom(secret);

/** A literal start followed by a token. `count` is a quantifier such as `{36}`. */
function prefixed(
  id: string,
  starts: readonly string[],
  chars: string,
  min: number,
  max = min,
  accept?: (secret: string) => boolean,
): TokenRule {
  const heads = starts.map((start) => start.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|");
  const pattern = new RegExp(`(?:${heads})[${chars}]{${min},${max}}`, "y");
  // Real tokens are never one repeated letter; documentation uses exactly that.
  const isReal = (secret: string): boolean => !isPlaceholder(secret) && !/(.)\1{9}/.test(secret) && (accept?.(secret) ?? true);
  return { id, starts: starts.map((start) => start.toLowerCase()), pattern, tail: min, accept: isReal };
}

/** A value that only its neighbourhood gives away: the vendor's name, the word key, token or secret, then the value. */
function contextual(id: string, vendor: string, value: string): TokenRule {
  const pattern = new RegExp(`(${vendor}[\\w .-]{0,24}(?:key|token|secret)["'\\\\\\s:=]{1,8})(${value})(?![A-Za-z0-9])`, "iy");
  return { id, starts: [vendor], pattern, boundary: "none" };
}

const ALNUM = "A-Za-z0-9";
const WORD = "A-Za-z0-9_";
const URL64 = "A-Za-z0-9_-";
const HEX = "0-9a-f";
const hasDigit = (secret: string): boolean => /\d/.test(secret);
const isMixed = (secret: string): boolean => /\d/.test(secret) && /[A-Z]/.test(secret);

export const TOKEN_RULES: readonly TokenRule[] = [
  {
    id: "aws-access-key-id",
    starts: ["akia", "asia", "abia", "acca"],
    pattern: /(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/y,
    tail: 16,
    accept: (secret) => !secret.endsWith("EXAMPLE"),
  },
  {
    id: "aws-secret-key",
    starts: ["akia", "asia"],
    pattern: /((?:AKIA|ASIA)[A-Z0-9]{16}[\s,:;|"'\\/]{1,8})([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])/y,
    tail: 16,
    accept: looksLikeToken,
  },
  prefixed("gcp-api-key", ["AIza"], URL64, 35),
  prefixed("google-oauth-secret", ["GOCSPX-"], URL64, 28),
  prefixed("google-oauth-token", ["ya29."], URL64, 20, 2_048),
  {
    id: "azure-storage-key",
    starts: ["accountkey="],
    pattern: /(AccountKey=)([A-Za-z0-9+/]{40,88}={0,2})/iy,
    boundary: "none",
    accept: notPlaceholder,
  },
  { id: "azure-client-secret", starts: ["q~"], pattern: /[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}/y, back: 4, tail: 31 },
  {
    id: "azure-shared-access-signature",
    starts: ["sig="],
    pattern: /(sig=)([A-Za-z0-9%+/=_-]{16,256})/iy,
    accept: looksLikeToken,
  },
  prefixed("github-token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], WORD, 30, 255),
  prefixed("github-fine-grained-token", ["github_pat_"], WORD, 22, 255),
  prefixed(
    "gitlab-token",
    ["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-"],
    "A-Za-z0-9_.-",
    20,
    300,
  ),
  prefixed("bitbucket-token", ["ATBB", "ATCTT3"], "A-Za-z0-9_=-", 24, 300, isMixed),
  prefixed("atlassian-token", ["ATATT3"], "A-Za-z0-9_=-", 40, 300),
  prefixed("npm-token", ["npm_"], ALNUM, 36),
  prefixed("pypi-token", ["pypi-"], URL64, 50, 512),
  prefixed("rubygems-key", ["rubygems_"], HEX, 48),
  prefixed("crates-token", ["cio"], ALNUM, 32, 40, isMixed),
  prefixed("docker-token", ["dckr_pat_", "dckr_oat_"], URL64, 20, 64),
  prefixed(
    "slack-token",
    ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxc-", "xoxd-", "xoxe.xoxb-", "xoxe.xoxp-"],
    "A-Za-z0-9%-",
    10,
    250,
  ),
  prefixed("slack-app-token", ["xapp-"], "A-Za-z0-9-", 20, 250),
  {
    id: "slack-webhook",
    starts: ["hooks.slack.com/"],
    pattern: /(hooks\.slack\.com\/(?:services|workflows|triggers)\/)([A-Za-z0-9+/]{20,100})/iy,
    boundary: "none",
    accept: notPlaceholder,
  },
  {
    id: "discord-token",
    // A token begins with the base64 of its bot's decimal id.
    starts: ["md", "mt", "mj", "mz", "nd", "nt", "nj", "nz", "od", "ot", "oj", "oz"],
    tail: 22,
    pattern: /[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,40}/y,
    boundary: "strict",
  },
  {
    id: "discord-webhook",
    starts: ["/api/webhooks/"],
    pattern: /(\/api\/webhooks\/\d{15,21}\/)([\w-]{40,100})/iy,
    boundary: "none",
  },
  {
    id: "teams-webhook",
    starts: ["webhook.office.com/"],
    pattern: /(webhook\.office\.com\/)([A-Za-z0-9@/_-]{60,300})/iy,
    boundary: "none",
  },
  { id: "telegram-bot-token", starts: [":aa"], pattern: /(:)(AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])/y, boundary: "none", tail: 33 },
  { id: "twilio-key", starts: ["sk", "ac"], pattern: /(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])/y, tail: 32 },
  contextual("twilio-auth-token", "twilio", "[0-9a-f]{32}"),
  { id: "sendgrid-key", starts: ["sg."], pattern: /SG\.[\w-]{16,32}\.[\w-]{16,64}/y, tail: 16 },
  { id: "mailgun-key", starts: ["key-"], pattern: /key-[0-9a-f]{32}(?![A-Za-z0-9])/y, tail: 32 },
  contextual("mailgun-context", "mailgun", "[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}"),
  { id: "mailchimp-key", starts: ["-us"], pattern: /[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])/y, back: 32 },
  prefixed("stripe-key", ["sk_live_", "sk_test_", "rk_live_", "rk_test_"], ALNUM, 10, 255),
  prefixed("stripe-webhook-secret", ["whsec_"], "A-Za-z0-9+/=", 24, 128),
  prefixed("square-token", ["sq0atp-", "sq0csp-", "sq0idp-", "EAAA"], URL64, 22, 80, isMixed),
  { id: "paypal-braintree-token", starts: ["access_token$"], pattern: /access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}/y },
  prefixed("shopify-token", ["shpat_", "shpca_", "shppa_", "shpss_"], "0-9a-fA-F", 32),
  prefixed("anthropic-key", ["sk-ant-"], URL64, 20, 255),
  prefixed("openrouter-key", ["sk-or-"], URL64, 20, 255),
  prefixed("openai-key", ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"], URL64, 20, 255),
  prefixed(
    "openai-legacy-key",
    ["sk-"],
    URL64,
    20,
    255,
    (secret) => hasDigit(secret) && /[A-Za-z0-9]{16}/.test(secret) && !/^sk-(?:ant|or|proj|svcacct|admin|None|lf)-/.test(secret),
  ),
  prefixed("huggingface-token", ["hf_", "api_org_"], ALNUM, 30, 64),
  prefixed("replicate-token", ["r8_"], ALNUM, 36, 44),
  prefixed("groq-key", ["gsk_"], ALNUM, 40, 64),
  prefixed("perplexity-key", ["pplx-"], ALNUM, 40, 64),
  prefixed("xai-key", ["xai-"], ALNUM, 60, 100),
  contextual("cohere-key", "cohere", "[A-Za-z0-9]{40}"),
  prefixed("databricks-token", ["dapi"], `${HEX}-`, 32, 40),
  prefixed("vercel-token", ["vcp_", "vci_", "vca_", "vcr_", "vck_", "vercel_blob_rw_"], WORD, 20, 100, hasDigit),
  prefixed("netlify-token", ["nfp_", "nfc_", "nfo_", "nfu_"], ALNUM, 36, 60),
  prefixed("digitalocean-token", ["dop_v1_", "doo_v1_", "dor_v1_"], HEX, 64),
  prefixed("heroku-key", ["HRKU-"], URL64, 36, 80),
  contextual("heroku-context", "heroku", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
  contextual("cloudflare-context", "cloudflare", "[A-Za-z0-9_-]{37,40}"),
  { id: "cloudflare-origin-key", starts: ["v1.0-"], pattern: /v1\.0-[0-9a-f]{24}-[0-9a-f]{146}/y, tail: 24 },
  prefixed("fly-token", ["fo1_", "fm1_", "fm1r_", "fm2_", "fm1a_"], "A-Za-z0-9_+/=,-", 40, 1_024),
  prefixed("linear-key", ["lin_api_", "lin_oauth_"], ALNUM, 32, 64),
  prefixed("notion-token", ["ntn_"], ALNUM, 40, 60),
  prefixed("notion-legacy-token", ["secret_"], ALNUM, 43, 43, isMixed),
  prefixed("figma-token", ["figd_", "figdr_", "figo_", "figu_"], URL64, 38, 64),
  prefixed("sentry-token", ["sntrys_", "sntryu_", "sntrya_"], "A-Za-z0-9_+/=", 40, 512),
  { id: "sentry-dsn", starts: ["://"], holds: "@", pattern: /(:\/\/)([0-9a-f]{32}(?::[0-9a-f]{32})?)@/y, boundary: "none" },
  prefixed("grafana-token", ["glsa_", "glc_"], "A-Za-z0-9_+/=", 32, 400),
  contextual("datadog-key", "datadog", "[0-9a-f]{40}|[0-9a-f]{32}"),
  prefixed("datadog-token", ["ddpat_", "ddapp_"], ALNUM, 30, 100),
  prefixed("new-relic-key", ["NRAK-", "NRII-", "NRRA-", "NRJS-"], URL64, 19, 42),
  contextual("pagerduty-key", "pagerduty", "[A-Za-z0-9_+-]{20,32}"),
  prefixed("vault-token", ["hvs.", "hvb.", "hvr."], URL64, 20, 300),
  { id: "terraform-token", starts: [".atlasv1."], pattern: /[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}/y, back: 14, tail: 60 },
  prefixed("doppler-token", ["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], "A-Za-z0-9._-", 40, 80),
  prefixed("onepassword-token", ["ops_eyJ"], "A-Za-z0-9+/=_-", 200, 2_000),
  {
    id: "onepassword-secret-key",
    starts: ["a3-"],
    pattern: /A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}/y,
    tail: 20,
  },
  { id: "age-secret-key", starts: ["age-secret-key-"], pattern: /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50,100}/y, tail: 50 },
  prefixed("postman-key", ["PMAK-"], `${HEX}-`, 59),
  prefixed("planetscale-token", ["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], "A-Za-z0-9=._-", 32, 64),
  prefixed("supabase-key", ["sbp_", "sb_secret_"], WORD, 20, 64, hasDigit),
  prefixed("langfuse-key", ["sk-lf-"], `${HEX}-`, 36),
  prefixed("artifactory-key", ["AKCp"], ALNUM, 60, 80),
  prefixed("pulumi-token", ["pul-"], HEX, 40),
  {
    id: "jwt",
    starts: ["eyj"],
    pattern: /eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,8192}(?:\.[A-Za-z0-9_-]{0,4096}){0,3}/y,
    boundary: "strict",
    tail: 8,
  },
  {
    id: "url-password",
    starts: ["://"],
    holds: "@",
    pattern: /(:\/\/[^\s:@/"'<>\\]{0,128}:)([^\s@/"'<>\\]{1,256})(?=@[A-Za-z0-9[_.%$-])/y,
    boundary: "none",
    accept: notPlaceholder,
  },
  {
    id: "authorization-header",
    starts: ["bearer"],
    pattern: /(Bearer(?: {1,4}|\+|\\t))([A-Za-z0-9._~+/=|:-]{8,8192})/iy,
    accept: (secret) => !isPlaceholder(secret) && (looksRandom(secret) || secret.length >= 24) && /[\d_=-]/.test(secret),
  },
  {
    id: "basic-credentials",
    starts: ["basic "],
    pattern: /(Basic {1,4})([A-Za-z0-9+/_-]{6,2048}={0,2})(?![A-Za-z0-9])/iy,
    accept: (secret) => /=$/.test(secret) || (secret.length % 4 === 0 && /\d/.test(secret) && /[A-Z]/.test(secret)),
  },
  {
    id: "aws-signature",
    starts: ["signature="],
    pattern: /(Signature=)([0-9a-fA-F]{64}|[A-Za-z0-9%+/_-]{20,512}={0,2})/iy,
    boundary: "none",
    accept: looksLikeToken,
  },
  {
    id: "url-secret",
    starts: ["key=", "code=", "auth=", "jwt=", "sid=", "session=", "assertion=", "hapikey=", "oauth=", "ticket=", "credential="],
    back: 1,
    pattern: /([?&;](?:key|code|auth|jwt|sid|session|assertion|hapikey|oauth|ticket|credential)=)([^&\s"'<>\\#]{12,4096})/iy,
    boundary: "none",
    accept: looksLikeToken,
  },
  {
    id: "curl-user",
    starts: ["curl "],
    pattern: /(curl (?:[^\n]|(?<=\\)\n){0,512}?(?<=\s)(?:-u ?|--user[ =]|--proxy-user[ =])["']?[^\s:"']{1,128}:)([^\s"']{1,256})/iy,
    accept: notPlaceholder,
  },
  {
    id: "mysql-password",
    starts: ["mysql", "mariadb"],
    pattern: /((?:mysql|mariadb)[a-z-]{0,12} [^\n|;]{0,256}?(?<= )-p["']?)([^\s"']{1,128})/y,
    accept: (secret) => !isPlaceholder(secret) && !/^\d+:\d+$/.test(secret),
  },
  {
    id: "command-password",
    starts: [
      "sshpass -p",
      "redis-cli ",
      "docker login",
      "htpasswd -",
      "-passin pass:",
      "-passout pass:",
      "az login",
      "mongosh ",
      "mongodump ",
      "podman login",
      "helm registry login",
      "ldapsearch ",
    ],
    pattern:
      /((?:sshpass -p ?|redis-cli [^\n|;]{0,256}?(?<= )-a |(?:docker|podman|helm registry) login [^\n|;]{0,256}?(?<= )-p |az login [^\n|;]{0,256}?(?<= )-p |mongo(?:sh|dump) [^\n|;]{0,256}?(?<= )-p |ldapsearch [^\n|;]{0,256}?(?<= )-w |htpasswd -[a-zA-Z]{0,6}b[a-zA-Z]{0,6} [^\s]{1,256} [^\s]{1,128} |-pass(?:in|out) pass:)["']?)([^\s"'\\]{1,256})/iy,
    boundary: "none",
    accept: notPlaceholder,
  },
  {
    id: "netrc-password",
    starts: ["login "],
    pattern: /(login[ \t]{1,4}\S{1,128}\s{1,8}password[ \t]{1,4})(\S{1,256})/iy,
    accept: notPlaceholder,
  },
  {
    id: "sql-password",
    starts: ["identified ", "password '"],
    pattern: /((?:identified (?:with [\w'"]{1,40} )?by|password) {1,2}')([^'\s]{1,256})/iy,
    accept: notPlaceholder,
  },
  {
    id: "password-call",
    starts: ["password("],
    pattern: /(password\(\\{0,4}["'])([^"'\s\\]{4,256})(?=\\{0,4}["']\))/iy,
    boundary: "none",
    accept: looksLikeToken,
  },
  {
    id: "named-attribute",
    starts: ["name=", "key="],
    pattern:
      /((?:name|key)=\\{0,4}["'][\w.-]{0,60}?(?:password|passwd|passphrase|secret|token|api[_-]?key)\\{0,4}["'] value=\\{0,4}["'])([^"'\\<]{1,1024})/iy,
    accept: notPlaceholder,
  },
  {
    id: "spoken-secret",
    starts: [
      "password is",
      "password was",
      "passphrase is",
      "key is",
      "token is",
      "secret is",
      "pin is",
      "passwort ist",
      "and password ",
      "with password ",
      "using password ",
    ],
    pattern:
      /((?:password|passphrase|key|token|secret|pin|passwort) (?:is|was|ist)(?: now)?:? {1,2}["'`]?|(?:and|with|using) password ["'`]?)([^\s"'`,;]{5,256})/iy,
    accept: (secret) => !isPlaceholder(secret) && looksRandom(secret),
  },
];
