// SPDX-License-Identifier: MIT
// P2: nothing counts twice, whatever the races: many connections of one player at once.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { query } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const DEVICES = 32;
const API_TOKEN = "an-award-token-of-the-test";

let server;
let devices;

const count = (answers, test) => answers.filter(test).length;

describe("P2: nothing counts twice", { timeout: 60000 }, () => {
  before(async () => {
    const challenges = [
      challenge(1, { points: 100 }),
      challenge(2, {
        hints: [
          { id: 1, text: "first", cost: 60 },
          { id: 2, text: "second", cost: 60 },
        ],
      }),
      challenge(3, { hints: [{ id: 1, text: "other", cost: 60 }] }),
      challenge(4),
    ];
    server = await startServer({
      game: makeGame({ players: 40, challenges }),
      flags: ["--workers", "2"],
      env: { CTFG_API_TOKEN: API_TOKEN },
      config: "limits:\n  hint: 1000 + 10/s\n", // it is the race that is tried, not the limit
    });
    devices = Array.from(
      { length: DEVICES },
      () => new Player(server.url, playerName(0), playerPassword(0)),
    );
    await Promise.all(devices.map((device) => device.login()));
  });
  after(async () => {
    devices.forEach((device) => device.close());
    await server?.stop();
  });

  it("one of many simultaneous right answers is correct, the others are already solved", async () => {
    // Ten at once is the burst of the limit; a right answer gives its token back, a repeated one not.
    const answers = await Promise.all(devices.map((device) => device.submit(1, flagOf(1))));
    assert.equal(count(answers, (a) => a.json.result === "correct"), 1);
    assert.equal(
      count(answers, (a) => a.json.result === "already_solved" || a.status === 429),
      DEVICES - 1,
    );
    const rows = query(server.dbPath, "SELECT COUNT(*) AS n FROM events WHERE challenge_id = 1");
    assert.equal(rows[0].n, 1);
  });

  it("one of many simultaneous purchases of a hint is paid", async () => {
    const answers = await Promise.all(
      devices.map((device) => device.post("/api/hint", { id: 2, hint_id: 1 })),
    );
    assert.equal(count(answers, (a) => a.status === 200), 1);
    const rows = query(server.dbPath, "SELECT points FROM events WHERE event_type = 2");
    assert.deepEqual(rows, [{ points: -60 }]);
  });

  it("two hints in one instant do not spend the same points", async () => {
    // 40 points are left: neither the second hint of 2 nor the first of 3 can be paid.
    const answers = await Promise.all([
      devices[0].post("/api/hint", { id: 2, hint_id: 2 }),
      devices[1].post("/api/hint", { id: 3, hint_id: 1 }),
    ]);
    assert.deepEqual(
      answers.map((a) => [a.status, a.json.error]),
      [
        [402, "insufficient_points"],
        [402, "insufficient_points"],
      ],
    );
    const board = await devices[0].get("/api/scoreboard");
    assert.equal(board.json.players.find((p) => p.user_id === devices[0].userId).score, 40);
  });

  it("points that suffice for one of two hints buy one of them", async () => {
    const player = new Player(server.url, playerName(1), playerPassword(1));
    await player.login();
    const other = new Player(server.url, playerName(1), playerPassword(1));
    await other.login();
    assert.equal((await player.submit(1, flagOf(1))).json.result, "correct");
    const answers = await Promise.all([
      player.post("/api/hint", { id: 2, hint_id: 1 }),
      other.post("/api/hint", { id: 3, hint_id: 1 }),
    ]);
    assert.deepEqual(answers.map((a) => a.status).sort(), [200, 402]);
    player.close();
    other.close();
  });

  it("an award and a submit of the same solve count once", async () => {
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () =>
        call(server.url, "POST", "/api/award", {
          headers: { Authorization: `Bearer ${API_TOKEN}` },
          body: { username: playerName(0), id: 4 },
        }),
      ),
      ...devices.slice(0, 4).map((device) => device.submit(4, flagOf(4))),
    ]);
    assert.equal(
      count(answers, (a) => a.json.result === "ok" || a.json.result === "correct"),
      1,
    );
  });

  it("of many who want the same display name one gets it", async () => {
    const rivals = Array.from(
      { length: 30 },
      (_, i) => new Player(server.url, playerName(i + 5), playerPassword(i + 5)),
    );
    await Promise.all(rivals.map((rival) => rival.login()));
    const answers = await Promise.all(
      rivals.map((rival, i) => rival.post("/api/set-name", { name: i % 2 ? "CryptoCats" : "cryptocats" })),
    );
    assert.equal(count(answers, (a) => a.status === 200), 1);
    assert.equal(count(answers, (a) => a.status === 409 && a.json.error === "name_taken"), 29);
    rivals.forEach((rival) => rival.close());
  });
});
