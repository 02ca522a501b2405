/** The API key and the pinned verifier key, where the browser keeps them. Rules: PAGE-8, PAGE-12. */

const KEY_NAME = "vouchtrail.key";
const PIN_NAME = "vouchtrail.vkey";

/** A value that the browser keeps. Where it keeps nothing (storage is switched off) the value lives as long as the page. */
interface Kept {
  get(): string | undefined;
  /** Undefined forgets it. */
  set(value: string | undefined): void;
}

export type ApiKey = Kept;
export type PinnedKey = Kept;

/** Kept until the tab is closed, and for this tab only. */
export function openApiKey(): ApiKey {
  return keep(() => sessionStorage, KEY_NAME);
}

/** Kept for this server until it is taken back. */
export function openPinnedKey(): PinnedKey {
  return keep(() => localStorage, PIN_NAME);
}

/** Whether a header can carry it: one word of visible ASCII. */
export function isKeyText(text: string): boolean {
  return /^[\x21-\x7e]{1,1000}$/.test(text);
}

function keep(storage: () => Storage, name: string): Kept {
  let inMemory: string | undefined;
  return {
    get() {
      try {
        return storage().getItem(name) ?? undefined;
      } catch {
        return inMemory;
      }
    },
    set(value) {
      inMemory = value;
      try {
        if (value === undefined) storage().removeItem(name);
        else storage().setItem(name, value);
      } catch {
        // It is in memory.
      }
    },
  };
}
