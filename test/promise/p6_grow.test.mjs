// SPDX-License-Identifier: MIT
// P6: a game that grows while it is played. A reload takes in a hundred times the players and ten
// times the challenges; nobody's stream, request, solve, limit or session notices.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { openStream } from "../lib/client.mjs";
import { query, replay } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { metric } from "../lib/metrics.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { isAlive, startServer } from "../lib/server.mjs";

const PLAYERS = 30;
const CHALLENGES = 15;
const SOLVERS = 6; // players 0 to 5 play all the time
const LISTENERS = 4;
const CONFIG = `limits:
  submit: 100000 + 1000/s
  api: 100000 + 1000/s
  hint: 2 + 1/1h
`;
const adminToken = "an-admin-token-of-the-test";
const hints = [{ id: 1, text: "h", cost: 0 }];

let server;
let solvers;
const solved = []; // what a solver was told: {user, id, seq}
const failures = [];

/** The files of a game of so many, in the place of those that are there. */
function writeGame(players, challenges) {
  const list = Array.from({ length: challenges }, (_, i) => challenge(i + 1, { hints }));
  const rows = Array.from({ length: players }, (_, i) => `${playerName(i)},${playerPassword(i)}`);
  writeFileSync(join(server.dir, "challenges.json"), JSON.stringify(list, null, 1));
  writeFileSync(join(server.dir, "credentials.csv"), `username,password\n${rows.join("\n")}\n`);
}

async function grow(players, challenges) {
  const from = server.log().length;
  writeGame(players, challenges);
  server.signal("SIGHUP");
  await server.waitForLog(/msg=reloaded/, 20000, from);
}

async function newPlayer(i) {
  const player = new Player(() => server.url, playerName(i), playerPassword(i));
  await player.login();
  return player;
}

/** Solves what there is, again and again, with a wrong guess and a look at the board in between. */
async function play(player, isOver) {
  const mine = new Set();
  while (!isOver()) {
    const list = await player.get("/api/challenges");
    const open = list.status === 200 ? list.json.find((entry) => !mine.has(entry.id)) : undefined;
    const board = await player.get("/api/scoreboard");
    const wrong = await player.submit(1 + (mine.size % CHALLENGES), "flag{no}");
    for (const [what, answer] of Object.entries({ list, board, wrong })) {
      if (answer.status !== 200) {
        failures.push(`${what}: ${answer.status} ${answer.text}`);
      }
    }
    if (open === undefined) {
      continue;
    }
    const answer = await player.submit(open.id, flagOf(open.id));
    if (answer.json?.result === "correct") {
      mine.add(open.id);
      solved.push({ user: player.userId, id: open.id, seq: answer.json.seq });
    } else {
      failures.push(`submit: ${answer.status} ${answer.text}`);
    }
  }
}

/** The board that players see is what the event log adds up to. */
async function assertBoardIsTheLog() {
  const [{ newest }] = query(server.dbPath, "SELECT MAX(id) AS newest FROM events");
  const board = await waitFor("a board of the newest event", async () => {
    const { json } = await solvers[0].get("/api/scoreboard"); // a tick old, perhaps
    return json.seq === newest && json;
  });
  const log = new Map([...replay(server.dbPath)].filter(([, line]) => line.solves > 0));
  const seen = board.players.filter((line) => line.solves > 0 || line.score !== 0);
  assert.equal(seen.length, log.size);
  for (const line of seen) {
    const { score, solves } = log.get(line.user_id);
    assert.deepEqual([line.score, line.solves], [score, solves], `user ${line.user_id}`);
  }
}

function assertNothingLost() {
  const rows = query(server.dbPath, "SELECT id, user_id, challenge_id FROM events ORDER BY id");
  const stored = new Map(rows.map((row) => [`${row.user_id} ${row.challenge_id}`, row.id]));
  for (const { user, id, seq } of solved) {
    assert.equal(stored.get(`${user} ${id}`), seq, `user ${user}, challenge ${id}`);
  }
  assert.equal(stored.size, rows.length, "a solve is stored twice");
  return rows.map((row) => row.id);
}

