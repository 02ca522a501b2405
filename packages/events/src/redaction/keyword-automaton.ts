/**
 * Finds many literals in one pass (Aho and Corasick, 1975), without regard to ASCII case. The table is one flat array: state times the number
 * of character classes plus class gives the next state, so a step costs two loads.
 */
export interface KeywordAutomaton {
  /** Class of each character code below 256; a code above has class 0. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  /** Next state, already multiplied by `classCount`. */
  readonly next: Uint32Array;
  /** Keyword numbers that end in a state, by state number (not multiplied). */
  readonly outputs: readonly (readonly number[])[];
  /** States at or above this (multiplied) have outputs. */
  readonly outputsFrom: number;
}

/** Builds the automaton. Keywords are lower-case ASCII; the number of a keyword is its place in the list. */
export function createKeywordAutomaton(keywords: readonly string[]): KeywordAutomaton {
  const classes = new Uint8Array(256);
  let classCount = 1;
  for (const keyword of keywords) {
    for (let index = 0; index < keyword.length; index++) {
      const code = keyword.charCodeAt(index);
      if (classes[code] !== 0) continue;
      classes[code] = classCount++;
      if (code >= 0x61 && code <= 0x7a) classes[code - 32] = classes[code] ?? 0;
    }
  }

  const children: Map<number, number>[] = [new Map()];
  const found: number[][] = [[]];
  for (const [number, keyword] of keywords.entries()) {
    let state = 0;
    for (let index = 0; index < keyword.length; index++) {
      const symbol = classes[keyword.charCodeAt(index)] ?? 0;
      let child = children[state]?.get(symbol);
      if (child === undefined) {
        child = children.length;
        children.push(new Map());
        found.push([]);
        children[state]?.set(symbol, child);
      }
      state = child;
    }
    found[state]?.push(number);
  }

  const count = children.length;
  const next = new Uint32Array(count * classCount);
  const fail = new Uint32Array(count);
  const queue = [0];
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0;
    for (let symbol = 0; symbol < classCount; symbol++) {
      const child = children[state]?.get(symbol);
      const fallback = state === 0 ? 0 : (next[(fail[state] ?? 0) * classCount + symbol] ?? 0);
      next[state * classCount + symbol] = child ?? fallback;
      if (child === undefined) continue;
      fail[child] = fallback;
      found[child]?.push(...(found[fallback] ?? []));
      queue.push(child);
    }
  }
  return renumber(next, found, classes, classCount);
}

/** Gives states with outputs the highest numbers, so that one comparison a character finds them. */
function renumber(next: Uint32Array, found: readonly number[][], classes: Uint8Array, classCount: number): KeywordAutomaton {
  const order = [...found.keys()].sort((a, b) => Number((found[a]?.length ?? 0) > 0) - Number((found[b]?.length ?? 0) > 0) || a - b);
  const place = new Uint32Array(found.length);
  for (const [position, state] of order.entries()) place[state] = position;
  const table = new Uint32Array(next.length);
  for (const [position, state] of order.entries()) {
    for (let symbol = 0; symbol < classCount; symbol++) {
      table[position * classCount + symbol] = (place[next[state * classCount + symbol] ?? 0] ?? 0) * classCount;
    }
  }
  const outputs = order.map((state) => found[state] ?? []);
  const firstOutput = outputs.findIndex((list) => list.length > 0);
  return { classes, classCount, next: table, outputs, outputsFrom: (firstOutput < 0 ? found.length : firstOutput) * classCount };
}
