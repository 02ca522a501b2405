/** What a server tells of its search index, as its routes answer it. */

/** How far the search index is. */
export interface IndexStatus {
  /** Everything below it can be found. */
  readonly searchedTo: number;
  /** Entries that are only in memory. */
  readonly hotEntries: number;
  readonly files: readonly { readonly first: number; readonly entries: number; readonly bytes: number }[];
  /** Files that were found damaged since the server started, and made anew. */
  readonly repairs: readonly { readonly file: string; readonly reason: string }[];
  readonly follower: {
    readonly name: string;
    /** `following`, `waiting`, `retrying` …: what it is doing. */
    readonly state: string;
    readonly next: number;
    readonly treeSize: number;
    readonly lagEntries: number;
    readonly attempts: number;
    readonly lastError?: { readonly code: string; readonly message: string };
    readonly deadLetters: number;
  };
}

/** How far a check of the search index is, in entries. */
export interface CheckProgress {
  readonly checked: number;
  readonly of: number;
}

/** What a check of the search index found. */
export interface IndexCheck {
  readonly entries: number;
  readonly mismatchCount: number;
  /** The first ones, with the columns that differ. */
  readonly mismatches: readonly { readonly index: number; readonly columns: readonly string[] }[];
  /** Deeds that are counted twice or not at all. */
  readonly miscounted: number;
  readonly isGood: boolean;
}
