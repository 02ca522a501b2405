/** RFC 3339 in UTC. The only place of the command line that reads the wall clock. */
export function nowText(): string {
  return new Date().toISOString();
}

/** Milliseconds since 1970. */
export function nowMs(): number {
  return Date.now();
}
