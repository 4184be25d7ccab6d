// SPDX-License-Identifier: MIT
// table.mjs - rows as an aligned Markdown table, and results as JSON files.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { root } from "./server.mjs";

/** The first row is the head.  Every column but the first is right-aligned. */
export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join("\n");
}


/** One file a run under bench/results; returns its path. */
export function saveResult(name, result) {
  const dir = join(root, "bench", "results");
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${name}-${new Date().toISOString().replace(/[:.]/g, "-")}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 1)}\n`);
  return path;
}
