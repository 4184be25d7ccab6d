// SPDX-License-Identifier: MIT
// compare.mjs - `make bench-compare`: what got slower than the last release?
//
// Compares the newest run of bench/history.tsv with the last one of another version, or, where there is
// none, with the run before it.  Exit status 1: something got worse by more than the noise.
import { baseline, readHistory, worse } from "./lib/history.mjs";
import { number } from "./lib/report.mjs";
import { table } from "./lib/table.mjs";

const runs = readHistory();
if (runs.length < 2) {
  console.log("bench-compare: bench/history.tsv holds fewer than two runs: nothing to compare");
  process.exit(0);
}
const now = runs.at(-1);
const before = baseline(runs);
const name = ({ version, commit, date }) => `${version} (${commit}, ${date})`;
const slower = worse(before, now);
const said = ({ value, low, high }) => `${number(value)} (${number(low)}-${number(high)})`;
console.log(`${name(now)} beside ${name(before)}`);
if (slower.length === 0) {
  console.log("nothing got worse by more than the noise");
} else {
  console.log(
    table([
      ["worse", "before", "now"],
      ...slower.map(({ id, what }) => [`${id}: ${what}`, said(before.figures[id]), said(now.figures[id])]),
    ]),
  );
  process.exitCode = 1;
}
