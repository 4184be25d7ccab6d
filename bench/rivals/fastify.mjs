// SPDX-License-Identifier: MIT
// fastify.mjs - what one writes first in Node: fastify, better-sqlite3, one insert and commit a request.
//
//   node fastify.mjs DATABASE SQL_FILE...     says on standard error where it listens
//
// The same tables as ctfg's, WAL and synchronous=FULL.  Every request inserts its row and waits for the
// disk before it is answered; a wrong guess goes into `guesses`.  No game, no sessions, no limits.
import { readFileSync } from "node:fs";

import Database from "better-sqlite3";
import Fastify from "fastify";

const [path, ...sqlFiles] = process.argv.slice(2);
const db = new Database(path);
sqlFiles.forEach((file) => db.exec(readFileSync(file, "utf8")));
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.pragma("cache_size = -65536");
const addEvent = db.prepare(
  "INSERT INTO events (ts, user_id, challenge_id, event_type, points, hint_number) VALUES (?, ?, ?, ?, ?, ?)",
);
const addGuess = db.prepare("INSERT INTO guesses (ts, user_id, challenge_id, guess) VALUES (?, ?, ?, ?)");

const USERS = 2000;
const CHALLENGES = 500;
const rows = { solve: 0, hint: 0 };

/** Spread at random over all pairs, and never the same pair twice. */
function nextPair(kind) {
  const pair = (rows[kind]++ * 7919) % (USERS * CHALLENGES);
  return [(pair % USERS) + 1, Math.floor(pair / USERS) + 1];
}

const app = Fastify({ logger: false });
app.post("/api/submit", async (request) => {
  const { id, flag } = request.body;
  const now_us = Date.now() * 1000;
  if (!flag.startsWith("right")) {
    addGuess.run(now_us, 1, id, flag);
    return { result: "incorrect" };
  }
  addEvent.run(now_us, ...nextPair("solve"), 1, 100, null);
  return { result: "correct", points: 100, total: 100 };
});
app.post("/api/hint", async () => {
  addEvent.run(Date.now() * 1000, ...nextPair("hint"), 2, 0, 1);
  return { result: "ok" };
});
await app.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
process.stderr.write(`fastify: listening on http://127.0.0.1:${app.server.address().port}\n`);
process.on("SIGTERM", () => process.exit(0));
