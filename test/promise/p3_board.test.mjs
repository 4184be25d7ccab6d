// SPDX-License-Identifier: MIT
// P3: the scoreboard is the event log. Every snapshot that anyone reads, at any moment of a rush,
// equals a replay of the events up to its own sequence number, in score, count and order.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { openStream } from "../lib/client.mjs";
import { query } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player, call, waitFor } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const PLAYERS = 40;
const CHALLENGES = 60;

let server;
let players;
const snapshots = [];

/** Scores, counts and ranks after the events up to seq, worked out from the rows alone. */
function boardAfter(rows, seq) {
  const board = new Map();
  for (const row of rows) {
    if (row.id > seq) {
      break;
    }
    const line = board.get(row.user_id) ?? { user: row.user_id, score: 0, solves: 0, raised: 0 };
    line.score += row.points;
    line.solves += row.event_type === 1 ? 1 : 0;
    line.raised = row.points > 0 ? row.id : line.raised;
    board.set(row.user_id, line);
  }
  return [...board.values()].sort(
    (a, b) => b.score - a.score || (a.raised || Infinity) - (b.raised || Infinity),
  );
}

/** `ctfg check`, while the server and this test go on. */
function check(of) {
  return new Promise((resolve) => {
    execFile(ctfg, ["check", "-C", of.dir, "-b", of.dbdir], { timeout: 60000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, text: stdout + stderr }),
    );
  });
}

async function play(i) {
  const player = players[i];
  for (let k = 0; k < CHALLENGES; k++) {
    const id = ((k * 7 + i) % CHALLENGES) + 1;
    const answer = await player.submit(id, flagOf(id));
    assert.equal(answer.json.result, "correct", answer.text);
    if (k % 10 === 5) {
      await player.post("/api/hint", { id, hint_id: 1 });
    }
  }
}

async function watch(player, isOver) {
  while (!isOver()) {
    const answer = await player.get("/api/scoreboard");
    assert.equal(answer.status, 200);
    snapshots.push(answer.json);
  }
}

describe("P3: the scoreboard is the event log", { timeout: 120000 }, () => {
  before(async () => {
    const challenges = Array.from({ length: CHALLENGES }, (_, i) =>
      challenge(i + 1, { points: 10 + (i % 5), hints: [{ id: 1, text: "h", cost: 3 }] }),
    );
    server = await startServer({
      game: makeGame({ players: PLAYERS + 2, challenges }),
      flags: ["--workers", "2"],
    });
    players = Array.from(
      { length: PLAYERS + 2 },
      (_, i) => new Player(server.url, playerName(i), playerPassword(i)),
    );
    await Promise.all(players.map((player) => player.login()));
  });
  after(async () => {
    players.forEach((player) => player.close());
    await server?.stop();
  });

  it("every snapshot of a rush equals a replay up to its sequence number", async () => {
    let over = false;
    const watchers = [players[PLAYERS], players[PLAYERS + 1]].map((p) => watch(p, () => over));
    await Promise.all(players.slice(0, PLAYERS).map((_, i) => play(i)));
    over = true;
    await Promise.all(watchers);

    const rows = query(
      server.dbPath,
      "SELECT id, user_id, event_type, points FROM events ORDER BY id",
    );
    assert.ok(snapshots.length > 10, `only ${snapshots.length} snapshots were read`);
    for (const snapshot of snapshots) {
      const expected = boardAfter(rows, snapshot.seq);
      const seen = snapshot.players
        .filter((line) => line.solves > 0 || line.score !== 0)
        .map((line) => ({ user: line.user_id, score: line.score, solves: line.solves }));
      assert.deepEqual(
        seen,
        expected.map(({ user, score, solves }) => ({ user, score, solves })),
        `the snapshot ${snapshot.seq} is not the replay up to ${snapshot.seq}`,
      );
    }
  });

  it("whoever reads correct finds it on the board within 50 ms", async () => {
    const [first, second] = [players[PLAYERS], players[PLAYERS + 1]];
    for (let id = 1; id <= 20; id++) {
      const receipt = (await first.submit(id, flagOf(id))).json;
      const answeredAt = performance.now();
      let board;
      do {
        board = (await second.get("/api/scoreboard")).json; // built anew every 20 ms at most
        const age = performance.now() - answeredAt;
        assert.ok(board.seq >= receipt.seq || age < 50, `no ${receipt.seq} after ${age} ms`);
      } while (board.seq < receipt.seq);
      assert.equal(board.players.find((l) => l.user_id === first.userId).score, receipt.total);
    }
  });

  it("a rebuild after db's death gives the same board", async () => {
    const before = (await players[0].get("/api/scoreboard")).json;
    const pid = server.dbPid();
    server.kill(pid, "SIGKILL");
    await waitFor("another db", () => server.dbPid() && server.dbPid() !== pid);
    await waitFor("a board of the new db", async () => {
      const ready = await fetch(new URL("/readyz", server.metricsUrl));
      return ready.status === 200;
    });
    const now = (await players[0].get("/api/scoreboard")).json;
    assert.deepEqual(now.players, before.players);
    assert.equal(now.seq, before.seq);
  });
});

