import type { Finding } from "./finding.ts";
import { SCRIPT_CHARS_MAX } from "./limits.ts";
import { searchWords } from "./program-call.ts";
import type { ShellScope } from "./shell-word.ts";

const READS =
  /^(?:get-(?!credential|secret)\w+|test-\w+|select-\w+|where-object|where|\?|sort-object|sort|measure-\w+|format-\w+|out-string|out-null|write-(?:host|output)|echo|cat|gc|type|dir|ls|gci|pwd|cd|set-location|resolve-path|convertfrom-\w+|convertto-\w+|compare-object|findstr|more|whoami|hostname)$/i;
const ADMINISTERS =
  /\b(?:set-executionpolicy|new-service|set-service|stop-service|start-service|restart-service|remove-service|set-acl|takeown|icacls|new-localuser|add-localgroupmember|remove-localuser|set-localuser|bcdedit|netsh|reg(?:\.exe)?\s+(?:add|delete)|format-volume|clear-disk|stop-computer|restart-computer|invoke-expression|iex|sc(?:\.exe)?\s+(?:create|delete|config))\b|-verb\s+runas|remove-item[^;|\n]{0,200}-recurse[^;|\n]{0,200}(?:[A-Za-z]:\\|~|\$home|\$env:)/i;

/**
 * PowerShell is not parsed: its words are searched for sensitive names. A script is `readonly` when each of its commands is known to read and it
 * has no braces, brackets, variables or redirections; all else is at least `read-write`, and unread. Rule: SENS-12.
 */
export function readPowerShell(script: string, finding: Finding, cwd: string | undefined): void {
  const text = script.slice(0, SCRIPT_CHARS_MAX);
  const scope: ShellScope = { variables: new Map(), cwd };
  const commands = text.split(/[|;\n]|&&/).map((part) => part.trim().split(/\s+/)[0] ?? "");
  const isPlain = text.length === script.length && !/[$(){}<>&`@]/.test(text.replace(/\$(?:env:USERPROFILE|home)\b/gi, "~"));
  for (const command of commands.slice(0, 64)) if (/^[\w.\\/-]+$/.test(command)) finding.addCommand(command, [command.toLowerCase()]);
  if (ADMINISTERS.test(text)) finding.raise("admin");
  if (isPlain && commands.every((command) => command === "" || READS.test(command))) finding.raise("readonly");
  else finding.markUnread("script");
  searchWords(script, finding, scope);
}
