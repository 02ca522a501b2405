/** Every bound of the command line, with its unit and its reason. */

/** Events of one request of an import. */
export const BATCH_EVENTS_MAX = 500;
/** Bytes of one request of an import; one event may exceed it alone. */
export const BATCH_BYTES_MAX = 4 * 1_048_576;
/** Requests in flight: the next batch is read while one is being stored. */
export const REQUESTS_IN_FLIGHT_MAX = 2;
/** Bytes of one record of a file: what the server takes as a whole body. */
export const RECORD_BYTES_MAX = 32 * 1_048_576;
/** Bytes of a file looked at to tell its shape. */
export const SAMPLE_BYTES_MAX = 1_048_576;
/** Refusals of one file that are listed; the rest is counted. */
export const REFUSALS_LISTED_MAX = 10;
/** Times a request is sent before a fault that may pass is given up on: about 45 seconds in all. */
export const ATTEMPTS_MAX = 8;
/** Delay before the second attempt, in milliseconds; it doubles each time. */
export const RETRY_DELAY_MS = 500;
/** Longest delay between two attempts, in milliseconds. */
export const RETRY_DELAY_MS_MAX = 15_000;
/** Longest a request may take, in milliseconds. A checkpoint is waited for up to 10 seconds. */
export const REQUEST_MS_MAX = 60_000;
/** Longest wait for a sign of life, in milliseconds: `doctor` and the start of an import ask first. */
export const PROBE_MS_MAX = 3_000;
/** How long a stop may take before the rest is left to the recovery of the next start, in milliseconds. */
export const STOP_MS_MAX = 30_000;
/** Characters of one server-sent event: an entry with two sections of the largest configurable size. */
export const STREAM_EVENT_CHARS_MAX = 64 * 1_048_576;
/** Bytes of a bundle file. */
export const BUNDLE_FILE_BYTES_MAX = 256 * 1_048_576;
/** Bytes of standard input for one event. */
export const STDIN_BYTES_MAX = 32 * 1_048_576;
/** Free bytes below which `doctor` warns: at 64 MiB intake pauses. */
export const DISK_FREE_BYTES_LOW = 1_073_741_824;
/** Seconds that two clocks may differ before `doctor` warns. */
export const CLOCK_DIFFERENCE_SECONDS_MAX = 5;
/** Entries that the summary page of an evidence pack lists: more make a page that no browser likes; the count is told in any case. */
export const PACK_PAGE_ENTRIES_MAX = 1_000;
/** Characters of one entry's JSON on the summary page of an evidence pack; with the entries above, the page stays below 10 MB or so. */
export const PACK_PAGE_JSON_CHARS_MAX = 8_000;
/** Different actions and actors that are counted one by one for the summary page. */
export const PACK_NAMES_MAX = 10_000;
/** Signed checkpoints in one evidence pack. Each page of an export may stand under a newer one. */
export const PACK_CHECKPOINTS_MAX = 100_000;
/** Bytes of the manifest, the vkey, the checkpoints and the summary page of an evidence pack: each is held in memory whole. */
export const PACK_PART_BYTES_MAX = 256 * 1_048_576;
/** Entries of one request of an export: the most that the server gives at once. */
export const PACK_REQUEST_ENTRIES = 200;
/** Tiles of the log kept while consistency proofs are made: 8 kB each. */
export const PACK_TILES_KEPT_MAX = 1_000;
/** Characters of what is said about who made an evidence pack. */
export const PACK_MADE_BY_CHARS_MAX = 200;
/** Entries of one request of a search that is streamed: one that breaks off costs no more than this. */
export const STREAM_REQUEST_ENTRIES = 100_000;
/** Entries of one page of a search: the most that the server gives. */
export const SEARCH_PAGE_ENTRIES_MAX = 1_000;
/** Sessions of one page: the most that the server gives. */
export const SESSIONS_PAGE_MAX = 200;
/** Entries that a search prints unless it is told otherwise: a few screens. */
export const SEARCH_ENTRIES_DEFAULT = 50;
/** Deeds that a report lists unless it is told otherwise. */
export const REPORT_ROWS_DEFAULT = 100;
/** Rows of one report. Whoever needs more writes SQL. */
export const REPORT_ROWS_MAX = 10_000;
/** Deeds that a report fetches to put them in the order of their times: its rows, and the rest of the minute in which the last one fell. */
export const REPORT_DEEDS_MAX = 20_000;
/** Groups in one answer of statistics: the most that the server gives. */
export const STATS_GROUPS_MAX = 1_000;
/** Columns of a chart in a terminal: wide enough to see a shape, narrow enough for any window. */
export const CHART_WIDTH = 60;
/** Columns of a bar beside a row. */
export const BAR_WIDTH = 12;
/** Gaps of one source that a table names; JSON has all that the server gives. */
export const GAPS_SHOWN_MAX = 5;
/** Bytes of a file or of standard input that holds SQL; the server takes at most 100,000 characters. */
export const SQL_FILE_BYTES_MAX = 1_048_576;
/** Entries that are printed at a time while an answer still comes. */
export const PRINT_ENTRIES = 200;
/** Entries that an answer may be behind before that is told: reading is itself recorded, so an answer is nearly always a little behind. */
export const BEHIND_ENTRIES_TOLD = 10;
/** How often a server is asked how far its search index is, in milliseconds. */
export const INDEX_POLL_MS = 250;
/** Bytes of a source file that is looked at for a catalog of events; what is longer was made by a machine. */
export const CATALOG_FILE_BYTES_MAX = 2 * 1_048_576;
/** Source files that are looked at for catalogs: a large repository has fewer. */
export const CATALOG_FILES_MAX = 50_000;
/** Milliseconds after which `doctor` takes a side effect without an outcome for one that is not going to have one. */
export const OPEN_EFFECT_AGE_MS = 3_600_000;
/** Open effects that `doctor` counts. */
export const DOCTOR_EFFECTS_MAX = 1_000;
/** Folders below the one that an import is given. Claude Code nests four: project, session, subagents, workflow. */
export const FOLDER_DEPTH_MAX = 8;
/** Transcripts of one folder: years of daily work. More are a folder that was not meant. */
export const FOLDER_FILES_MAX = 100_000;
/** Milliseconds between two looks of `import --watch` at its files, unless it is told otherwise. */
export const WATCH_INTERVAL_MS = 2_000;
/** Seconds between two looks: fewer would keep a processor busy with large folders; more is a timer for `import` itself. */
export const WATCH_INTERVAL_SECONDS = { min: 0.1, max: 3_600 } as const;
/** Milliseconds without growth after which a transcript counts as quiet: calls without a result are told then. Longer than most tools run. */
export const WATCH_QUIET_MS = 300_000;
/** Milliseconds without growth after which a watch forgets what it sent of a transcript: a session that goes on after a day is sent whole again. */
export const WATCH_FORGET_MS = 86_400_000;
/** Ids of one transcript that a watch remembers as sent: about 2 MB. Of a longer one that is read anew, everything is sent again. */
export const WATCH_SENT_IDS_MAX = 20_000;
/** Bytes at the start of a transcript, and in front of where reading stopped, by which a watch knows that it is still the same file. */
export const WATCH_SAMPLE_BYTES = 1_024;
/** Bytes of a transcript that a watch reads at a time. */
export const WATCH_READ_BYTES = 1_048_576;
