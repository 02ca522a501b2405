import { PATH_CHARS_MAX, PATH_SEGMENTS_MAX } from "./limits.ts";

/** A path as text: nothing looks at a file system. */
export interface PathText {
  /** Normalised: `/` between names, no `.`, no `..` but leading ones, no slash at the end. */
  readonly text: string;
  /** The same below `~`, when it lies in the home folder of somebody. */
  readonly homeText: string | undefined;
  /** Windows writes `\` for `/` and does not tell letters apart by case. */
  readonly isWindows: boolean;
}

const DRIVE = /^[A-Za-z]:(?=[\\/]|$)/;
const HOME = /^(?:\/home\/[^/]+|\/Users\/[^/]+|\/root|\/var\/root|[A-Za-z]:\/Users\/[^/]+|\/mnt\/[a-z]\/Users\/[^/]+|~[^/]*)(?=\/|$)/i;

/** Whether a path starts at a root, a drive, a home folder or a variable, so that the working folder says nothing about it. */
export function isAnchored(path: string): boolean {
  return /^[/~$]/.test(path) || path.startsWith("\\") || path.startsWith("%") || DRIVE.test(path);
}

/**
 * Normalises a path without looking at the file system: `~` stays, a relative path is joined to the working folder when that is known, `..` takes
 * the name before it away, and of a path that leads above its start the leading `..` stay.
 *
 * @param path At most {@link PATH_CHARS_MAX} characters are read, and the last {@link PATH_SEGMENTS_MAX} names kept.
 */
export function readPath(path: string, cwd?: string): PathText {
  let written = path.slice(0, PATH_CHARS_MAX);
  if (/^file:\/\//i.test(written)) written = written.replace(/^file:\/\/(?:localhost)?/i, "");
  if (cwd !== undefined && cwd !== "" && !isAnchored(written)) {
    const separator = DRIVE.test(cwd) || cwd.startsWith("\\\\") ? "\\" : "/";
    written = `${cwd.slice(0, PATH_CHARS_MAX)}${separator}${written}`;
  }
  const isWindows = DRIVE.test(written) || written.startsWith("\\\\") || (written.includes("\\") && !written.includes("/"));
  if (isWindows) written = written.replaceAll("\\", "/");
  const root = written.startsWith("//") && isWindows ? "//" : written.startsWith("/") ? "/" : "";
  const names: string[] = [];
  for (const name of written.split("/")) {
    if (name === "" || name === ".") continue;
    const last = names.at(-1);
    const isStart =
      last === undefined || last === ".." || (names.length === 1 && root === "" && (last.startsWith("~") || DRIVE.test(last)));
    if (name !== "..") names.push(name);
    else if (!isStart) names.pop();
    else if (root === "" && !(last !== undefined && DRIVE.test(last))) names.push(name);
  }
  const text = `${root}${names.slice(-PATH_SEGMENTS_MAX).join("/")}` || ".";
  const home = HOME.exec(text);
  return { text, homeText: home === null ? undefined : `~${text.slice(home[0].length)}`, isWindows };
}

/** Whether `path` is `folder` or lies below it. Both are normalised. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
