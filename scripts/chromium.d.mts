/** Path of the browser; undefined when there is none. */
export function findChromium(): string | undefined;
/** Installs the browser if it is missing and this machine lets us. */
export function installChromium(): Promise<void>;
