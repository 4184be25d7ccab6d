// SPDX-License-Identifier: MIT
// report.mjs - figures as the table that people read: on the terminal, and in docs/benchmarks.md.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { isReached, rows } from "../rows.mjs";
import { median, share } from "./rounds.mjs";
import { root } from "./server.mjs";
import { table } from "./table.mjs";

const BEGIN = "<!-- written by make bench: from here -->";
const END = "<!-- written by make bench: to here -->";

export const number = (value) =>
  Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
const withUnit = (value, unit) => `${number(value)}${unit === "x" || unit === "%" ? unit : unit && ` ${unit}`}`;

/** The median, and the middle half of the rounds. */
export function summary({ rounds }) {
  return { value: median(rounds), low: share(rounds, 0.25), high: share(rounds, 0.75) };
}

/** The table with its head; rows that were not measured are left out. */
export function reportRows(figures) {
  const body = rows.filter(({ id }) => figures[id] !== undefined);
  return [
    ["what", "beside", "figure", "middle half", "reach", "reached", "ours / theirs"],
    ...body.map((row) => {
      const { value, low, high } = summary(figures[row.id]);
      return [
        row.what,
        row.against,
        withUnit(value, row.unit),
        figures[row.id].rounds.length > 1 ? `${number(low)}-${number(high)}` : "",
        row.reach === "" ? "" : `${row.reach} ${withUnit(row.limit, row.unit)}`,
        row.reach === "" ? "" : isReached(row, value) ? "yes" : "**no**",
        figures[row.id].said,
      ];
    }),
  ];
}

/** Everything between the markers of docs/benchmarks.md is the last run of `make bench`. */
export function writeDocs(figures, where, { rounds, minutes }) {
  const path = join(root, "docs", "benchmarks.md");
  const text = readFileSync(path, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) {
    throw new Error(`${path}: the two lines between which the table goes are missing`);
  }
  const { date, commit, cpu, kernel, ctfg, ...versions } = where;
  const known = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const about =
    `ctfg ${ctfg} (${commit}), ${date}; ${cpu}, Linux ${kernel}; ${known.join(", ")}. ` +
    `${rounds} rounds; the long game ran for ${minutes} minutes.`;
  writeFileSync(path, `${text.slice(0, from)}${BEGIN}\n${about}\n\n${table(reportRows(figures))}\n${text.slice(to)}`);
}
