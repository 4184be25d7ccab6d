// SPDX-License-Identifier: MIT
// rounds.mjs - A and B in turn, and what is made of their rounds: a figure.
//
// A figure is { rounds, said }: one number a round (for a ratio: ours over theirs of that round, so that
// a machine that is slow for a while is slow for both), and the absolute medians in words.

export function median(values) {
  return share(values, 0.5);
}

/** The value below which that share of all lies; between two of them in proportion. */
export function share(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
}

/**
 * contenders: { name: async (round) => result }.  Each once a round, in turn; round 0 warms caches and
 * does not count.  Resolves with { name: [result, ...] }.
 */
export async function inTurn(rounds, contenders) {
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, measure] of Object.entries(contenders)) {
      const result = await measure(round);
      if (round > 0) {
        results[name].push(result);
      }
    }
  }
  return results;
}

const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** ours[field] over theirs[field], round by round. */
export function ratio(ours, theirs, field, unit, theirField = field) {
  const of = (results, name) => results.map((result) => result[name]);
  return {
    rounds: ours.map((result, i) => result[field] / theirs[i][theirField]),
    said: `${digits(median(of(ours, field)))} / ${digits(median(of(theirs, theirField)))} ${unit}`,
  };
}

/** A number of its own, not beside anything. */
export function plain(values, said = "") {
  return { rounds: values, said };
}
