const SECRET_NAME_PATTERN = /key|token|secret|passw|credential|auth|bearer|cookie/i;
const HIDDEN = "[hidden]";

/**
 * The command of a server as it may be recorded: values of options whose names speak of secrets are hidden, and so is the user part of URLs. Known forms of secrets are redacted besides, like everywhere.
 */
export function shownCommand(words: readonly string[]): readonly string[] {
  return words.map((word, i) => {
    const [, name] = /^(-{0,2}[A-Za-z0-9_.-]+)[=:]/.exec(word) ?? [];
    if (name !== undefined && SECRET_NAME_PATTERN.test(name) && !word.includes("://")) return `${word.slice(0, name.length + 1)}${HIDDEN}`;
    const before = words[i - 1];
    if (i > 1 && before?.startsWith("-") === true && !/[=:]/.test(before) && SECRET_NAME_PATTERN.test(before) && !word.startsWith("-"))
      return HIDDEN;
    return word.replace(/:\/\/[^/@\s]+@/g, `://${HIDDEN}@`);
  });
}

/** Programs that start another one: the server is what they are given. */
const RUNNERS = new Set([
  "npx",
  "npm",
  "pnpm",
  "yarn",
  "bunx",
  "bun",
  "node",
  "deno",
  "tsx",
  "uvx",
  "uv",
  "python",
  "python3",
  "docker",
  "podman",
  "env",
]);
const RUNNER_WORDS = new Set(["run", "exec", "dlx", "x", "tool"]);

/** Parts of a path that say nothing of the program that is in it. */
const PLAIN_PARTS = /^(?:index|main|server|cli|dist|build|lib|src|bin|out|node_modules|)$/;

/** A name for a server whose user gave none: the program, or what its runner is given. At most 100 characters. */
export function serverNameOf(words: readonly string[]): string {
  const isRunner = RUNNERS.has(words[0]?.split(/[/\\]/).at(-1) ?? "");
  const given = isRunner ? words.slice(1).find((word) => !word.startsWith("-") && !RUNNER_WORDS.has(word)) : words[0];
  const parts = (given ?? words[0] ?? "")
    .split(/[/\\]/)
    .map((part) => part.replace(/(?<=.)@.*$/, "").replace(/\.(?:[cm]?[jt]s|py|exe)$/, ""));
  const name = parts.findLast((part) => !PLAIN_PARTS.test(part)) ?? parts.at(-1) ?? "";
  return name === "" ? "server" : name.slice(0, 100);
}
