// SPDX-License-Identifier: MIT
// report.mjs - puts a table into docs/reliability.md, between the markers of its name.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { machine } from "../../bench/lib/server.mjs";
import { root } from "./programs.mjs";

const file = join(root, "docs", "reliability.md");

/** "2 x AMD EPYC, Linux 6.1, ...": what it ran on. */
export function machineLine() {
  const { date, cpu, kernel, ctfg, gcc, libuv, sqlite } = machine();
  return `${date}; ctfg ${ctfg}; ${cpu}, Linux ${kernel}; gcc ${gcc}, libuv ${libuv}, SQLite ${sqlite}, node ${process.versions.node}.`;
}

/** The first row is the head; text in the first columns, numbers in the last. */
export function tableOf(rows) {
  const line = (row) => `| ${row.join(" | ")} |`;
  return [line(rows[0]), `|${rows[0].map(() => "---").join("|")}|`, ...rows.slice(1).map(line)].join("\n");
}

export function writeBlock(name, text) {
  const begin = `<!-- ${name}: begin, written by make ${name} -->`;
  const end = `<!-- ${name}: end -->`;
  const old = readFileSync(file, "utf8");
  const from = old.indexOf(begin);
  const to = old.indexOf(end);
  if (from < 0 || to < from) {
    throw new Error(`${file} has no place for it: the markers of ${name} are missing`);
  }
  writeFileSync(file, `${old.slice(0, from + begin.length)}\n${text}\n${old.slice(to)}`);
}

export const count = (number) => Number(number).toLocaleString("en-US");
