/** Characters of JSON of one answer: about 15,000 tokens, what agents take without cutting it themselves. */
export const ANSWER_CHARS_MAX = 60_000;
/** Characters that the texts within an answer are cut to, step by step, until it fits. The last one leaves ids, hashes and cursors whole. */
export const TEXT_CHARS_STEPS = [4_000, 1_000, 300] as const;
/** Members that lists and free objects within an answer are cut to when shorter texts are not enough. */
export const MEMBERS_STEPS = [200, 50, 20, 5] as const;
/** Levels of an answer that are walked: the depth of an event, and what stands around it. */
export const ANSWER_DEPTH_MAX = 80;
/** Entries in one page of a search, and how many there are unless asked otherwise: an agent reads pages, not exports. */
export const PAGE_ENTRIES_MAX = 100;
export const PAGE_ENTRIES_DEFAULT = 20;
/** Entries of a session that one timeline reads, and how many it reads unless asked otherwise. */
export const TIMELINE_ENTRIES_MAX = 2_000;
export const TIMELINE_ENTRIES_DEFAULT = 500;
/** Groups in one answer of statistics. */
export const STATS_GROUPS_MAX = 200;
/** Entries of the resource of recent events. */
export const RECENT_ENTRIES = 20;
/** Intents that one process remembers, so that an effect can be closed while the trail is away. */
export const OPEN_EFFECTS_MAX = 1_000;
/** Characters of a signed note that is handed in: the limit of notes. */
export const NOTE_CHARS_MAX = 65_536;
/** List elements and object members of the arguments of one call. */
export const INPUT_ELEMENTS_MAX = 50_000;
/** Streams of change notices that are open at a time. Nothing changes here, so that one for each client is plenty. */
export const SUBSCRIPTIONS_MAX = 64;
/** Bytes of one request to `/mcp`: an event with room around it. */
export const REQUEST_BYTES_MAX = 4 * 1_048_576;
/** Milliseconds that a tool waits for the trail before the event goes to the disk. */
export const STORE_DEADLINE_MS = 5_000;
/** Characters of the name of an agent. The limit of the id of an actor. */
export const AGENT_CHARS_MAX = 200;
/** Characters of the name of a source. The event's own limit. */
export const SOURCE_CHARS_MAX = 128;
/** Characters of an id that joins events. The event's own limit. */
export const CONTEXT_ID_CHARS_MAX = 128;
