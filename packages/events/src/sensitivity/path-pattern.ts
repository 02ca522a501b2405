import type { PathText } from "./path-text.ts";
import { matchesStarred, matchesWildcard } from "./wildcard.ts";

/** A path in the parts that patterns are compared with. Made once for all patterns. */
export interface PathSubject {
  readonly names: readonly string[];
  readonly homeNames: readonly string[] | undefined;
  readonly isAbsolute: boolean;
  readonly isWindows: boolean;
}

/** One pattern of `sensitivity.paths`. */
export interface PathPattern {
  matches(subject: PathSubject): boolean;
  /** A file that the pattern is surely about: itself, with nothing for each star. What a wildcard of a shell is compared with. */
  readonly sample: string;
}

/** @returns The parts of a normalised path; on Windows in lower case. */
export function toPathSubject({ text, homeText, isWindows }: PathText): PathSubject {
  const namesOf = (path: string): string[] => (isWindows ? path.toLowerCase() : path).split("/").filter((name) => name !== "");
  return {
    names: namesOf(text),
    homeNames: homeText === undefined ? undefined : namesOf(homeText),
    isAbsolute: text.startsWith("/") || /^[A-Za-z]:/.test(text),
    isWindows,
  };
}

/**
 * Reads one pattern: `*` and `?` stand for characters of one name, `**` for any number of names. A pattern without a slash is compared with the
 * last name of a path; one that begins with `~/` with what is below any home folder; one that begins with `/` with the whole path; any other with
 * the end of it. `x/**` matches `x` too: who copies the folder copies what is in it.
 */
export function readPathPattern(pattern: string): PathPattern {
  const written = pattern.replaceAll("\\", "/");
  const names = written.split("/").filter((name) => name !== "");
  const lower = names.map((name) => name.toLowerCase());
  const namesFor = (subject: PathSubject): readonly string[] => (subject.isWindows ? lower : names);
  const sample = written.replace(/\/?\*\*/g, "").replaceAll("*", "");
  if (names.length === 1 && !written.startsWith("/") && !written.startsWith("~")) {
    return { sample, matches: (subject) => matchesWildcard(namesFor(subject)[0] ?? "", subject.names.at(-1) ?? "") };
  }
  if (written.startsWith("~")) {
    return { sample, matches: (subject) => subject.homeNames !== undefined && matchesNames(namesFor(subject), subject.homeNames) };
  }
  if (written.startsWith("/") || /^[A-Za-z]:/.test(written)) {
    return { sample, matches: (subject) => subject.isAbsolute && matchesNames(namesFor(subject), subject.names) };
  }
  return { sample, matches: (subject) => matchesNames(["**", ...namesFor(subject)], subject.names) };
}

/** Names as {@link matchesWildcard} takes characters, with `**` for any number of them. */
const NAMES = { isStar: (symbol: string) => symbol === "**", matches: matchesWildcard };

function matchesNames(pattern: readonly string[], names: readonly string[]): boolean {
  return matchesStarred(pattern, names, NAMES);
}
