/** The beginning of a text, at most `chars` UTF-16 code units with the ellipsis; a surrogate pair is never halved. */
export function previewOf(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const last = text.charCodeAt(chars - 2);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? chars - 2 : chars - 1)}…`;
}

/** The same on one line: runs of white space are one space. */
export function lineOf(text: string, chars: number): string {
  // More than the line needs is not looked at: a text may have megabytes.
  return previewOf(
    text
      .slice(0, chars * 4)
      .replace(/\s+/g, " ")
      .trim(),
    chars,
  );
}
