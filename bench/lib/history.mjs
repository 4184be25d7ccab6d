// SPDX-License-Identifier: MIT
// history.mjs - bench/history.tsv: a line a figure and run, and what got worse between two runs.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { rows } from "../rows.mjs";
import { summary } from "./report.mjs";
import { root } from "./server.mjs";

const PATH = join(root, "bench", "history.tsv");
const HEAD = ["date", "commit", "version", "row", "median", "low", "high"];

export function writeHistory(figures, { date, commit, ctfg }) {
  if (!existsSync(PATH)) {
    writeFileSync(PATH, `${HEAD.join("\t")}\n`);
  }
  const lines = rows
    .filter(({ id }) => figures[id] !== undefined)
    .map(({ id }) => {
      const { value, low, high } = summary(figures[id]);
      return [date, commit, ctfg, id, ...[value, low, high].map((one) => one.toPrecision(4))].join("\t");
    });
  appendFileSync(PATH, `${lines.join("\n")}\n`);
}

/** Runs, oldest first: { date, commit, version, figures: { id: { value, low, high } } }. */
export function parseHistory(text) {
  const runs = [];
  for (const line of text.trim().split("\n").slice(1)) {
    const [date, commit, version, id, value, low, high] = line.split("\t");
    const last = runs.at(-1);
    const run =
      last?.date === date && last.commit === commit && !(id in last.figures)
        ? last
        : { date, commit, version, figures: {} };
    if (run !== last) {
      runs.push(run);
    }
    run.figures[id] = { value: Number(value), low: Number(low), high: Number(high) };
  }
  return runs;
}

export const readHistory = () => (existsSync(PATH) ? parseHistory(readFileSync(PATH, "utf8")) : []);

/** What the newest run is compared with: the last run of another version, else the run before it. */
export function baseline(runs) {
  const newest = runs.at(-1);
  return runs.slice(0, -1).findLast(({ version }) => version !== newest.version) ?? runs.at(-2);
}

/**
 * Rows whose newest median is worse, by more than the noise of either run: the middle halves of their
 * rounds do not touch.
 */
export function worse(before, now) {
  return rows.filter(({ id, reach }) => {
    const [was, is] = [before.figures[id], now.figures[id]];
    if (was === undefined || is === undefined) {
      return false;
    }
    return reach === ">=" ? is.high < was.low : is.low > was.high;
  });
}
