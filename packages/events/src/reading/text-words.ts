/**
 * Capital letters that {@link foldCase} leaves alone: younger than the tables of the search index. Ranges of code points, ends included.
 * A test compares every code point with the search index.
 */
const KEPT = /([\u1c89\ua7cb\ua7cc\ua7ce\ua7d2\ua7d4\ua7da\ua7dc\u{10d50}-\u{10d65}\u{16ea0}-\u{16eb8}]+)/u;

/**
 * Lower-cases each code point for itself, as the search index does: one text is folded alike wherever it stands. (`toLowerCase` looks at the
 * neighbours of a sigma, and makes two of `İ`.) Rule: FILTER-8.
 */
export function foldCase(text: string): string {
  const plain = text.replaceAll("Σ", "σ").replaceAll("İ", "i");
  if (!KEPT.test(plain)) return plain.toLowerCase();
  // Every second part is what the pattern caught.
  return plain
    .split(KEPT)
    .map((part, i) => (i % 2 === 0 ? part.toLowerCase() : part))
    .join("");
}

/** A word or phrase to look for, folded: as it stands in a plain field, and as it stands in JSON text. */
export interface TextWord {
  readonly plain: string;
  readonly escaped: string;
}

/**
 * The words of a `text` value: what white space divides; a part in double quotes is one phrase. A quotation mark that nothing closes, or that
 * stands within a word, is a character like any other. Rule: FILTER-7.
 */
export function textWords(value: string): readonly TextWord[] {
  const words: TextWord[] = [];
  for (const [, phrase, word] of value.matchAll(/"([^"]*)"|(\S+)/g)) {
    const text = phrase ?? word ?? "";
    if (text !== "") words.push({ plain: foldCase(text), escaped: foldCase(JSON.stringify(text).slice(1, -1)) });
  }
  return words;
}

/** The sections of an entry as JSON text, as far as they are there. */
export interface SectionTexts {
  readonly personal?: string | undefined;
  readonly content?: string | undefined;
}

/**
 * Cuts the section texts out of disclosures, `["salt","name",{…}]`: salt and name hold no brace.
 *
 * @param disclosures As the ledger keeps them.
 */
export function sectionTexts({ personal, content }: SectionTexts): SectionTexts {
  return { personal: sectionText(personal), content: sectionText(content) };
}

function sectionText(disclosure: string | undefined): string | undefined {
  return disclosure?.slice(disclosure.indexOf("{"), -1);
}

/** The action of the entries with which the server tells who read what. */
export const READ_ACTION = "audit.log.read";

/**
 * Whether `text` looks into entries that tell of reads. They hold what others have asked for: a search would always find itself, and an export
 * the record of its own making. So only a filter that names an action finds their words. Rule: FILTER-11.
 */
export function looksIntoReads(filter: { readonly conditions: readonly { readonly name: string }[] }): boolean {
  return filter.conditions.some(({ name }) => name === "action");
}