it("P3: a challenge that comes back after a restart without it has its solves, in order", async () => {
  const all = [challenge(1), challenge(2)];
  const own = await startServer({
    game: makeGame({ players: 3, challenges: all }),
    config: "game:\n  board_public: true\n",
    flags: ["--workers", "1"],
  });
  const file = join(own.dir, "challenges.json");
  const solves = async (from) => (await call(from.url, "GET", "/api/solves?id=1")).json;
  const events = async (from) => (await call(from.url, "GET", "/api/events")).json.events;
  let later;
  try {
    for (let i = 0; i < 3; i++) {
      const one = new Player(own.url, playerName(i), playerPassword(i));
      await one.login();
      await one.submit(2, flagOf(2));
      await one.submit(1, flagOf(1));
      one.close();
    }
    const [solvesBefore, eventsBefore] = [await solves(own), await events(own)];
    assert.deepEqual(solvesBefore.solves.map(({ place }) => place), [1, 2, 3]);
    await own.stop();

    writeFileSync(file, JSON.stringify(all.slice(1)));
    later = await own.restart();
    assert.deepEqual(await solves(later), { error: "unknown_id" });
    writeFileSync(file, JSON.stringify(all));
    later.signal("SIGHUP");
    await later.waitForLog(/msg=reloaded/);
    assert.deepEqual(await solves(later), solvesBefore);
    assert.deepEqual(await events(later), eventsBefore);
  } finally {
    await own.stop();
    await later?.stop();
  }
});

it("P3: `ctfg check` beside resets and reloads that bring players finds nothing wrong", { timeout: 120000 }, async () => {
  const token = "reset-token";
  const own = await startServer({
    game: makeGame({ players: 3000, challenges: 1 }), // so many that db builds its board for a while
    flags: ["--workers", "1"],
    env: { CTFG_ADMIN_TOKEN: token },
  });
  const credentials = join(own.dir, "credentials.csv");
  const one = new Player(own.url, playerName(0), playerPassword(0));
  const until = { checks: false };
  const resetAgainAndAgain = async () => {
    while (!until.checks) {
      await one.login();
      await one.submit(1, flagOf(1));
      assert.equal((await call(own.url, "POST", "/admin/reset", { body: { token } })).status, 200);
    }
  };
  const reloadAgainAndAgain = async () => {
    for (let i = 0; !until.checks; i++) {
      const from = own.log().length;
      appendFileSync(credentials, `newcomer${i},secret\n`);
      own.signal("SIGHUP");
      await own.waitForLog(/msg=reloaded|reload refused/, 20000, from);
    }
  };
  try {
    const others = [resetAgainAndAgain(), reloadAgainAndAgain()];
    for (let i = 0; i < 15; i++) {
      const { code, text } = await check(own);
      assert.equal(code, 0, text);
    }
    until.checks = true;
    await Promise.all(others);
  } finally {
    until.checks = true;
    one.close();
    await own.stop();
  }
});

it("P3: a history has the titles of the game in force, whoever asked while a worker took it over", { timeout: 60000 }, async () => {
  const own = await startServer({
    game: makeGame({ players: 1, challenges: [challenge(1, { title: "Old" })] }),
    flags: ["--workers", "1"],
  });
  const one = new Player(own.url, playerName(0), playerPassword(0));
  const title = async () => {
    const stream = await openStream(one.streamUrl);
    await stream.waitForFrames(1);
    stream.close();
    return stream.frames[0][0].challenge;
  };
  try {
    await one.login();
    await one.submit(1, flagOf(1));
    assert.equal(await title(), "Old");
    writeFileSync(join(own.dir, "challenges.json"), JSON.stringify([challenge(1, { title: "New" })]));
    mkdirSync(join(own.dir, "images"), { recursive: true }); // a file that takes a worker a while to compress
    writeFileSync(join(own.dir, "images", "large.svg"), `<svg>${randomBytes(350000).toString("hex")}</svg>`);
    own.signal("SIGHUP");
    while (!/the new game is in force/.test(own.log())) {
      await title();
    }
    assert.equal(await title(), "New");
  } finally {
    one.close();
    await own.stop();
  }
});
