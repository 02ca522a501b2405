/** Bounds of the derivation of the security block, with their units and reasons. Lengths of text count UTF-16 code units. */

/** Resources that one event names; what is over is counted in a last element. A command that names more is a list, not an access. */
export const RESOURCES_MAX = 64;
/** Characters of one identifier; longer ones are cut. The longest path of Linux has 4,096 bytes, and 64 of these stay under 64 KB. */
export const IDENTIFIER_CHARS_MAX = 1_024;
/** Characters of one path that are normalised and matched: PATH_MAX of Linux. What is longer cannot be opened. */
export const PATH_CHARS_MAX = 4_096;
/** Segments of one path that are matched: a path of {@link PATH_CHARS_MAX} can have 2,048, and matching costs segments times patterns. */
export const PATH_SEGMENTS_MAX = 128;
/** Characters of one shell script that are parsed. Parsing nested substitutions costs more than their length; longer ones are data. */
export const SCRIPT_CHARS_MAX = 65_536;
/** Characters of all scripts of one event together, so that scripts within scripts do not multiply the work. */
export const SCRIPTS_CHARS_MAX = 262_144;
/** Characters of a text that is only searched for sensitive names, because no parser reads it. */
export const SEARCHED_CHARS_MAX = 131_072;
/** Words of such a text that are looked at. */
export const SEARCHED_WORDS_MAX = 4_096;
/** Scripts within scripts (`bash -c`, substitutions, `ssh`, `xargs`) that are opened: people write three. */
export const SCRIPT_DEPTH_MAX = 12;
/** Simple commands of one event that are read, in all its scripts. */
export const COMMANDS_MAX = 1_000;
/** Arguments of all commands of one event that are looked at. */
export const ARGUMENTS_MAX = 4_096;
/** Characters of the value of a shell variable that is followed; a doubling assignment would else fill the memory. */
export const VARIABLE_CHARS_MAX = 4_096;
/** Words that one brace expansion is opened to. */
export const BRACE_WORDS_MAX = 64;
/** Tokens of SQL that are read. */
export const SQL_TOKENS_MAX = 10_000;
/** Members of one tool input that are looked at, and levels of nesting. Tool inputs are flat; deeper ones are documents. */
export const MEMBERS_MAX = 200;
export const MEMBER_DEPTH_MAX = 4;
/** Patterns of one list of rules, and characters of one: every path is compared with every pattern. */
export const PATTERNS_MAX = 500;
export const PATTERN_CHARS_MAX = 256;