describe("P6: a game that grows", { timeout: 120000 }, () => {
  before(async () => {
    server = await startServer({
      game: makeGame({ players: PLAYERS, challenges: CHALLENGES }),
      config: CONFIG,
      env: { CTFG_ADMIN_TOKEN: adminToken },
      flags: ["--workers", "2"],
    });
    await grow(PLAYERS, CHALLENGES); // the challenges have hints now
    solvers = await Promise.all(Array.from({ length: SOLVERS }, (_, i) => newPlayer(i)));
  });
  after(async () => {
    solvers?.forEach((player) => player.close());
    await server?.stop();
  });

  test("twice under load: no stream ends, no request fails, no limit begins anew", async () => {
    const listeners = await Promise.all(
      Array.from({ length: LISTENERS }, (_, i) => newPlayer(SOLVERS + i)),
    );
    const streams = await Promise.all(listeners.map((player) => openStream(player.streamUrl)));
    const limited = await newPlayer(20);
    for (const id of [1, 2]) {
      assert.equal((await limited.post("/api/hint", { id, hint_id: 1 })).status, 200);
    }
    const kicked = await newPlayer(21);
    const pids = [server.dbPid(), ...server.workers()];
    let over = false;
    const games = solvers.map((player) => play(player, () => over));
    try {
      await waitFor("a first solve", () => solved.length > SOLVERS);
      const logout = await call(server.url, "POST", "/admin/logout", {
        headers: { Authorization: `Bearer ${adminToken}` },
        body: { username: playerName(21) },
      });
      assert.ok(logout.status < 300, logout.text);
      for (const [players, challenges] of [[1000, 100], [3000, 200]]) {
        const acceptedBefore = await metric(server, "ctfg_connections_accepted_total");
        const solvesBefore = await metric(server, "ctfg_solves_total");
        await grow(players, challenges);
        const last = await newPlayer(players - 1);
        assert.equal((await last.get("/api/challenges")).json.length, challenges);
        const receipt = (await last.submit(challenges, flagOf(challenges))).json;
        assert.equal(receipt.result, "correct");
        solved.push({ user: last.userId, id: challenges, seq: receipt.seq });
        await Promise.all(streams.map((s) => s.waitForEvent((event) => event.id === receipt.seq)));
        assert.ok((await metric(server, "ctfg_connections_accepted_total")) > acceptedBefore);
        assert.ok((await metric(server, "ctfg_solves_total")) > solvesBefore);
        assert.equal((await limited.post("/api/hint", { id: 3, hint_id: 1 })).status, 429);
        assert.equal((await kicked.get("/api/me")).status, 401);
        last.close();
      }
      const count = solved.length;
      await waitFor("more solves", () => solved.length > count + SOLVERS);
    } finally {
      over = true;
      await Promise.all(games);
    }
    assert.deepEqual(failures, []);
    assert.deepEqual([server.dbPid(), ...server.workers()], pids);
    await assertBoardIsTheLog();
    const ids = assertNothingLost();
    await Promise.all(
      streams.map((stream) => stream.waitForEvent((event) => event.id === ids.at(-1))),
    );
    for (const stream of streams) {
      assert.equal(stream.end, undefined, "a stream was dropped");
      assert.deepEqual(
        stream.events().map((event) => event.id),
        ids,
        "every event once, in order, without a gap",
      );
      stream.close();
    }
    [...listeners, limited, kicked].forEach((player) => player.close());
  });

  test("a db and a worker killed in the middle lose nothing", async () => {
    const attempt = async (players) => {
      const from = server.log().length;
      writeGame(players, 300);
      server.signal("SIGHUP");
      server.kill(server.dbPid());
      await waitFor("another db", () => server.dbPid() && isAlive(server.dbPid()));
      await server.waitForLog(/msg=reloaded|reload refused/, 20000, from);
      server.signal("SIGHUP");
      server.kill(server.workers()[0]);
      await waitFor("both workers", () => server.workers().length === 2);
    };
    for (const players of [3100, 3200, 3300]) {
      await attempt(players);
      const receipt = await waitFor("a solve that counts", () =>
        solvers[1]
          .submit(players / 100 - 20, flagOf(players / 100 - 20))
          .then((answer) => answer.status === 200, () => false),
      );
      assert.ok(receipt);
    }
    await waitFor("the last game everywhere", async () => {
      const from = server.log().length;
      server.signal("SIGHUP");
      await server.waitForLog(/msg=reloaded|reload refused/, 20000, from);
      return /msg=reloaded/.test(server.log().slice(from));
    });
    const last = await newPlayer(3299);
    assert.equal((await last.get("/api/challenges")).json.length, 300);
    last.close();
    assertNothingLost();
    await assertBoardIsTheLog();
  });

  test("more than a game may hold is refused, with a sentence", async () => {
    const from = server.log().length;
    writeGame(3300, 2001);
    server.signal("SIGHUP");
    await server.waitForLog(/reload refused/, 20000, from);
    assert.match(server.log().slice(from), /challenges\.json.*1 to 2000 challenges/);
    assert.equal((await solvers[0].get("/api/challenges")).json.length, 300);
  });
});
