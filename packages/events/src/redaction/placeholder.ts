/** Tells what stands for a secret from what is one. */

const WORDS = new Set(
  (
    "password passwd pwd pass passphrase secret token key apikey api_key api-key string str number int boolean bool object any unknown never void " +
    "null none nil undefined true false yes no on off required optional missing invalid expired empty default example sample dummy placeholder " +
    "changeme change_me todo tbd n/a redacted masked hidden removed filtered omitted text bearer basic digest type value here your " +
    "user username env environment prompt ask auto inherit is are was the a an and or not for to in of from with flag option argument parameter " +
    "field if when which that this must should can may will has have been be it its include same-origin omit"
  ).split(" "),
);

/**
 * Whether the text only stands for a secret: a mark (`***`, `<key>`, `[REDACTED]`), a variable (`$TOKEN`, `${TOKEN}`, `{{ token }}`, `%TOKEN%`),
 * a word such as `string` or `null`, or `your-api-key`.
 */
export function isPlaceholder(value: string): boolean {
  const text = value.length > 200 ? value : value.trim();
  if (text.length === 0) return true;
  const first = text.charCodeAt(0);
  if (first === 0x24 && /^\$(?:\{[^}]{0,200}\}?|\([^)]{0,200}\)?|[A-Za-z_]\w{0,100}|env:\w{1,100}|\d)[;)]?$/.test(text)) return true;
  if (first === 0x3c && /^<[^<>]{0,100}>?$/.test(text)) return true;
  if (first === 0x5b && /^\[[A-Za-z_ -]{1,40}\]$/.test(text)) return true;
  if (first === 0x7b && /^\{\{?[^{}]{0,100}\}?\}?$/.test(text)) return true;
  if (first === 0x25 && /^%(?:[A-Za-z_]{2,40}%|[sdv]|\([a-z_]{1,40}\)s)$/.test(text)) return true;
  if (text.length <= 200 && /^(.)\1*$/.test(text) && /[xX*.•#_0-]/.test(text[0] ?? "")) return true;
  if (text.length <= 60) {
    if (/[*•…]{3}|\.\.\.$/.test(text)) return true;
    const lower = text.toLowerCase();
    if (WORDS.has(lower.replace(/[.,;:!?)\]}]{1,3}$/, ""))) return true;
    if (
      /^(?:your|my|some|the|an?|insert|enter|replace|put|test)[_ -](?:[a-z]{1,12}[_ -]){0,4}(?:key|token|secret|password|pass|here|credentials?)(?:[_ -]here)?$/.test(
        lower,
      )
    )
      return true;
    if (/^(?:x{3,}|redacted|changeme|placeholder|example)[_-]?/.test(lower) && !/\d/.test(lower)) return true;
  }
  return false;
}

/** Whether the text is code that fetches or names a value rather than a literal value: a call, a member access, a variable, a type. */
export function isExpression(value: string): boolean {
  if (/^[A-Za-z_$][\w$]*(?:(?:\.|\?\.|::|->)[A-Za-z_$][\w$]*){0,8}(?:[([<!?]|$)/.test(value)) {
    // `swordfish` is a name too; only names that talk about secrets, paths of names, calls and indexes are taken for code.
    if (/[([<]/.test(value)) return true;
    if (/^[A-Za-z_$][A-Za-z_$]*(?:(?:\.|\?\.|::|->)[A-Za-z_$][A-Za-z_$]*){1,8}[!?]?$/.test(value)) return true;
    return /pass|pwd|token|secret|key|cred|auth/i.test(value) && !/\d/.test(value);
  }
  return /^(?:[&!(@[{|\\/+-]|=|f["']|new\s|await\s|\d+$(?<=^\d{1,3}))/.test(value);
}

/** Whether the text mixes kinds of characters as generated or chosen secrets do and words do not. */
export function looksRandom(value: string): boolean {
  const kinds =
    (/[a-z]/.test(value) ? 1 : 0) +
    (/[A-Z]/.test(value) ? 1 : 0) +
    (/\d/.test(value) ? 1 : 0) +
    (/[^A-Za-z0-9\s.,:;'"()/_-]/.test(value) ? 1 : 0);
  return /\d/.test(value) ? kinds >= 2 : kinds >= 3;
}

/** Whether a value under a name that may or may not be secret (`PASS`, `VENDOR_KEY`) looks generated enough to be one. */
export function isWeakSecret(value: string): boolean {
  return value.length >= 8 && looksRandom(value) && /[A-Za-z]/.test(value) && !/[\s/]/.test(value);
}
