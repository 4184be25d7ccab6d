// SPDX-License-Identifier: MIT
// torture.mjs - crashes, power cuts, failing disks and races for as long as one likes.
//
//   node test/torture/torture.mjs [--seconds 3600] [--seed N] [--only crash,cut,fault,race]
//
// Each part has its share of the time and goes on with the next seed until that is over; a round that
// has begun is finished. The table goes to standard output and into docs/reliability.md. A round that
// finds something is told at once, with the seed that plays it again. Exit status 1: something was
// found (then the document is left alone).
import { parseArgs } from "node:util";

import { runRound } from "./crash.mjs";
import { runProgram } from "./programs.mjs";
import { count, machineLine, tableOf, writeBlock } from "./report.mjs";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3600" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    only: { type: "string", default: "race,fault,cut,crash" },
  },
});
const seconds = Number(values.seconds);
const shares = { race: 0.05, fault: 0.15, cut: 0.3, crash: 0.5 };
const KILLS_A_ROUND = 20;
let nextSeed = Number(values.seed);
let found = 0;

/** Adds the numbers of `more` to those of `sum`, also within objects. */
function addUp(sum, more) {
  for (const [name, value] of Object.entries(more)) {
    if (typeof value === "number") {
      sum[name] = (sum[name] ?? 0) + value;
    } else if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      sum[name] = addUp(sum[name] ?? {}, value);
    }
  }
  return sum;
}

async function repeat(part, once) {
  const begun = Date.now();
  const until = begun + seconds * 1000 * shares[part];
  const sum = { rounds: 0, firstSeed: nextSeed };
  while (sum.rounds === 0 || Date.now() < until) {
    const seed = nextSeed++;
    const { bad, ...result } = await once(seed, until);
    sum.lastSeed = seed;
    sum.rounds += 1;
    addUp(sum, result);
    if (bad) {
      found += 1;
      console.error(`${part}: seed ${seed} found something: ${bad}`);
    }
  }
  sum.minutes = (Date.now() - begun) / 60000;
  console.error(`${part}: ${sum.rounds} rounds in ${sum.minutes.toFixed(1)} minutes`);
  return sum;
}

const program = (name, args) => async (seed) => {
  const { code, result } = await runProgram(name, ["--seed", seed, ...args(seed)]);
  return { ...result, bad: code === 0 ? undefined : `${name} ended with ${code}: ${JSON.stringify(result)}` };
};

async function crashRound(seed, until) {
  const { findings, kills, processes, operations, acknowledged, unknown, events, resets } = await runRound({
    seed, kills: KILLS_A_ROUND, until,
  });
  return {
    bad: findings.length > 0 ? findings.slice(0, 5).join("\n  ") : undefined,
    kills, processes, operations, acknowledged, unknown, events, resets,
  };
}

/** Every other game carries on a database of the older engine: its upgrade is cut, too. */
const cutOptions = (seed) => [
  "--older", seed % 2,
  ...(seconds < 300 ? ["--steps", 12, "--samples", 8] : ["--steps", 24, "--samples", 24]),
];

const parts = {
  race: () => repeat("race", program("race", () => ["--seconds", Math.max(3, Math.min(60, seconds * 0.05))])),
  fault: () => repeat("fault", program("diskfault", () => ["--stride", 7])),
  cut: () => repeat("cut", program("powercut", cutOptions)),
  crash: () => repeat("crash", crashRound),
};

const seeds = ({ firstSeed, lastSeed }) => (firstSeed === lastSeed ? `${firstSeed}` : `${firstSeed}–${lastSeed}`);
const total = (object) => Object.values(object).reduce((sum, value) => sum + value, 0);

const rows = {
  crash: (sum) => [
    "kill -9 under load",
    `${count(total(sum.kills))} kills of ${count(sum.processes)} processes (${Object.entries(sum.kills)
      .map(([what, number]) => `${what} ${number}`)
      .join(", ")}) in ${sum.rounds} games; ${count(sum.operations)} requests, ${count(sum.acknowledged)} acknowledged, ` +
      `${count(sum.unknown)} cut off; ${count(sum.events)} events, ${sum.resets} resets`,
    "nothing lost, nothing twice, nothing that was refused; every board a replay, every stream without gap or repeat",
    seeds(sum),
  ],
  cut: (sum) => [
    "power cut",
    `${count(sum.prefix + sum.torn + sum.subset + sum.again)} disk images started from: ${count(sum.prefix)} prefixes, ` +
      `${count(sum.torn)} torn writes, ${count(sum.subset)} subsets, ${count(sum.again)} cuts of a recovery; from ` +
      `${count(sum.operations)} disk operations of ${count(sum.steps)} batches, checkpoints and resets`,
    `each starts, is sound and adds up; ${count(sum.at_mark)} held exactly what was acknowledged, ${count(sum.one_further)} ` +
      "also the one batch under way, whole",
    seeds(sum),
  ],
  fault: (sum) => [
    "failing disk",
    `${count(total(sum.struck))} games in which the n-th call fails (${Object.entries(sum.struck)
      .map(([what, number]) => `${what} ${number}`)
      .join(", ")}); ${count(sum.refused)} requests refused, ${count(sum.crashes)} crashes`,
    `no answer taken back, board = log, recovered every time; of ${count(sum.looks)} refused batches none was found after a ` +
      `kill in that moment, but ${count(sum.ghosts)}, whole, where the failed fsync was the last thing the disk did`,
    seeds(sum),
  ],
  race: (sum) => [
    "shared memory",
    `ThreadSanitizer, ${count(sum.lives)} db lives and deaths: ${count(sum.cuts)} boards and ${count(sum.events_read)} ` +
      `ring events read beside ${count(sum.events)} events written`,
    "no race, none torn, no token too many",
    seeds(sum),
  ],
};

const begun = Date.now();
const lines = [["what", "how much", "result", "seeds"]];
for (const part of values.only.split(",")) {
  lines.push(rows[part](await parts[part]()));
}
const text = `${machineLine()} ${((Date.now() - begun) / 60000).toFixed(0)} minutes.\n\n${tableOf(lines)}`;
console.log(text);
if (found === 0 && values.only.split(",").length === Object.keys(parts).length) {
  writeBlock("torture", text);
}
process.exitCode = found > 0 ? 1 : 0;
