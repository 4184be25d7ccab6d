// SPDX-License-Identifier: MIT
// bench.mjs - the runner: measures every row of bench/rows.mjs, each beside something else.
//
//   node bench/bench.mjs [--rounds 7] [--minutes 3] [--only requests,streams] [--quick] [--write]
//
// --quick is a look of under three minutes: few rounds, small sizes, no endurance.  --write puts the
// table into docs/benchmarks.md and a line a figure into bench/history.tsv; only a whole run may.
// ROUNDS and MINUTES in the environment are the defaults.  Exit status 1: a group failed.
import { parseArgs } from "node:util";

import { writeHistory } from "./lib/history.mjs";
import { reportRows, writeDocs } from "./lib/report.mjs";
import { plain } from "./lib/rounds.mjs";
import { machine, takeLongestTurn } from "./lib/server.mjs";
import { saveResult, table } from "./lib/table.mjs";
import { groups } from "./rows.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: process.env.ROUNDS ?? "7" },
    minutes: { type: "string", default: process.env.MINUTES ?? "3" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const options = values.quick
  ? { rounds: 2, seconds: 1, minutes: 0, streams: 2000, herd: 2000, players: 2000 }
  : {
      rounds: Number(values.rounds), seconds: 1, minutes: Number(values.minutes),
      streams: 10000, herd: 10000, players: 20000,
    };
const wanted = values.only?.split(",") ?? groups.filter((name) => !values.quick || name !== "endurance");
if (values.write && (values.quick || values.only)) {
  console.error("bench: --write is for a whole run, without --quick and --only");
  process.exit(2);
}

const figures = {};
const failed = [];
const stalls = [];
for (const name of wanted) {
  const started = performance.now();
  try {
    const { default: measure } = await import(`./groups/${name}.mjs`);
    Object.assign(figures, await measure(options));
    stalls.push({ name, ms: takeLongestTurn() });
    console.error(`bench: ${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  } catch (error) {
    failed.push(name);
    console.error(`bench: ${name} failed: ${error.stack}`);
  }
}
if (stalls.length > 0) {
  const words = stalls.map(({ name, ms }) => `${name} ${ms.toFixed(1)}`).join(", ");
  figures.stall = plain([Math.max(...stalls.map(({ ms }) => ms))], words);
}
const where = machine();
console.log(table(reportRows(figures)));
console.log(`\nresults: ${saveResult("bench", { machine: where, options, figures })}`);
if (failed.length > 0) {
  console.error(`bench: failed: ${failed.join(", ")}; nothing else was written`);
  process.exit(1);
}
if (values.write) {
  writeDocs(figures, where, options);
  writeHistory(figures, where);
}
process.exit(0);
