/** Every bound of the mappings, with its unit and its reason. */

/** Malformed lines of one transcript that are events of their own; the rest is one event with their count. A file of junk must not flood the trail. */
export const TRANSCRIPT_MALFORMED_EVENTS_MAX = 100;
