/** What a command's end tells to scripts. `verify` gives 2, 3 and 4 their meaning; a test holds it to the page of verification. */
export const EXIT = {
  ok: 0,
  /** The command failed or was used wrongly. */
  failed: 1,
  /** `import`: something was refused. */
  someRefused: 2,
  /** `verify`: it could not be checked (no such place, no connection, not readable). */
  notChecked: 2,
  /** `verify`: all holds, but nothing was remembered, so cutting the tail could not be checked. */
  holdsUnremembered: 3,
  /** `verify`: damage. `index check`: the search index does not say what the ledger says. */
  damaged: 4,
  /** `completeness`: nothing is missing, and not enough is known. */
  unknownVerdict: 3,
  /** `completeness`: something is missing. */
  incomplete: 4,
} as const;
