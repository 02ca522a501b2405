/** Every bound of the search index, with its unit and its reason. */

/** Entries of one file: 16 segments. Retention drops files, erasure rewrites one: neither should be the whole index. */
export const FILE_ENTRIES = 1_048_576;
/** Rows of one row group, and of one hot table: moved at once they make exactly one row group, which DuckDB writes in one stroke. */
export const ROW_GROUP_ROWS = 30_720;
/**
 * Part of the engine's memory that the rows of one hot table may take. Filling, waiting to be moved, being moved and being written make four of
 * them at worst; a table that is larger would never get to the disk. With 512 MB it is 85 MB, which 30,720 events of 2.7 KB fill.
 */
export const HOT_TABLE_MEMORY_SHARE = 1 / 6;
/** Bytes of one row beside its sections, about. */
export const ROW_BYTES = 400;
/** Full hot tables that wait to be moved; beyond it `apply` waits. About 50 MB each. */
export const HOT_TABLES_WAITING_MAX = 1;
/** Queries that run at a time: each takes a thread of the process, and all share two or more cores with the ledger. */
export const QUERIES_RUNNING_MAX = 2;
/** Queries that wait for their turn. */
export const QUERIES_WAITING_MAX = 64;
/** How long a query may run unless configured otherwise. */
export const QUERY_TIMEOUT_MS = 30_000;
/** Bits of a key filter for each key: with 60 % of the entries telling of calls, a look-up goes to a file in vain once in 100,000 keys. 2 MB a file. */
export const KEY_FILTER_BITS_PER_KEY = 16;
/** Bytes of memory that DuckDB may take unless configured otherwise. */
export const ENGINE_MEMORY_BYTES = 512 * 1_048_576;
/** Threads for file and query work in the process of the index. */
export const PROCESS_THREADS = 8;
/** MiB of each half of the young generation of its JavaScript heap. */
export const PROCESS_SEMI_SPACE_MEGABYTES = 8;
/** Arenas of glibc's malloc in it; elsewhere it means nothing. */
export const PROCESS_ARENAS = 2;
/** How far the process of the index stands back behind the ledger's when both want a core (POSIX nice). */
export const PROCESS_NICENESS = 10;
/** How long to wait before a process that ended is started again, in milliseconds; doubled each time it fails to open. */
export const PROCESS_RESTART_MS_MIN = 250;
export const PROCESS_RESTART_MS_MAX = 30_000;
/** How long a call waits for a process that is just starting, in milliseconds. */
export const OPEN_WAIT_MS = 10_000;
/** How long a query may go on after it was told to stop, in milliseconds; then its process is taken for stuck and replaced. */
export const QUERY_STOP_MS = 10_000;
/** How often a query that is to stop is told so, in milliseconds: between two statements it would not hear it. */
export const INTERRUPT_INTERVAL_MS = 50;
/** How long a process may take to close before it is killed, in milliseconds: what it holds is in the ledger. */
export const CLOSE_WAIT_MS = 10_000;
/** How long a reader waits for the index to catch up, in milliseconds. */
export const SEARCH_WAIT_MS = 10_000;
/** Entries compared with the index at a time when it is checked, and characters (UTF-16 units) of their leaves and sections, about. */
export const CHECK_BATCH_ENTRIES = 4_096;
export const CHECK_BATCH_CHARS = 8 * 1_048_576;
/** Differing entries that a check looks at once more, one by one. More of them are no coincidence. */
export const CHECK_LOOKS_AGAIN_MAX = 1_000;
/** Repairs that are told, the newest: a disk that breaks files again and again must not fill the memory. */
export const REPAIRS_TOLD_MAX = 100;
/**
 * How often the process of the index is asked whether it still hears, in milliseconds, and how many such questions it may leave unanswered while
 * somebody waits for it; then it is taken for stuck and replaced. A minute: on a busy machine it gets little of a core.
 */
export const PING_INTERVAL_MS = 5_000;
export const PINGS_UNANSWERED_MAX = 12;
/** Differing entries that a check names; the rest is counted. */
export const MISMATCHES_TOLD_MAX = 100;
/** Entries that a search looks at first, and how many times more at each further step: two row groups answer what is frequent in milliseconds. */
export const FIND_STEP_ENTRIES = 61_440;
export const FIND_STEP_FACTOR = 4;
/** Spans of time of one answer: a week of minutes, a year of hours, 27 years of days. */
export const STATS_BUCKETS_MAX = 10_080;
/** Dollars of one event that sums believe, either way: a larger figure is no cost, and would drown all others. */
export const COST_USD_MAX = 1e15;
/** Gaps told of one source, the newest; the rest is counted. */
export const SOURCE_GAPS_MAX = 100;
/** How long a first entry waits for others before it is indexed, in milliseconds: an ingest in small batches costs a call for each otherwise. */
export const GATHER_MS = 25;
/** Characters of one SQL statement. */
export const SQL_CHARS_MAX = 100_000;
/** Comments that one SQL statement begins: the parser takes quadratic time for comments in comments, 25 s for 50,000 of them. */
export const SQL_COMMENTS_MAX = 1_000;
/** Levels of the parser's tree, of which an expression takes two: what walks it recurses, and so does the planner. */
export const SQL_DEPTH_MAX = 500;
/** Work of the planner, in units of 50 to 250 ns: about a second, during which nothing can stop it. */
export const SQL_PLANNING_COST_MAX = 5_000_000;
/** Uses of tables in one SQL statement, those within WITH queries once for each use: the planner takes seconds for more. */
export const SQL_TABLES_MAX = 30;
/** Columns of any part of a SQL statement: the planner takes 40 µs for each, and a buffer is kept for each. */
export const SQL_COLUMNS_MAX = 10_000;
/** Wildcards of a pattern that is matched by trying: with three, the worst time grows with the square of the length of the text. */
export const SQL_WILDCARDS_MAX = 3;
/** Characters of a regular expression, and of the structure that JSON is read by: both cost time or stack for each character. */
export const SQL_PATTERN_CHARS_MAX = 1_000;
/** Characters that lpad and rpad may fill up to. */
export const SQL_PAD_CHARS_MAX = 1_000;
/** Characters of what the query engine says about a statement. */
export const SQL_MESSAGE_CHARS_MAX = 2_000;
/** By how many bytes the process may grow while one SQL statement runs, unless told otherwise: twice what the engine takes by default. */
export const SQL_MEMORY_BYTES_MAX = 2 * ENGINE_MEMORY_BYTES;
/** How often that is looked at, in milliseconds: one thread fills about 100 MB in this time. */
export const SQL_MEMORY_INTERVAL_MS = 50;
/** How long a statement over that limit may take to stop, in milliseconds; then its process is replaced. */
export const SQL_MEMORY_STOP_MS = 1_000;
/**
 * Characters of one answer as JSON; more rows are left out, and the answer says so. As many as a page of entries: the server's own process, which
 * acks events, stands still while it writes the answer out.
 */
export const SQL_ANSWER_CHARS_MAX = 16 * 1_048_576;
/** Values of one row, with all that lists, structs and maps hold: about a second of work that nothing else can be done beside. */
export const SQL_ROW_VALUES_MAX = 1_000_000;
/** Levels of one JSON value of an answer: deeper ones stay text, because readers recurse. */
export const JSON_DEPTH_MAX = 500;
