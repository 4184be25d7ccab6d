// SPDX-License-Identifier: MIT
// random.mjs - numbers that a seed gives again (mulberry32), and choices made with them.

export function makeRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return {
    next,
    below,
    pick: (list) => list[below(list.length)],
    /** table: {name: weight}. */
    weighted(table) {
      let left = next() * Object.values(table).reduce((sum, weight) => sum + weight, 0);
      return Object.keys(table).find((name) => (left -= table[name]) < 0);
    },
    /** Another one, that this one's further numbers do not disturb. */
    fork: () => makeRandom(Math.floor(next() * 4294967296)),
  };
}
