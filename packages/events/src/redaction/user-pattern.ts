import { RE2JS } from "re2js";
import { AuditError } from "../errors.ts";
import { USER_PATTERN_CHARS_MAX, USER_PATTERNS_MAX } from "./limits.ts";

export interface UserPattern {
  /** `pattern-1`, `pattern-2` … by position in the configuration. */
  readonly id: string;
  /** Lower-case text that stands in every match, if one is easily seen. */
  readonly literal: string | undefined;
  /** Calls `push` with start and end of every match that is not empty. */
  find(text: string, push: (start: number, end: number) => void): void;
}

/**
 * Compiles the patterns of the configuration for a linear-time engine (RE2 syntax): no input can make one hang.
 *
 * @throws {AuditError} `CONFIG_INVALID` with path `audit.redaction.patterns.N` for a pattern that RE2 does not take, such as one with a
 * backreference or a look-around.
 */
export function compileUserPatterns(patterns: readonly string[]): readonly UserPattern[] {
  if (patterns.length > USER_PATTERNS_MAX) {
    throw new AuditError("CONFIG_INVALID", {
      path: "audit.redaction.patterns",
      message: `At most ${USER_PATTERNS_MAX} redaction patterns are taken.`,
    });
  }
  return patterns.map((source, index) => {
    const path = `audit.redaction.patterns.${index}`;
    if (typeof source !== "string" || source.length === 0 || source.length > USER_PATTERN_CHARS_MAX) {
      throw new AuditError("CONFIG_INVALID", {
        path,
        message: `A redaction pattern is text of 1 to ${USER_PATTERN_CHARS_MAX} characters.`,
      });
    }
    return { id: `pattern-${index + 1}`, literal: requiredLiteral(source), find: finder(compile(source, path)) };
  });
}

function compile(source: string, path: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "not understood";
    throw new AuditError("CONFIG_INVALID", {
      path,
      message: `The redaction pattern ${source} cannot be used: ${reason}. Patterns follow RE2: no backreferences and no look-around.`,
      cause,
    });
  }
}

function finder(compiled: RE2JS): UserPattern["find"] {
  return (text, push) => {
    const matcher = compiled.matcher(text);
    while (matcher.find()) {
      const start = matcher.start();
      const end = matcher.end();
      if (end > start) push(start, end);
    }
  };
}

/** The longest stretch of plain characters that every match must hold; `undefined` when groups, alternatives or flags make that unclear. */
function requiredLiteral(source: string): string | undefined {
  if (/[|()]/.test(source)) return undefined;
  let best = "";
  let current = "";
  for (let index = 0; index < source.length; index++) {
    const character = source[index] ?? "";
    if (/[A-Za-z0-9_ -]/.test(character)) {
      current += character;
      if (/[?*{]/.test(source[index + 1] ?? "")) current = current.slice(0, -1);
      else {
        if (current.length > best.length) best = current;
        if (source[index + 1] !== "+") continue;
      }
    } else if (character === "\\") {
      // An escape is a class or an assertion, never counted; `\x41`, `\p{L}` and `\Q…\E` change what follows.
      if (/[xpPQ0-7]/.test(source[index + 1] ?? "")) return undefined;
      index++;
    } else if (character === "[") {
      const end = classEnd(source, index);
      if (end < 0) return undefined;
      index = end;
    } else if (character === "{") {
      const end = source.indexOf("}", index);
      if (end < 0) return undefined;
      index = end;
    }
    current = "";
  }
  return best.length >= 3 ? best.toLowerCase() : undefined;
}

function classEnd(source: string, start: number): number {
  let index = start + 1;
  if (source[index] === "^") index++;
  if (source[index] === "]") index++;
  for (; index < source.length; index++) {
    if (source[index] === "\\") index++;
    else if (source[index] === "[") return -1;
    else if (source[index] === "]") return index;
  }
  return -1;
}
