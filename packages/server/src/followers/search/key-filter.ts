import { KEY_FILTER_BITS_PER_KEY } from "./limits.ts";

/** Bits set for one key. */
const PROBES = 8;

/** Tells without looking into a file that a key is not there. */
export interface KeyFilter {
  add(key: bigint): void;
  /** False: certainly not added. */
  mayHave(key: bigint): boolean;
}

/**
 * A Bloom filter over deed keys. They are pieces of a SHA-256 already, so their two halves are all the hashing it needs.
 *
 * @param keysMax Keys that it is made for; with more of them it answers "perhaps" more often, never wrongly "no".
 */
export function createKeyFilter(keysMax: number): KeyFilter {
  const bits = 2 ** Math.ceil(Math.log2(Math.max(1_024, keysMax * KEY_FILTER_BITS_PER_KEY)));
  const words = new Uint32Array(bits / 32);
  const halves = new BigInt64Array(1);
  const [low, high] = [0, 1];
  const parts = new Uint32Array(halves.buffer);

  function eachBit(key: bigint, visit: (word: number, mask: number) => boolean): boolean {
    halves[0] = key;
    const step = ((parts[high] ?? 0) | 1) >>> 0;
    let position = parts[low] ?? 0;
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = (position >>> 0) & (bits - 1);
      if (!visit(bit >>> 5, 1 << (bit & 31))) return false;
      position = (position + step) >>> 0;
    }
    return true;
  }

  return {
    add(key) {
      eachBit(key, (word, mask) => {
        words[word] = (words[word] ?? 0) | mask;
        return true;
      });
    },
    mayHave: (key) => eachBit(key, (word, mask) => ((words[word] ?? 0) & mask) !== 0),
  };
}
