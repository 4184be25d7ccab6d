// SPDX-License-Identifier: MIT
// database.mjs - looks into events.db from outside, with the sqlite3 command.
import { execFileSync } from "node:child_process";

/** Rows of a query as objects. Read-only: a test that must write says so. */
export function query(dbPath, sql, { write = false } = {}) {
  const args = write ? ["-json", dbPath, sql] : ["-json", `file:${dbPath}?mode=ro`, sql];
  const out = execFileSync("sqlite3", ["-cmd", ".timeout 5000", ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  return out.trim() === "" ? [] : JSON.parse(out);
}

/** Runs statements on a database, made if it is not there. */
export function execute(dbPath, sql) {
  execFileSync("sqlite3", ["-cmd", ".timeout 5000", dbPath], { input: sql, maxBuffer: 1 << 28 });
}

/** The scoreboard as the event log tells it: user id -> {score, solves}. */
export function replay(dbPath) {
  const rows = query(
    dbPath,
    "SELECT user_id, SUM(points) AS score, SUM(event_type = 1) AS solves FROM events GROUP BY user_id",
  );
  return new Map(rows.map((row) => [row.user_id, { score: row.score, solves: row.solves }]));
}
