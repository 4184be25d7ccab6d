// SPDX-License-Identifier: MIT
// wal_unbounded: the write-ahead log stays below twice its limit, also while a reader holds an old
// snapshot open and nothing can be checkpointed, and it shrinks when the reader is gone.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { after, before, describe, it } from "node:test";

import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { metric } from "../lib/metrics.mjs";
import { Player, waitFor } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const LIMIT = 4 << 20;
const PLAYERS = 16;
const CHALLENGES = 1500;

let server;
let players;
let next = 0;
let largest = 0;

function walBytes() {
  let size = 0;
  try {
    size = statSync(`${server.dbPath}-wal`).size;
  } catch {
    size = 0; // it was removed
  }
  largest = Math.max(largest, size);
  return size;
}

/** Right answers from everyone, `rounds` challenges further on. Returns the count of each answer. */
async function solve(rounds) {
  const counts = { correct: 0, unavailable: 0 };
  const last = Math.min(next + rounds, CHALLENGES);
  await Promise.all(
    players.map(async (player) => {
      for (let id = next + 1; id <= last; id++) {
        const answer = await player.submit(id, flagOf(id));
        walBytes();
        if (answer.status === 503) {
          counts.unavailable += 1;
          assert.ok(answer.headers["retry-after"]);
        } else {
          assert.equal(answer.json.result, "correct", answer.text);
          counts.correct += 1;
        }
      }
    }),
  );
  next = last;
  return counts;
}

describe("wal_unbounded", { timeout: 120000 }, () => {
  before(async () => {
    server = await startServer({
      game: makeGame({ players: PLAYERS, challenges: CHALLENGES }),
      config: "database:\n  wal_size: 4MiB\n",
    });
    players = Array.from(
      { length: PLAYERS },
      (_, i) => new Player(server.url, playerName(i), playerPassword(i)),
    );
    await Promise.all(players.map((player) => player.login()));
  });
  after(async () => {
    players.forEach((player) => player.close());
    await server?.stop();
  });

  it("a load leaves it below twice the limit, and a lull empties it", async () => {
    const counts = await solve(300);
    assert.equal(counts.unavailable, 0);
    assert.ok(largest < 2 * LIMIT, `it grew to ${largest} bytes`);
    await waitFor("the log is small after a lull", () => walBytes() < LIMIT / 2);
  });

  it("a reader that holds its snapshot open does not let it grow past the bound", async () => {
    const reader = spawn("sqlite3", [`file:${server.dbPath}?mode=ro`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let said = "";
    reader.stdout.on("data", (chunk) => (said += chunk));
    reader.stdin.write("BEGIN;\nSELECT 'snapshot', COUNT(*) FROM events;\n");
    await waitFor("the snapshot", () => said.includes("snapshot"));
    const held = await solve(600);
    assert.ok(held.unavailable > 0, "the load did not reach the bound: the test shows nothing");
    assert.match(server.log(), /snapshot of events.db/);
    assert.ok(largest < 2 * LIMIT, `it grew to ${largest} bytes`);
    assert.equal((await players[0].get("/api/scoreboard")).status, 200);
    const shown = await metric(server, "ctfg_db_wal_bytes", 'process="db"');
    const limit = await metric(server, "ctfg_db_wal_limit_bytes");
    assert.ok(shown >= 1.75 * limit && shown < 2 * limit, `what the alert CtfgWalGrows goes by: ${shown} of ${limit}`);

    reader.stdin.end("ROLLBACK;\n");
    await waitFor("the log shrinks", () => walBytes() < LIMIT / 2);
    const counts = await solve(20);
    assert.equal(counts.unavailable, 0, "writes are still refused");
  });
});
