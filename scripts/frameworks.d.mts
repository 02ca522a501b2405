/** Path of a Node.js from 22 on; undefined when there is none. */
export function findNewerNode(): string | undefined;
/** Whether the frameworks are installed. */
export function hasFrameworks(): boolean;
/** Installs what is missing: the frameworks, and a newer Node.js. */
export function installFrameworks(): Promise<void>;
