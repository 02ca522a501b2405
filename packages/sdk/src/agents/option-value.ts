/** An option that is given as a value, or as a function that is asked each time. What the function throws is thrown. */
export function optionValue(option: string | (() => string | undefined) | undefined): string | undefined {
  return typeof option === "function" ? option() : option;
}
