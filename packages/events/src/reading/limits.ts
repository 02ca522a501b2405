/** Every bound of filters, with its unit and its reason. */

/** Values of one filter together, times included: each costs a look at every entry that is searched. */
export const FILTER_VALUES_MAX = 100;
/** Characters (UTF-16 code units) of one value, without what marks it: no field that is compared as a whole is longer. */
export const FILTER_CHARS_MAX = 1_000;
/** Words of all `text` values together: each may cost a look at the whole content of every entry. */
export const TEXT_WORDS_MAX = 32;
/** Characters of an unknown name that an error repeats, and that is compared with the known ones. */
export const UNKNOWN_NAME_CHARS_MAX = 64;
