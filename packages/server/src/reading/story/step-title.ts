import type { JsonObject } from "@vouchtrail/events";
import type { Fold } from "./deed-fold.ts";
import { PREVIEW_CHARS_MAX, TITLE_CHARS_MAX } from "./limits.ts";
import { lineOf, previewOf } from "./preview.ts";
import { objectAt, type ToldEntry, textOf } from "./told-entry.ts";

/** Members of a tool's input that say in a few words what it does, the most telling first. */
const TELLING = [
  "command",
  "file_path",
  "notebook_path",
  "pattern",
  "path",
  "url",
  "query",
  "query_preview",
  "skill",
  "description",
  "subject",
  "prompt",
  "plan",
];

/** What a step is, on one line: from the envelope, and where the content is there with a few words of it. Rule: SESSION-4. */
export function titleOf(fold: Fold): string {
  return lineOf(wordsOf(fold), TITLE_CHARS_MAX);
}

/** What was said, at most 500 characters. */
export function saidIn({ entries }: Fold): string | undefined {
  const text = entries.find((entry) => entry.text !== undefined)?.text;
  return text === undefined ? undefined : previewOf(text, PREVIEW_CHARS_MAX);
}

function wordsOf(fold: Fold): string {
  const { kind, first, subagent } = fold;
  const name = first.name ?? first.action;
  switch (kind) {
    case "call":
      return withWords(name, first.input ?? fold.entries.find(({ input }) => input !== undefined)?.input);
    case "prompt":
    case "response":
    case "message": {
      const text = saidIn(fold);
      const word = kind === "message" ? name : kind;
      return text === undefined ? word : `${word}: ${text}`;
    }
    case "decision":
      return decisionWords(first, name);
    case "approval":
      return withWords(`${first.action.replace(/^ai\./, "")}: ${name}`, first.input);
    case "subagent":
      return subagent === undefined ? first.action : `subagent ${subagent}`;
    case "error":
      return first.code === undefined ? name : `${name}: ${first.code}`;
    case "model": {
      const details = objectAt(first.hit.event, "details");
      const [from, to] = [textOf(details?.from_model), textOf(details?.to_model)];
      return to === undefined ? first.action : `model: ${from ?? "?"} to ${to}`;
    }
    case "request":
      return withWords("model call", textOf(objectAt(first.hit.event, "usage")?.model));
    default:
      return first.action;
  }
}

function withWords(name: string, input: unknown): string {
  const words = wordsIn(input);
  return words === undefined ? name : `${name}: ${words}`;
}

function wordsIn(input: unknown): string | undefined {
  if (typeof input === "string") return input;
  if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined;
  const members = input as JsonObject;
  for (const name of TELLING) {
    const words = wordsAt(members[name]);
    if (words !== undefined) return words;
  }
  return Object.values(members).map(wordsAt).find(isThere);
}

// A long text may have been cut before it was stored: then its beginning stands in an object.
function wordsAt(value: unknown): string | undefined {
  if (typeof value === "object" && value !== null && "cut" in value && "preview" in value) return textOf(value.preview);
  return textOf(value);
}

function isThere(value: string | undefined): boolean {
  return value !== undefined;
}

function decisionWords({ hit }: ToldEntry, name: string): string {
  const decision = objectAt(objectAt(hit.event, "activity"), "decision");
  const chosen = textOf(decision?.chosen);
  return chosen === undefined ? `decision ${name}` : `decision ${name}: ${chosen}`;
}
