import { randomInt } from "node:crypto";
import type { EntryKey } from "./ledger.ts";

/**
 * A key as numbers: the UUID's four words and a hash of the tenant. Two keys can be equal though their tenants differ, so a hit is only a
 * candidate: whoever asks reads the entry and compares.
 */
export interface IdWords {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly tenant: number;
}

/** What to look for: one tenant's entry, or with `tenant` undefined everybody's. */
export type IdQuery = Omit<IdWords, "tenant"> & { readonly tenant: number | undefined };

const tenantHashes = new Map<string, number>();

/** FNV-1a, 32 bits. Memoised for the few tenants that a server sees most. */
export function hashTenant(tenant: string): number {
  const known = tenantHashes.get(tenant);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (let i = 0; i < tenant.length; i++) hash = Math.imul(hash ^ tenant.charCodeAt(i), 0x01000193);
  hash >>>= 0;
  if (tenantHashes.size < 1_024) tenantHashes.set(tenant, hash);
  return hash;
}

/** @param key Its id is a UUID in lower case. */
export function toWords(key: EntryKey): IdWords {
  const { id } = key;
  return {
    a: Number.parseInt(id.slice(0, 8), 16),
    b: Number.parseInt(id.slice(9, 13) + id.slice(14, 18), 16),
    c: Number.parseInt(id.slice(19, 23) + id.slice(24, 28), 16),
    d: Number.parseInt(id.slice(28, 36), 16),
    tenant: hashTenant(key.tenant),
  };
}

const WORDS = 7; // a, b, c, d, tenant, index low, index high + 1 (0 marks a free slot).

/**
 * Ids of one generation of entries: open addressing over typed arrays, 28 bytes a slot, at most half full. About 60 bytes an id, where a Map
 * of strings takes 85 and gives the garbage collector a million objects to look at.
 */
export interface IdTable {
  readonly count: number;
  /** Smallest index in the table, Infinity when empty. */
  readonly minimumIndex: number;
  add(words: IdWords, index: number): void;
  /** Indexes of all entries whose key has these words; without a tenant, of every tenant. */
  find(words: IdQuery): readonly number[];
}

const NONE: readonly number[] = [];

export function createIdTable(capacity = 1_024): IdTable {
  // Callers choose ids: seeds of our own keep them from choosing ones that collide.
  const seedA = randomInt(1, 2 ** 31) * 2 + 1;
  const seedB = randomInt(1, 2 ** 31) * 2 + 1;
  let slots = 1;
  while (slots < capacity * 2) slots *= 2;
  let words = new Uint32Array(slots * WORDS);
  let count = 0;
  let minimumIndex = Number.POSITIVE_INFINITY;

  const slotOf = (a: number, b: number, c: number, d: number): number => {
    let hash = Math.imul(a ^ seedA, 0x9e3779b1) ^ Math.imul(b ^ seedB, 0x85ebca77);
    hash = Math.imul(hash ^ (hash >>> 15) ^ c, seedA);
    hash = Math.imul(hash ^ (hash >>> 13) ^ d, seedB);
    return (hash ^ (hash >>> 16)) & (slots - 1);
  };

  const put = (a: number, b: number, c: number, d: number, tenant: number, low: number, high: number): void => {
    let slot = slotOf(a, b, c, d);
    while (words[slot * WORDS + 6] !== 0) slot = (slot + 1) & (slots - 1);
    const at = slot * WORDS;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    words[at + 4] = tenant;
    words[at + 5] = low;
    words[at + 6] = high;
  };

  const grow = (): void => {
    const old = words;
    slots *= 2;
    words = new Uint32Array(slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 6] === 0) continue;
      put(old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!, old[at + 4]!, old[at + 5]!, old[at + 6]!);
    }
  };

  return {
    get count() {
      return count;
    },
    get minimumIndex() {
      return minimumIndex;
    },
    add(key, index) {
      if ((count + 1) * 2 > slots) grow();
      put(key.a, key.b, key.c, key.d, key.tenant, (index % 2 ** 32) >>> 0, Math.floor(index / 2 ** 32) + 1);
      count += 1;
      if (index < minimumIndex) minimumIndex = index;
    },
    find(key) {
      let found: number[] | undefined;
      for (let slot = slotOf(key.a, key.b, key.c, key.d); ; slot = (slot + 1) & (slots - 1)) {
        const at = slot * WORDS;
        const high = words[at + 6]!;
        if (high === 0) return found ?? NONE;
        if (
          words[at] === key.a &&
          words[at + 1] === key.b &&
          words[at + 2] === key.c &&
          words[at + 3] === key.d &&
          (key.tenant === undefined || words[at + 4] === key.tenant)
        ) {
          found ??= [];
          found.push((high - 1) * 2 ** 32 + words[at + 5]!);
        }
      }
    },
  };
}
