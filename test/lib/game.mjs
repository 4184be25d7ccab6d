// SPDX-License-Identifier: MIT
// game.mjs - makes game folders for tests: as many players and challenges as a test wants.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The username, password and flag of the i-th player and challenge of a made game. */
export const playerName = (i) => `p${String(i).padStart(5, "0")}`;
export const playerPassword = (i) => `secret-${i}`;
/** argon2id of the password "pw", 19 MiB and two passes: what docs/organiser.md advises. */
export const HASH_OF_PW =
  "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQxMjM0$H9aiUIZP1UElP0TpHPbEYr/K0Jc0nSAhTkGzj/ESjPs";
export const flagOf = (id) => `flag{${id}}`;

/**
 * A challenge as docs/organiser.md describes it; `more` overrides.
 */
export function challenge(id, more = {}) {
  return {
    id,
    title: `Challenge ${id}`,
    category: id % 2 ? "odd" : "even",
    difficulty: "easy",
    points: 10,
    description: `Say **flag{${id}}**.`,
    flag: `^flag\\{${id}\\}$`,
    testflag: flagOf(id),
    ...more,
  };
}

/* Of all games: one listener, however many there are. */
const folders = [];
process.on("exit", () => folders.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

/**
 * Writes a game into a folder of its own; it is removed when the test's process ends.
 * players: a count. challenges: a count, or an array of challenge objects.
 */
export function makeGame({ players = 3, challenges = 3, files = {} } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "ctfg-game-"));
  folders.push(dir);
  const list =
    typeof challenges === "number"
      ? Array.from({ length: challenges }, (_, i) => challenge(i + 1))
      : challenges;
  const rows = Array.from({ length: players }, (_, i) => `${playerName(i)},${playerPassword(i)}`);
  writeFileSync(join(dir, "challenges.json"), JSON.stringify(list, null, 1));
  writeFileSync(join(dir, "credentials.csv"), `username,password\n${rows.join("\n")}\n`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}
