/** Outcomes as text with a shape: color alone says nothing here. */

import { make } from "./elements.ts";
import { visibleLine } from "./visible-text.ts";

const SHAPES: Readonly<Record<string, string>> = { success: "✓", failure: "✕", denied: "⊘", partial: "◐", pending: "◌" };

export function outcomeMark(status: string): HTMLElement {
  const isKnown = Object.hasOwn(SHAPES, status);
  const shape = make("span", { "aria-hidden": "true", class: "shape" }, isKnown ? (SHAPES[status] ?? "") : "?");
  return make("span", { class: isKnown ? `outcome ${status}` : "outcome" }, shape, visibleLine(status, 20));
}
