/** The search box and the filters that write into it. The box is the truth: the filters only show what it says. Rules: PAGE-5, PAGE-6. */

import { make, part } from "./elements.ts";
import { parseQuery, type QueryFilter, soleValue, withFilter } from "./query-text.ts";

export interface SearchForm {
  /** Writes into the box and lets the filters follow. */
  write(text: string): void;
  /** Sets one filter in the box and searches. */
  filter(filter: QueryFilter): void;
  focus(): void;
  isVisible(): boolean;
}

/** @param onSearch Called with the text of the box whenever somebody asks for it. */
export function createSearchForm(onSearch: (text: string) => void): SearchForm {
  const form = part("search", HTMLFormElement);
  const box = part("query", HTMLInputElement);
  // Each field says in the markup which filter it sets.
  const fields = [...form.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-filter]")].map((element) => ({
    element,
    name: element.dataset.filter ?? "",
  }));

  function follow(): void {
    const query = parseQuery(box.value);
    for (const { element, name } of fields) {
      const value = soleValue(query, name);
      if (element instanceof HTMLSelectElement) offer(element, value);
      // A date field shows days only; the box may say a minute.
      element.value = element.type === "date" ? value.slice(0, 10) : value;
    }
  }

  function set(filter: QueryFilter): void {
    box.value = withFilter(box.value, filter);
    follow();
    onSearch(box.value);
  }

  for (const { element, name } of fields) element.addEventListener("change", () => set({ name, value: element.value.trim() }));
  box.addEventListener("input", follow);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onSearch(box.value);
  });

  return {
    write(text) {
      if (box.value !== text) box.value = text;
      follow();
    },
    filter: set,
    focus() {
      box.focus();
      box.select();
    },
    isVisible: () => box.checkVisibility(),
  };
}

/** A value that the list does not have, such as `!success`, is shown all the same. */
function offer(select: HTMLSelectElement, value: string): void {
  if ([...select.options].some((option) => option.value === value)) return;
  select.append(make("option", { value }, value.slice(0, 60)));
}
