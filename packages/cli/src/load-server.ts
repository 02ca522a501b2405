/**
 * The server's parts, loaded by the commands that work on a data directory. Most commands only speak HTTP, and loading a whole server would
 * triple the time they take to start.
 */
export function loadServer(): Promise<typeof import("@vouchtrail/server")> {
  return import("@vouchtrail/server");
}
