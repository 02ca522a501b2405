import type { JsonObject } from "../event.ts";
import { asText } from "./claude-code-line.ts";

/** Follows the chain that `parentUuid` makes of the lines of one transcript. */
export interface TranscriptChain<Break> {
  /**
   * Takes the next line, whatever its type: every line with a `uuid` can be a parent.
   *
   * @param describe Called for the first line that names a parent which was not seen so far; what it returns is kept until the end.
   */
  follow(line: JsonObject, describe: (parentUuid: string) => Break): void;
  /** One for each parent that no line of the file has, in the order of the lines that name them. */
  breaks(): readonly Break[];
}

/**
 * A parent may stand behind its child, because Claude Code writes lines from several places at once: so only the end of the file tells what is
 * missing. Several children of one missing parent are one break. Rule: MAPPING-36.
 */
export function createTranscriptChain<Break>(): TranscriptChain<Break> {
  const seen = new Set<string>();
  const missing = new Map<string, Break>();
  return {
    follow(line, describe) {
      const uuid = asText(line.uuid);
      if (uuid !== undefined) {
        seen.add(uuid);
        missing.delete(uuid);
      }
      const parentUuid = asText(line.parentUuid);
      if (parentUuid !== undefined && !seen.has(parentUuid) && !missing.has(parentUuid)) missing.set(parentUuid, describe(parentUuid));
    },
    breaks: () => [...missing.values()],
  };
}
