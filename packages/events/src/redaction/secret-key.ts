import { KEY_CACHE_MAX, KEY_CHARS_MAX } from "./limits.ts";

/** What the value under a key is: a password, a key or token, an Authorization header, cookies, or something that must itself look secret. */
export type SecretKeyKind = "password" | "token" | "authorization" | "cookie" | "weak";

/** Lower-case letters that stand in every secret-looking name: the keyword automaton looks for these. */
export const SECRET_KEY_STEMS: readonly string[] = [
  "pass",
  "pwd",
  "secret",
  "token",
  "key",
  "auth",
  "cookie",
  "cred",
  "conn",
  "cvv",
  "cvc",
  "sess",
];

const QUALIFIERS = new Set(
  "value values base64 b64 raw plain plaintext text old new prod production dev staging live primary secondary default current backup header string encoded".split(
    " ",
  ),
);
const PASSWORDS = /(?:password|passwd|passphrase|passcode|passwords|pwd|userpass|dbpass)$/;
const JOINED =
  /(?:apikeys?|secretkey|accesskey|privatekey|signingkey|encryptionkey|authtoken|accesstoken|refreshtoken|idtoken|sessiontoken|bearertoken|clientsecret|appsecret|webhooksecret|connectionstring|connstr|authkey|masterkey|accountkey|sharedkey|csrftoken|xsrftoken|authorization|apitoken|apisecret|servicekey|sshkey|deploykey|phpsessid|jsessionid|sessioncookie)$/;
const KEY_OWNERS = new Set(
  "api access private secret signing encryption decryption master account shared auth service deploy hmac aes storage webhook app session functions host license subscription".split(
    " ",
  ),
);
const NOT_KEY_OWNERS = new Set(["host", "license", "session"]);
const PASS_OWNERS = new Set(
  "db user mysql pg postgres smtp mail email ftp sftp redis rabbitmq mongo ldap admin root ssh http proxy basic auth sudo login database sql my key keystore cert".split(
    " ",
  ),
);
// Tokens of paging, parsing and models, not of access.
const TOKEN_OWNERS_HARMLESS = new Set(
  "page next continuation cancel cancellation stop eos bos pad unk sep mask cls special per first last start end max min num design syntax current prev previous line char word lexer parser image video audio reasoning total prompt completion input output cached".split(
    " ",
  ),
);
const VERBS = new Set(
  "forgot reset change update show hide has is needs need require required requires no invalid missing enable enabled allow min max forget missing wrong bad check toggle use include with without generate rotate verify validate".split(
    " ",
  ),
);

/** Splits `awsSecretAccessKey`, `DB_PASSWORD` and `x-api-key` into lower-case words. */
export function nameWords(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 0);
}

function classify(name: string, extra: readonly string[], hasBuiltIn: boolean): SecretKeyKind | undefined {
  const words = nameWords(name);
  if (extra.length > 0) {
    const joined = words.join("");
    if (extra.some((key) => joined === key || (key.length >= 4 && joined.endsWith(key)))) return "token";
  }
  if (!hasBuiltIn) return undefined;
  while (words.length > 1 && (QUALIFIERS.has(words.at(-1) ?? "") || /^\d+$/.test(words.at(-1) ?? ""))) {
    // `connection_string` and `authorization_header` keep meaning what they meant.
    if (words.at(-1) === "string" && words.at(-2) === "connection") return "token";
    words.pop();
  }
  const last = (words.at(-1) ?? "").replace(/\d+$/, "");
  const previous = words.at(-2) ?? "";
  const first = words[0] ?? "";
  if (words.length > 1 && VERBS.has(first)) return undefined;
  if (PASSWORDS.test(last)) return "password";
  if ((last === "hash" || last === "digest") && PASSWORDS.test(previous)) return "password";
  if (last === "pass") return PASS_OWNERS.has(previous) ? "password" : words.length === 1 ? "weak" : undefined;
  if (last === "base" && previous === "key" && words.at(-3) === "secret") return "token";
  if (last === "phrase" && previous === "pass") return "password";
  if (last === "word" && previous === "pass") return "password";
  if (last === "cvv" || last === "cvc") return "password";
  if (last === "authorization") return "authorization";
  if (last === "cookie" || last === "cookies")
    return words.length === 1 || previous === "set" || previous === "session" || previous === "http" || previous === "auth"
      ? "cookie"
      : undefined;
  if (last === "secret" || last === "secrets") return "token";
  if (last === "credential" || last === "credentials") return "token";
  if (last === "token") return TOKEN_OWNERS_HARMLESS.has(previous) ? undefined : "token";
  if (last === "key") {
    if (KEY_OWNERS.has(previous) && !NOT_KEY_OWNERS.has(previous)) return "token";
    // `OPENAI_KEY`: environment variables say key where they mean API key; `PUBLIC_KEY` and `PRIMARY_KEY` do not.
    return words.length > 1 &&
      /^[A-Z][A-Z0-9_]*$/.test(name) &&
      !/^(?:public|primary|foreign|cache|partition|sort|row|object|s3|host|license)$/.test(previous)
      ? "weak"
      : undefined;
  }
  if (last === "keys") return previous === "api" || previous === "secret" || previous === "private" ? "token" : undefined;
  if (last === "auth") return name.startsWith("_") ? "token" : undefined;
  if (JOINED.test(words.join("")) && (last.length > 6 || JOINED.test(last))) return "token";
  return undefined;
}

/**
 * Makes the function that says what a key's value is, or `undefined` for a key that holds no secret. Only the last
 * {@link KEY_CHARS_MAX} characters of a name count. `keys` are more names to treat as secret, in any spelling; with
 * `hasBuiltIn` false they are the only ones.
 */
export function createKeyClassifier(keys: readonly string[], hasBuiltIn = true): (name: string) => SecretKeyKind | undefined {
  const extra = keys.map((key) => nameWords(key).join("")).filter((key) => key.length > 0);
  const cache = new Map<string, SecretKeyKind | undefined>();
  return (name) => {
    const tail = name.length > KEY_CHARS_MAX ? name.slice(-KEY_CHARS_MAX) : name;
    const known = cache.get(tail);
    if (known !== undefined || cache.has(tail)) return known;
    const kind = classify(tail, extra, hasBuiltIn);
    if (cache.size >= KEY_CACHE_MAX) cache.clear();
    cache.set(tail, kind);
    return kind;
  };
}
