import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { type ImportCommandOptions, printUnpriced, readerOptions, TRANSCRIPT } from "../import-options.ts";
import { WATCH_INTERVAL_MS } from "../limits.ts";
import { listenForStop } from "../stop-signal.ts";
import { countText, printable } from "../terminal.ts";
import { defaultTranscriptFolder } from "../transcript-folder.ts";
import { watchTranscripts } from "../transcript-watch.ts";

/**
 * `import --watch`: sends what is in transcripts and what comes, until SIGINT or SIGTERM.
 *
 * @param places Files and folders; none means those of Claude Code on this machine.
 * @returns 0, or 1 when not everything could be sent, or 2 when something was refused.
 * @throws {CommandError} for what cannot be watched. @throws {AuditError} when the server takes nothing from this sender.
 */
export async function watchPlaces(places: readonly string[], options: ImportCommandOptions, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  const { format, interval } = options;
  if (places.includes("-")) throw new CommandError("Standard input cannot be watched. Name files or folders.");
  if (format !== undefined && format !== TRANSCRIPT) throw new CommandError("Only transcripts can be watched. Leave --format out.");
  const watched = places.length === 0 ? [defaultTranscriptFolder(environment)] : places;
  // Heard from the first moment on, so that a stop while it starts is one as well.
  const stop = listenForStop(terminal, "Stopped at once. What was not sent is in the files; the next import sends it.");
  const client = await openClient(options, environment);
  const isJson = options.json === true;
  const say = (line: string): void => (isJson ? terminal.err(line) : terminal.out(line));
  say(`Watching ${watched.map(printable).join(", ")}. Ctrl-C ends it.`);
  const { counts, unpricedRequests, unsentFiles } = await watchTranscripts(
    client,
    {
      places: watched,
      intervalMs: interval === undefined ? WATCH_INTERVAL_MS : interval * 1_000,
      reader: await readerOptions(options, context),
      stop,
    },
    {
      sent: (name, { events, duplicates, refused }) =>
        say(
          `${printable(name)}: ${countText(events)} ${events === 1 ? "event" : "events"}` +
            `${duplicates > 0 ? `, ${countText(duplicates)} there already` : ""}${refused > 0 ? `, ${countText(refused)} refused` : ""}`,
        ),
      refused: (file, { line, code, path, message }) =>
        terminal.err(`${printable(file)}, line ${line}: ${code}${path === "" ? "" : ` at ${printable(path)}`}: ${printable(message)}`),
      retrying: (error, delayMs) => terminal.err(`${printable(error.message)} Trying again in ${delayMs / 1_000} s.`),
      troubled: (message) => terminal.err(printable(message)),
    },
  );
  if (isJson) terminal.out(JSON.stringify({ ...counts, unpricedRequests: Object.fromEntries(unpricedRequests), unsentFiles }));
  else {
    printUnpriced(unpricedRequests, terminal);
    terminal.out(
      `Total: ${countText(counts.files)} ${counts.files === 1 ? "file" : "files"}, ${countText(counts.stored)} stored, ` +
        `${countText(counts.duplicates)} there already, ${countText(counts.refused)} refused.`,
    );
  }
  if (unsentFiles.length > 0) {
    terminal.err(`Not everything was sent: ${countText(unsentFiles.length)} files wait for the next import.`);
    return EXIT.failed;
  }
  return counts.refused > 0 ? EXIT.someRefused : EXIT.ok;
}
