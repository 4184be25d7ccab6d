// SPDX-License-Identifier: MIT
// games.mjs - games to measure with: many players, many challenges, logged in, or a log already full.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { call, login } from "./calls.mjs";
import { demoGame, startCtfg, tempFolder } from "./server.mjs";

/** A game without requirements, so that any right flag is taken at any time; limits out of the way. */
export function flatGame(players, challenges) {
  const limits = ["submit", "hint", "api"].map((name) => `  ${name}: 1000000 + 1000/s\n`).join("");
  const dir = demoGame(players, `limits:\n${limits}`);
  const all = Array.from({ length: challenges }, (_, i) => ({
    id: i + 1,
    title: `Challenge ${i + 1}`,
    category: "bench",
    difficulty: "easy",
    points: 100,
    description: "One of many.",
    flag: `^right-${i + 1}$`,
    testflag: `right-${i + 1}`,
    hints: [{ id: 1, text: "Look closer.", cost: 0 }],
  }));
  writeFileSync(join(dir, "challenges.json"), JSON.stringify(all));
  return dir;
}

/** Cookies of players 1 to `count`. */
export async function loginAll(port, count) {
  const cookies = [];
  for (let first = 1; first <= count; first += 50) {
    const some = Array.from({ length: Math.min(50, count - first + 1) }, (_, i) => login(port, first + i));
    cookies.push(...(await Promise.all(some)).map(({ cookie }) => cookie));
  }
  return cookies;
}

/**
 * Pairs of a player and a challenge, in an order that looks like chance and never comes to the same
 * pair twice: 7,919 is prime and divides no product of players and challenges that is used here.
 */
export function* pairs(players, challenges, firstChallenge = 1) {
  const all = players * challenges;
  for (let i = 0; i < all; i++) {
    const pair = (i * 7919) % all;
    yield { player: pair % players, id: firstChallenge + Math.floor(pair / players) };
  }
}

/** Solves all of the demo game for one player, so that the whole list is theirs to read. */
export async function solveAll(port, cookie, gameDir) {
  const challenges = JSON.parse(readFileSync(join(gameDir, "challenges.json"), "utf8"));
  const solved = new Set();
  while (solved.size < challenges.length) {
    for (const { id, testflag, requirements = [] } of challenges) {
      if (!solved.has(id) && requirements.every((required) => solved.has(required))) {
        const { text } = await call(port, "/api/submit", cookie, { id, flag: testflag });
        if (!text.includes('"correct"')) {
          throw new Error(`submit ${id}: ${text}`);
        }
        solved.add(id);
      }
    }
  }
}

/**
 * A database folder in which everybody has solved the first `solvedEach` challenges, one after another:
 * players x solvedEach events.
 */
export async function playedDatabase(gameDir, players, solvedEach) {
  const dbdir = tempFolder();
  const server = await startCtfg(gameDir, ["--workers", "1"], [], dbdir);
  await server.stop();
  execFileSync("sqlite3", [
    join(dbdir, "events.db"),
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${players * solvedEach})
     INSERT INTO events (ts, user_id, challenge_id, event_type, points)
     SELECT 1700000000000000 + i * 1000, users.id, 1 + i / ${players}, 1, 100
     FROM n JOIN users ON users.id = 1 + i % ${players} ORDER BY i;
     SELECT count(*) FROM events;`,
  ]);
  return dbdir;
}
