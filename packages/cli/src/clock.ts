/** RFC 3339 in UTC. The only place of the command line that reads the wall clock. */
export function nowText(): string {
  return new Date().toISOString();
}

/** Milliseconds since 1970. */
export function nowMs(): number {
  return Date.now();
}

/** RFC 3339 in UTC of a moment in milliseconds since 1970, up to the year 9999. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
