// What finds entries, beside the event itself: nothing of the schema, so that a process that only searches starts without it.
export { actionSpellings } from "./action-aliases.ts";
export { EXPLAINED_RULES, HOLE_RULES, UNKNOWN_RULES, VANTAGE_POINTS } from "./completeness.ts";
export { microsOf } from "./micros.ts";
export { nearestName } from "./nearest-name.ts";
export { looksIntoReads, READ_ACTION, type TextWord, textWords } from "./text-words.ts";
