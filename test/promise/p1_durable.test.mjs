// SPDX-License-Identifier: MIT
// P1: nothing acknowledged is ever lost. Processes are killed under a load of right answers, again
// and again; every "correct" a client has read is in the database, exactly once, under its number.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { query, replay } from "../lib/database.mjs";
import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player, waitFor } from "../lib/player.mjs";
import { isSlow, startServer } from "../lib/server.mjs";

const PLAYERS = 24;
const CHALLENGES = 1500;
// A sanitizer's db takes its time to start.
const NEXT_MS = isSlow ? 2000 : 250;
const KILLS = 20;

let server;
let game;
let players = [];
const receipts = []; // every "correct" any client has read
const lastAck = { at: 0 };
const next = Array.from({ length: PLAYERS }, () => 1);
let running = false;

/** One player who solves one challenge after the other, through crashes, until told to stop. */
async function solveOn(i) {
  const player = players[i];
  while (running && next[i] <= CHALLENGES) {
    const id = next[i];
    let answer;
    try {
      answer = await player.submit(id, flagOf(id));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2)); // the process is gone: ask again
      continue;
    }
    if (answer.status === 200 && answer.json.result === "correct") {
      receipts.push({ user: player.userId, challenge: id, seq: answer.json.seq, ts: answer.json.ts });
      lastAck.at = performance.now();
      next[i] += 1;
    } else if (answer.status === 200 && answer.json.result === "already_solved") {
      next[i] += 1; // committed, but the worker died before it could say so
    } else {
      assert.equal(answer.status, 503, `unexpected answer: ${answer.status} ${answer.text}`);
    }
  }
}

async function underLoad(work) {
  running = true;
  const loops = players.map((_, i) => solveOn(i));
  try {
    await work();
  } finally {
    running = false;
    await Promise.all(loops);
  }
}

const enoughMoreReceipts = (count) => {
  const target = receipts.length + count;
  return waitFor(`${count} more right answers`, () => receipts.length >= target, 20000);
};

function checkEverythingIsThere() {
  const rows = query(server.dbPath, "SELECT id, ts, user_id, challenge_id FROM events ORDER BY id");
  const bySeq = new Map(rows.map((row) => [row.id, row]));
  const pairs = new Set(rows.map((row) => `${row.user_id}/${row.challenge_id}`));
  assert.equal(pairs.size, rows.length, "a solve is there twice");
  for (const receipt of receipts) {
    const row = bySeq.get(receipt.seq);
    assert.ok(row, `the acknowledged event ${receipt.seq} is not in the database`);
    assert.equal(row.user_id, receipt.user);
    assert.equal(row.challenge_id, receipt.challenge);
    assert.equal(Math.floor(row.ts / 1000), receipt.ts);
  }
  rows.reduce((before, row) => {
    assert.ok(row.ts >= before, `ts goes back at event ${row.id}`);
    return row.ts;
  }, 0);
}

async function checkBoardIsReplay() {
  const answer = await players[0].get("/api/scoreboard");
  assert.equal(answer.status, 200);
  const expected = replay(server.dbPath);
  const listed = answer.json.players.filter((line) => line.score !== 0 || line.solves !== 0);
  assert.equal(listed.length, expected.size);
  for (const line of listed) {
    assert.deepEqual({ score: line.score, solves: line.solves }, expected.get(line.user_id));
  }
}

describe("P1: nothing acknowledged is ever lost", { timeout: 300000 }, () => {
  before(async () => {
    game = makeGame({ players: PLAYERS, challenges: CHALLENGES });
    server = await startServer({
      game,
      flags: ["--workers", "2"],
      config: "limits:\n  submit: 1000 + 100/s\n", // a killed worker gives no tries back
    });
    players = Array.from(
      { length: PLAYERS },
      (_, i) => new Player(() => server.url, playerName(i), playerPassword(i)),
    );
    await Promise.all(players.map((player) => player.login()));
  });
  after(async () => {
    players.forEach((player) => player.close());
    await server?.stop();
  });

  it(`a killed worker loses no right answer (${KILLS} times)`, async () => {
    await underLoad(async () => {
      for (let i = 0; i < KILLS; i++) {
        await enoughMoreReceipts(20);
        const pids = server.workers();
        server.kill(pids[i % pids.length], "SIGKILL");
        await waitFor("two workers again", () => server.workers().length === 2);
      }
    });
    checkEverythingIsThere();
    await checkBoardIsReplay();
  });

  it(`a killed db loses no right answer, and the next comes within 250 ms (${KILLS} times)`, async () => {
    const gaps = [];
    await underLoad(async () => {
      for (let i = 0; i < KILLS; i++) {
        await enoughMoreReceipts(20);
        const pid = server.dbPid();
        const seen = receipts.length;
        const killedAt = performance.now();
        server.kill(pid, "SIGKILL");
        await waitFor("another db", () => server.dbPid() && server.dbPid() !== pid);
        await waitFor("a right answer after the crash", () => receipts.length > seen + PLAYERS);
        gaps.push(lastAck.at - killedAt);
      }
    });
    gaps.sort((a, b) => a - b);
    const median = gaps[gaps.length >> 1];
    assert.ok(median < NEXT_MS, `median time to the next answer: ${median.toFixed(0)} ms`);
    checkEverythingIsThere();
    await checkBoardIsReplay();
  });

  for (const [what, victims] of [
    ["a killed master", () => [server.pid]],
    ["all of them killed at once", () => [server.pid, server.dbPid(), ...server.workers()]],
  ]) {
    it(`${what} loses no right answer, and a restart is clean (${KILLS} times)`, async () => {
      for (let i = 0; i < KILLS; i++) {
        await underLoad(async () => {
          await enoughMoreReceipts(20);
          for (const pid of victims()) {
            server.kill(pid, "SIGKILL");
          }
          await server.gone();
        });
        server = await server.restart();
        checkEverythingIsThere();
      }
      await checkBoardIsReplay();
    });
  }
});
