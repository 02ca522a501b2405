import { AUDIT_ACTIONS, type AuditAction } from "./audit-action.ts";

type SegmentCharacter =
  | (
      | "a"
      | "b"
      | "c"
      | "d"
      | "e"
      | "f"
      | "g"
      | "h"
      | "i"
      | "j"
      | "k"
      | "l"
      | "m"
      | "n"
      | "o"
      | "p"
      | "q"
      | "r"
      | "s"
      | "t"
      | "u"
      | "v"
      | "w"
    )
  | ("x" | "y" | "z" | "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "_");

type IsSegment<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First extends SegmentCharacter
    ? Rest extends ""
      ? true
      : IsSegment<Rest>
    : false
  : false;

type IsActionName<Action extends string> = Action extends `${infer Resource}.${infer Subresource}.${infer Deed}`
  ? [IsSegment<Resource>, IsSegment<Subresource>, IsSegment<Deed>] extends [true, true, true]
    ? true
    : false
  : Action extends `${infer Resource}.${infer Deed}`
    ? [IsSegment<Resource>, IsSegment<Deed>] extends [true, true]
      ? true
      : false
    : false;

/** Never the type of a value: an action that breaks the rule is not assignable to it, and the compiler's message shows what it must be. */
export interface MustBe<Rule extends string> {
  readonly mustBe: Rule;
}

/** How an action is named. */
export type ActionRule = "resource.action or resource.subresource.action, in lower case: a-z, 0-9 and _";

/**
 * The action itself when it follows the naming rule, else something that no text is. Text that the compiler does not know passes: it is checked at run time.
 * Rule: SDK-30.
 */
export type CheckedAction<Action> = Action extends string
  ? string extends Action
    ? Action
    : Action extends AuditAction
      ? Action
      : IsActionName<Action> extends true
        ? Action
        : MustBe<ActionRule>
  : string;

/** Characters of an action; the event's own limit. */
export const ACTION_CHARS_MAX = 128;

const ACTION_NAME = /^[a-z0-9_]+(?:\.[a-z0-9_]+){1,2}$/;

/**
 * Whether an action is named by the rule `resource[.subresource].action` in lower case. The constants of {@link AUDIT_ACTIONS} are taken as well:
 * the trail knows both spellings of each. Rule: SDK-30.
 */
export function isActionName(action: string): boolean {
  return (action.length <= ACTION_CHARS_MAX && ACTION_NAME.test(action)) || AUDIT_ACTIONS.has(action);
}
