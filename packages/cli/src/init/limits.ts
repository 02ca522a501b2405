/** Every bound of `vouchtrail init`, with its unit and its reason. */

/** Bytes of a settings file: real ones have a few kilobytes, and the whole of it is held in memory several times. */
export const SETTINGS_BYTES_MAX = 1_048_576;
/** Brackets within brackets in a settings file: the parser calls itself once for each. */
export const SETTINGS_DEPTH_MAX = 100;
/** Seconds that an agent waits for the answer of an http hook: an answer takes milliseconds, and a server that hangs must not hold the agent up for long. */
export const HTTP_HOOK_TIMEOUT_SECONDS = 5;
/** Seconds that the hook command may run: it bounds itself to less, and spools what it could not send. */
export const COMMAND_HOOK_TIMEOUT_SECONDS = 10;
/** The same for agents that count in milliseconds. */
export const COMMAND_HOOK_TIMEOUT_MS = 10_000;
/** Milliseconds that `init` waits for the first event: as long as somebody looks on. */
export const FIRST_EVENT_MS_MAX = 60_000;
/** Milliseconds that `init` waits for a checkpoint over the first event: the server signs one every second or so. */
export const FIRST_PROOF_MS_MAX = 15_000;
/** Milliseconds between two questions for that proof. */
export const FIRST_PROOF_POLL_MS = 200;
/** Characters of an answer to `Write this?`: longer ones are no answer. */
export const ANSWER_CHARS_MAX = 100;
