// SPDX-License-Identifier: MIT
// coverage.mjs - folds `llvm-cov export -summary-only` (standard input) into a table by folder.
//
//     llvm-cov export -summary-only ... | node test/coverage.mjs 90 shm,db,conf,worker
//
// Exit status 1: a folder that is named has fewer lines covered than so many per cent.
import { text } from "node:stream/consumers";

const [least, names] = process.argv.slice(2);
const gated = names.split(",");
const { data } = JSON.parse(await text(process.stdin));
const folders = new Map();
const files = [];

/** "worker/view.c" of an absolute name, whatever folder the checkout is in. */
const relative = (filename) => filename.replace(`${process.cwd()}/`, "");

for (const { filename, summary } of data[0].files) {
  const name = relative(filename);
  const folder = name.split("/")[0];
  const sum = folders.get(folder) ?? { lines: 0, lines_hit: 0, branches: 0, branches_hit: 0 };
  sum.lines += summary.lines.count;
  sum.lines_hit += summary.lines.covered;
  sum.branches += summary.branches.count;
  sum.branches_hit += summary.branches.covered;
  folders.set(folder, sum);
  files.push({ name, percent: summary.lines.percent, missed: summary.lines.count - summary.lines.covered });
}

const percent = (hit, count) => (count === 0 ? 100 : (100 * hit) / count);
const shown = (hit, count) => `${percent(hit, count).toFixed(1)} %`.padStart(9);
let failed = false;
console.log("folder      lines  covered   branches  covered");
for (const [folder, sum] of [...folders].sort()) {
  const low = gated.includes(folder) && percent(sum.lines_hit, sum.lines) < Number(least);
  failed ||= low;
  console.log(
    `${folder.padEnd(9)} ${String(sum.lines).padStart(7)}${shown(sum.lines_hit, sum.lines)} ` +
      `${String(sum.branches).padStart(10)}${shown(sum.branches_hit, sum.branches)}` +
      (low ? `  below ${least} %` : ""),
  );
}
console.log("\nmost lines missed:");
for (const { name, percent: p, missed } of files.sort((a, b) => b.missed - a.missed).slice(0, 15)) {
  console.log(`  ${name.padEnd(28)} ${String(missed).padStart(4)} lines, ${p.toFixed(1)} % covered`);
}
process.exit(failed ? 1 : 0);
