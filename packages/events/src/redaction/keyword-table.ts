import { createKeywordAutomaton, type KeywordAutomaton } from "./keyword-automaton.ts";
import { nameWords, SECRET_KEY_STEMS } from "./secret-key.ts";
import { TOKEN_RULES } from "./token-rules.ts";
import type { UserPattern } from "./user-pattern.ts";

/** What a keyword found in text means. */
export type KeywordMeaning =
  | { readonly type: "rule"; readonly rule: number; readonly length: number }
  | { readonly type: "stem" }
  | { readonly type: "private-key"; readonly length: number }
  | { readonly type: "user"; readonly pattern: number }
  | { readonly type: "escape" };

export interface KeywordTable {
  readonly automaton: KeywordAutomaton;
  readonly meanings: readonly KeywordMeaning[];
}

/** Every literal that something to redact must hold: the rules', the stems of secret names, the user patterns', and JSON's odd escapes. */
export function createKeywordTable(hasBuiltIn: boolean, keys: readonly string[], userPatterns: readonly UserPattern[]): KeywordTable {
  const keywords: string[] = [];
  const meanings: KeywordMeaning[] = [];
  const add = (keyword: string, meaning: KeywordMeaning): void => {
    keywords.push(keyword);
    meanings.push(meaning);
  };
  add("\\u", { type: "escape" });
  add("\\/", { type: "escape" });
  if (hasBuiltIn) {
    for (const stem of SECRET_KEY_STEMS) add(stem, { type: "stem" });
    add("-----begin", { type: "private-key", length: 10 });
    for (const [rule, { starts }] of TOKEN_RULES.entries()) {
      for (const start of starts) add(start, { type: "rule", rule, length: start.length });
    }
  }
  for (const key of keys) {
    const longest = nameWords(key).sort((a, b) => b.length - a.length)[0];
    if (longest !== undefined) add(longest, { type: "stem" });
  }
  for (const [pattern, { literal }] of userPatterns.entries()) {
    if (literal !== undefined) add(literal, { type: "user", pattern });
  }
  return { automaton: createKeywordAutomaton(keywords), meanings };
}
