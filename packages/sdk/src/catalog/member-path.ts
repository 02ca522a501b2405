// Paths into metadata: members by dots, `*` for any member of an object or an array.

type Members = Record<string, unknown>;

/**
 * Puts `replacement` in place of every value that the path leads to. What is not there is left so.
 *
 * @param root JSON that belongs to the caller; it is changed.
 */
export function replaceAt(root: unknown, path: string, replacement: unknown): void {
  replaceIn(root, path.split("."), replacement);
}

function replaceIn(value: unknown, segments: readonly string[], replacement: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const [segment = "", ...rest] = segments;
  // A list in the way is gone through: nobody who marks `items.token` means none of them.
  if (Array.isArray(value) && segment !== "*" && !Object.hasOwn(value, segment)) {
    for (const item of value) replaceIn(item, segments, replacement);
    return;
  }
  const names = segment === "*" ? Object.keys(value) : Object.hasOwn(value, segment) ? [segment] : [];
  for (const name of names) {
    if (rest.length === 0) (value as Members)[name] = replacement;
    else replaceIn((value as Members)[name], rest, replacement);
  }
}

/**
 * Takes the value at a path out of its object.
 *
 * @param root JSON that belongs to the caller; it is changed.
 * @returns Undefined when nothing is there. A list in the way is given whole and stays where it is: it has not one value to take.
 */
export function takeAt(root: unknown, path: string): unknown {
  const segments = path.split(".");
  const last = segments.pop() ?? "";
  let holder = root;
  for (const segment of segments) {
    if (Array.isArray(holder)) return holder;
    holder = memberOf(holder, segment);
  }
  if (Array.isArray(holder)) return holder;
  const value = memberOf(holder, last);
  if (value !== undefined) delete (holder as Members)[last];
  return value;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Members)[name] : undefined;
}
